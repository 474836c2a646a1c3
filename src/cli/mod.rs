//! The command line: one file for each subcommand.

#[cfg(feature = "images")]
mod build;
mod build_settings;
mod cluster_access;
mod documents;
mod explain;
#[cfg(feature = "images")]
mod inspect;
#[cfg(feature = "simulation")]
mod local_cluster;
#[cfg(feature = "images")]
mod registry_access;
mod render;
mod run;
#[cfg(feature = "simulation")]
mod simulate;
mod status;
mod stop;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing::Level;
use tracing_subscriber::EnvFilter;

use crate::causes::with_causes;
use crate::settings::{LogFormat, Settings};

/// Whatever went wrong, to be printed with its causes.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// Builds layered OS images for MachineConfigPools, on the cluster.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "images")]
    Build(build::Arguments),
    #[cfg(feature = "images")]
    Inspect(inspect::Arguments),
    #[cfg(feature = "simulation")]
    LocalCluster(local_cluster::Arguments),
    #[cfg(feature = "simulation")]
    Simulate(simulate::Arguments),
    Explain(explain::Arguments),
    Render(render::Arguments),
    Run(run::Arguments),
    Status(status::Arguments),
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = execute(&arguments.command);
    match outcome {
        Ok(code) => code,
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error);
            ExitCode::FAILURE
        }
    }
}

fn execute(command: &Command) -> Result<ExitCode, Error> {
    let (settings, level) = match command {
        Command::Run(arguments) => (arguments.settings()?, Level::INFO),
        _ => (Settings::default(), Level::ERROR),
    };
    #[cfg(feature = "simulation")]
    let is_quiet = matches!(command, Command::Simulate(arguments) if arguments.has_faults());
    #[cfg(not(feature = "simulation"))]
    let is_quiet = false;
    log_to_stderr(level, settings.log_format, is_quiet)?;
    match command {
        #[cfg(feature = "images")]
        Command::Build(arguments) => build::run(arguments),
        #[cfg(feature = "images")]
        Command::Inspect(arguments) => inspect::run(arguments),
        #[cfg(feature = "simulation")]
        Command::LocalCluster(arguments) => local_cluster::run(arguments),
        #[cfg(feature = "simulation")]
        Command::Simulate(arguments) => simulate::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Render(arguments) => render::run(arguments),
        Command::Run(arguments) => run::run(arguments, &settings),
        Command::Status(arguments) => status::run(arguments),
    }
}

fn print_error(error: &Error) {
    eprintln!("error: {}", with_causes(error.as_ref()));
}

/// Logs go to standard error, so that standard output holds results alone; `RUST_LOG` says how much of them.
fn log_to_stderr(level: Level, format: LogFormat, is_quiet: bool) -> Result<(), Error> {
    let mut directives = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    if directives.trim().is_empty() {
        // Of each refusal it warns by itself; the watches here tell of them too, and not each time.
        // Where faults are what it is about, they are no news.
        directives = if is_quiet { "off".to_owned() } else { format!("{level},kube_runtime::watcher=error") };
    }
    let filter = EnvFilter::builder().with_default_directive(level.into()).parse(&directives).map_err(|error| {
        format!("RUST_LOG is {directives:?} ({error}); set it as in debug, or warn,machine_os_builder=debug")
    })?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    if format == LogFormat::Json {
        logs.json().init();
    } else {
        logs.with_ansi(io::stderr().is_terminal()).init();
    }
    Ok(())
}

/// Whether nobody is there to read standard output any more, which is no failure of ours.
fn is_broken_pipe(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
