//! Runs of a scenario from many seeds.

use std::ops::RangeInclusive;
use std::thread;
use std::time::Duration;

use super::run::{Outcome, Run, run};
use crate::simulation::runs::parallel::in_parallel;

/// The summary of runs without a violation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Runs.
    pub runs: usize,
    /// Builds that were started.
    pub builds: usize,
    /// Images that were pushed.
    pub pushed: usize,
    /// Processes of the daemon that were started.
    pub processes: u64,
    /// The daemon's requests, but for lists, watches and the lease.
    pub requests: usize,
    /// Requests that were tried, whether or not they reached the API server; but for lists, watches and the lease.
    pub tried: u64,
    /// How long all of them took, in virtual time.
    pub virtual_time: Duration,
}

/// Why not every seed was run.
#[derive(Debug)]
pub enum Failed {
    /// Something did not hold, in this run.
    Violated(Outcome),
    /// A run could not be made.
    Error(Box<dyn std::error::Error + Send + Sync>),
}

impl Summary {
    /// The summary of one run.
    pub fn of(outcome: &Outcome) -> Self {
        let mut summary = Self::default();
        summary.add(outcome);
        summary
    }

    fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        self.builds += outcome.builds;
        self.pushed += outcome.pushed;
        self.processes += outcome.processes;
        self.requests += outcome.requests;
        self.tried += outcome.tried;
        self.virtual_time += outcome.virtual_time;
    }
}

/// Runs `template` from each of `seeds`, as many at once as there are processors, and stops at the first violation. The
/// worker threads call `progress` with the number of finished runs.
///
/// # Errors
/// Of several seeds with a violation, the lowest that was run.
pub fn run_all(
    template: &Run,
    seeds: RangeInclusive<u64>,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Summary, Failed> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let run_one = |seed| run(&Run { seed, ..template.clone() }, None);
    let is_bad = |result: &Result<Outcome, _>| !matches!(result, Ok(outcome) if outcome.violations.is_empty());
    let mut summary = Summary::default();
    for result in in_parallel(threads, seeds, progress, run_one, is_bad) {
        match result {
            Ok(outcome) if outcome.violations.is_empty() => summary.add(&outcome),
            Ok(outcome) => return Err(Failed::Violated(outcome)),
            Err(error) => return Err(Failed::Error(error)),
        }
    }
    Ok(summary)
}
