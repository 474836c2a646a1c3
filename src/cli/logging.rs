//! Logs and panic messages go to standard error. It holds no results, and a failure to write to it never ends the
//! process.

use std::io::{self, IsTerminal as _};

use serde_json::json;
use tracing::Level;
use tracing_subscriber::EnvFilter;

use super::error::Error;
use crate::cluster::LOG_DIRECTIVE;
use crate::settings::LogFormat;
use crate::stderr::{self, LineWriter, Notice};

/// Logs go to standard error, so that standard output holds results alone; `RUST_LOG` says how much of them.
pub(super) fn log_to_stderr(level: Level, format: LogFormat, is_quiet: bool) -> Result<(), Error> {
    let mut directives = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    if directives.trim().is_empty() {
        // Of each refusal kube warns by itself; the watches here tell of them too, and not each time. What is wrong
        // with a certificate is told by the error. The spans of ractor number the actors; those here name the pool.
        // Where faults are what it is about, they are no news.
        directives = if is_quiet {
            "off".to_owned()
        } else {
            format!("{level},kube_runtime::watcher=error,ractor=warn,rustls_platform_verifier=off")
        };
    }
    let filter = EnvFilter::builder().with_default_directive(level.into()).parse(&directives).map_err(|error| {
        format!("RUST_LOG is {directives:?} ({error}); set it as in debug, or warn,machine_os_builder=debug")
    })?;
    let filter =
        if is_quiet { filter } else { filter.add_directive(LOG_DIRECTIVE.parse().expect("a directive of its form")) };
    // What it says of its own errors, it says on standard error without asking whether that can be written.
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| LineWriter).log_internal_errors(false);
    if format == LogFormat::Json {
        logs.json().init();
    } else {
        logs.with_ansi(has_colours()).init();
    }
    Ok(())
}

/// Tells of panics by a line that may be lost, as any other.
pub(super) fn tell_of_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let backtrace = std::backtrace::Backtrace::capture();
        let trace = match backtrace.status() {
            std::backtrace::BacktraceStatus::Captured => format!("\n{backtrace}"),
            _ => String::new(),
        };
        stderr::line(&format!("thread {:?} {panic}{trace}", thread.name().unwrap_or("without a name")));
    }));
}

/// How a log in this format says how many of its lines were lost.
pub(super) const fn notice(format: LogFormat) -> Notice {
    match format {
        LogFormat::Human => |lost| {
            let now = jiff::Timestamp::now();
            format!("{now:.6}  WARN {}: {}", module_path!(), lost_lines(lost))
        },
        LogFormat::Json => |lost| {
            let now = format!("{:.6}", jiff::Timestamp::now());
            let fields = json!({"message": lost_lines(lost), "lost": lost});
            json!({"timestamp": now, "level": "WARN", "fields": fields, "target": module_path!()}).to_string()
        },
    }
}

fn lost_lines(lost: u64) -> String {
    format!("log lines before this one that could not be written: {lost}")
}

/// Whether the log is for a terminal, and not asked to be without colours (<https://no-color.org>).
fn has_colours() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    io::stderr().is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_lines_are_told_of_in_the_format_of_the_log() {
        let human = notice(LogFormat::Human)(3);
        assert!(human.ends_with("could not be written: 3") && human.contains("Z  WARN "), "{human}");
        let line: serde_json::Value = serde_json::from_str(&notice(LogFormat::Json)(7)).unwrap();
        assert_eq!((&line["level"], &line["fields"]["lost"]), (&json!("WARN"), &json!(7)));
    }
}
