//! The crash sweep: with any single fault at any request, the cluster must end in the same state.
//!
//! Each [`Scenario`] is first run without a fault, which counts the daemon's requests and records the final state. The
//! sweep then replays it once per request and kind of [`InjectedFault`], and injects that fault at that request. If the
//! process dies, another is started at once. In each replay, the [invariants](crate::simulation::checks::invariants)
//! must hold at every moment, no build may run twice, no object may be left over, the final state must be the same, and
//! the daemon must then send no more requests.
//!
//! | file | content |
//! |---|---|
//! | `scenario` | the scenarios |
//! | `user` | the actions of the simulated user, and the states that it waits for |
//! | `kubelet` | the simulated builder |
//! | `world` | one cluster, and functions that wait for a state of it |
//! | `fault` | the kinds of faults, and how each is injected |
//! | `process` | the daemon's first process, and its successors |
//! | `trial` | one run of one scenario with one fault |
//! | `ending` | the final state of a cluster as text that can be compared |
//! | `report` | the results, as a table |

mod ending;
mod fault;
mod kubelet;
mod process;
mod report;
mod scenario;
mod trial;
mod user;
mod world;

pub use self::fault::InjectedFault;
pub use self::report::{Failure, SweepReport};
pub use self::scenario::Scenario;
use self::trial::{Reference, Trial};
use super::parallel::in_parallel;

/// Which points to try.
#[derive(Debug, Clone)]
pub struct SweepOptions {
    /// The scenarios; all of them, if none is named.
    pub scenarios: Vec<Scenario>,
    /// The kinds of faults.
    pub faults: Vec<InjectedFault>,
    /// One request alone, by its number.
    pub request: Option<usize>,
    /// Of all points of a scenario, each of this number; 1 is all.
    pub stride: usize,
    /// Threads to play in. The outcome does not depend on it.
    pub threads: usize,
    /// A final state to expect of every scenario, instead of that of its undisturbed run. It tests that the sweep
    /// detects a wrong final state.
    pub expected_end: Option<String>,
}

impl Default for SweepOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let (scenarios, faults) = (Scenario::all(), InjectedFault::all());
        Self { scenarios, faults, request: None, stride: 1, threads, expected_end: None }
    }
}

/// Tries every point that `options` ask for; calls `progress` with the number of finished points and their total.
pub fn sweep(options: &SweepOptions, progress: &(dyn Fn(usize, usize) + Sync)) -> SweepReport {
    let undisturbed = |scenario: &Scenario| {
        let mut reference = trial::play_undisturbed(*scenario);
        if let (Ok(reference), Some(end)) = (&mut reference, &options.expected_end) {
            reference.end.clone_from(end);
        }
        reference
    };
    let references = in_parallel(options.threads, options.scenarios.iter(), &|_| {}, undisturbed, |_| false);
    let trials: Vec<Trial<'_>> = options
        .scenarios
        .iter()
        .zip(&references)
        .filter_map(|(scenario, reference)| Some((scenario, reference.as_ref().ok()?)))
        .flat_map(|(scenario, reference)| points(options, *scenario, reference))
        .collect();
    let played = references.iter().flatten();
    let numbers = played.flat_map(|reference| options.faults.iter().map(|fault| requests(*fault, reference))).max();
    let total = trials.len();
    let outcomes = in_parallel(options.threads, trials.iter(), &|done| progress(done, total), Trial::run, |_| false);
    let mut report = SweepReport::new(&options.faults, numbers.unwrap_or_default());
    for (scenario, reference) in options.scenarios.iter().zip(&references) {
        report.add_scenario(*scenario, reference);
    }
    for (trial, whats) in trials.iter().zip(outcomes) {
        report.add_trial(trial, whats);
    }
    report
}

/// The points of one scenario that `options` ask for.
fn points<'a>(options: &SweepOptions, scenario: Scenario, reference: &'a Reference) -> Vec<Trial<'a>> {
    let all = options.faults.iter().flat_map(|fault| {
        (0..requests(*fault, reference)).map(move |request| Trial { scenario, fault: *fault, request, reference })
    });
    let asked_for = all.filter(|trial| options.request.is_none_or(|request| request == trial.request));
    asked_for.step_by(options.stride.max(1)).collect()
}

/// How many requests there are at which a fault of this kind can be.
fn requests(fault: InjectedFault, reference: &Reference) -> usize {
    match fault {
        InjectedFault::Panics => reference.announced.len(),
        InjectedFault::DiesAlways => 1,
        _ => reference.requests.len(),
    }
}
