//! `status`: where pools stand, once, for as long as one likes, or until they are built.

mod follow;
mod goal;
mod output;

use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time;

use self::follow::Followed;
use self::goal::{Goal, Verdict};
use self::output::{Format, Printer};
use super::cluster_access::{ClusterArguments, find};
use super::error::Error;
use super::stop::Stop;
use crate::report::PoolReport;
use crate::stderr;

/// Shows the state of pools.
///
/// The table shows the state and since when, the attempt, the config, the image and the pool's message. The command
/// evaluates the daemon's own decision and writes nothing. No daemon has to run.
///
/// The exit status is 0 if the state was shown or the awaited state was reached; 1 if the cluster could not be asked or
/// the pool does not exist; 2 if the arguments are wrong; 3 if the awaited state needs a user's action first; 4 if it was
/// not reached in time; 130 or 143 if Ctrl-C or SIGTERM interrupted the command; 141 if no process reads the output.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Name of the pool [default: all pools]
    #[arg(value_name = "POOL")]
    pool: Option<String>,

    /// Output format; with --watch, JSON is one document per line
    #[arg(short, long, value_name = "HOW", value_enum, default_value_t = Format::Table)]
    output: Format,

    /// Continue, and print changes, until Ctrl-C
    #[arg(short, long)]
    watch: bool,

    /// Wait until the pool reaches this state; without POOL, until every opted-in pool does
    #[arg(long, value_name = "STATE", value_enum)]
    wait_for: Option<Goal>,

    /// Time limit of --wait-for, as in 90s or 30m
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = humantime::parse_duration, requires = "wait_for")]
    timeout: Duration,

    #[command(flatten)]
    cluster: ClusterArguments,
}

const EXAMPLES: &str = "\
Examples:
  machine-os-builder status                                   # all pools
  machine-os-builder status worker --watch                    # one pool, and each change of it
  machine-os-builder status worker --wait-for built -o json   # wait until its image is published
  machine-os-builder status --context prod --request-timeout 30s";

/// What is waited for will not come by itself.
const HOPELESS: u8 = 3;
/// What is waited for has not come in time.
const TIMED_OUT: u8 = 4;
/// As of a process that ended by SIGINT.
const INTERRUPTED: u8 = 130;

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(show(arguments))
}

async fn show(arguments: &Arguments) -> Result<ExitCode, Error> {
    let stop = Stop::at_once()?;
    let access = arguments.cluster.connect().await?;
    let is_stream = arguments.watch || arguments.wait_for.is_some();
    let mut printer = Printer::new(arguments.output, arguments.watch, arguments.pool.is_some());
    if !is_stream || arguments.watch {
        printer.head(&access.daemon, Timestamp::now());
    }
    if is_stream {
        let followed = Followed::start(access).await?;
        return arguments.stream(followed, &mut printer, stop.in_order()?).await;
    }
    let now = Timestamp::now();
    let reports = access.snapshot().await?.reports(&access.settings, now).await?.pools;
    printer.print(&arguments.asked_for(&reports)?, now)?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    /// The reports that were asked for; that there is no such pool is an error.
    fn asked_for<'r>(&self, reports: &'r [PoolReport]) -> Result<Vec<&'r PoolReport>, Error> {
        match &self.pool {
            Some(pool) => Ok(vec![find(reports, pool)?]),
            None => Ok(reports.iter().collect()),
        }
    }

    async fn stream(
        &self,
        mut followed: Followed,
        printer: &mut Printer,
        stopped: impl Future<Output = ()>,
    ) -> Result<ExitCode, Error> {
        let mut timeout = std::pin::pin!(time::sleep(self.timeout));
        self.asked_for(followed.reports())?;
        let mut stopped = std::pin::pin!(stopped);
        loop {
            // A pool that was there may be gone by now.
            let reports: Vec<&PoolReport> = followed.reports().iter().filter(|report| self.is_meant(report)).collect();
            if self.watch {
                printer.print_changes(&reports, Timestamp::now())?;
            }
            let verdict = self.wait_for.map(|goal| goal.judge(&reports, self.pool.as_deref()));
            if let Some(verdict @ (Verdict::Reached | Verdict::Hopeless(_))) = verdict {
                self.head(printer, &followed).await;
                return self.conclude(verdict, printer, &reports);
            }
            tokio::select! {
                biased;
                () = &mut stopped => return Ok(self.interrupted()),
                () = &mut timeout, if self.wait_for.is_some() => break,
                () = followed.changed() => {}
            }
        }
        self.head(printer, &followed).await;
        let reports: Vec<&PoolReport> = followed.reports().iter().filter(|report| self.is_meant(report)).collect();
        self.conclude(Verdict::NotYet, printer, &reports)
    }

    /// What was known of the daemon at the beginning of a wait is old at its end.
    async fn head(&self, printer: &mut Printer, followed: &Followed) {
        if !self.watch {
            printer.head(&followed.daemon().await, Timestamp::now());
        }
    }

    fn is_meant(&self, report: &PoolReport) -> bool {
        self.pool.as_ref().is_none_or(|pool| report.name == *pool)
    }

    fn interrupted(&self) -> ExitCode {
        if self.wait_for.is_some() { ExitCode::from(INTERRUPTED) } else { ExitCode::SUCCESS }
    }

    /// The end of a wait: how the pools are in the end, and what came of it.
    fn conclude(&self, verdict: Verdict, printer: &mut Printer, reports: &[&PoolReport]) -> Result<ExitCode, Error> {
        if !self.watch {
            printer.print(reports, Timestamp::now())?;
        }
        Ok(match verdict {
            Verdict::Reached => ExitCode::SUCCESS,
            Verdict::Hopeless(why) => {
                stderr::line(&format!("error: {why}"));
                ExitCode::from(HOPELESS)
            }
            Verdict::NotYet => {
                stderr::line(&format!("error: not within {}", humantime::format_duration(self.timeout)));
                ExitCode::from(TIMED_OUT)
            }
        })
    }
}
