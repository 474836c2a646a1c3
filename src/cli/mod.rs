//! The command line: one file for each subcommand.

#[cfg(feature = "images")]
mod build;
mod build_settings;
mod cluster_access;
mod documents;
mod error;
mod explain;
#[cfg(feature = "images")]
mod inspect;
#[cfg(feature = "simulation")]
mod local_cluster;
mod logging;
#[cfg(feature = "images")]
mod registry_access;
mod render;
mod run;
#[cfg(feature = "simulation")]
mod simulate;
mod status;
mod stdout;
mod stop;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tracing::Level;

use self::error::{Error, print_error};
use self::logging::{log_to_stderr, notice, tell_of_panics};
use self::stdout::StdoutError;
use crate::settings::Settings;
use crate::stderr;

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

/// As of a process that ended because no other one reads what it writes: 128, and the number of SIGPIPE.
const BROKEN_PIPE: u8 = 141;
/// How long a process waits at its end until all that it has to say is written.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    tell_of_panics();
    let code = match stop::outlive_full_files().map_err(Error::from).and_then(|()| parse_and_execute()) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::from(BROKEN_PIPE),
        Err(error) => {
            print_error(&error);
            ExitCode::FAILURE
        }
    };
    stderr::flush(LAST_WORDS);
    code
}

fn parse_and_execute() -> Result<ExitCode, Error> {
    match Arguments::try_parse() {
        Ok(arguments) => execute(&arguments.command),
        // Help is asked for, and a result.
        Err(help) if !help.use_stderr() => {
            help.print().map_err(StdoutError::from)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) => {
            let _ = refusal.print();
            Ok(ExitCode::from(u8::try_from(refusal.exit_code()).unwrap_or(u8::MAX)))
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
    if matches!(command, Command::Run(_)) {
        stderr::start(notice(settings.log_format))?;
    }
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

/// Whether no process reads standard output any more, which is no failure of ours.
fn is_broken_pipe(error: &Error) -> bool {
    error.downcast_ref::<StdoutError>().is_some_and(StdoutError::is_broken_pipe)
}
