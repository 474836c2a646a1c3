//! One run of one scenario, with one fault or none.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::ending;
use super::fault::InjectedFault;
use super::kubelet;
use super::process::Processes;
use super::scenario::Scenario;
use super::world::{Stuck, World};
use crate::simulation::faults::link_control::LinkRequest;

/// The virtual time between two checks whether all work is done.
const SETTLE_INTERVAL: Duration = Duration::from_secs(60);
/// The virtual time within which all work must be done, once the user has finished.
const SETTLE_MAX: Duration = Duration::from_secs(3600);
/// The virtual time in which the daemon must then send nothing: longer than a watch may be blind, and than a watch
/// lasts.
const REST: Duration = Duration::from_secs(300);

/// The result of a run, and of the undisturbed one that the others are compared with.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    /// The daemon's requests.
    pub requests: Vec<LinkRequest>,
    /// Those that actors sent.
    pub announced: Vec<String>,
    pub end: String,
    pub builds_made: BTreeMap<(String, String), usize>,
}

/// One fault at one request of one scenario.
pub(super) struct Trial<'a> {
    pub scenario: Scenario,
    pub fault: InjectedFault,
    pub request: usize,
    pub reference: &'a Reference,
}

/// The result of a run, and the violations.
type Played = (Reference, Vec<String>);

/// Runs a scenario without a fault; returns the violations, if there are any.
pub(super) fn play_undisturbed(scenario: Scenario) -> Result<Reference, Vec<String>> {
    let (reference, whats) = play(scenario, None, None)?;
    if whats.is_empty() { Ok(reference) } else { Err(whats) }
}

impl Trial<'_> {
    /// Runs it; returns the violations.
    pub(super) fn run(&self) -> Vec<String> {
        let played = play(self.scenario, Some((self.fault, self.request)), Some(&self.reference.end));
        let (played, mut whats) = match played {
            Ok(played) => played,
            Err(whats) => return whats,
        };
        if !self.is_as_before(&played.requests) {
            whats.push("up to the fault it is not the run that it is compared with".to_owned());
        }
        whats.extend(ending::difference(&self.reference.end, &played.end));
        for ((pool, hash), made) in &played.builds_made {
            let due = self.reference.builds_made.get(&(pool.clone(), hash.clone())).copied().unwrap_or_default();
            if *made > due {
                whats.push(format!("{made} build objects were made for {pool} from inputs {hash}, and {due} were due"));
            }
        }
        whats
    }

    /// Whether the requests up to the fault are those of the undisturbed run: what is tried is what it says. Watches
    /// that end at the same moment are opened again in any order; they count as one another.
    fn is_as_before(&self, requests: &[LinkRequest]) -> bool {
        let before =
            if matches!(self.fault, InjectedFault::Panics | InjectedFault::DiesAlways) { 0 } else { self.request + 1 };
        let is_same =
            |(left, right): (&LinkRequest, &LinkRequest)| left == right || (left.is_watch() && right.is_watch());
        requests.len() >= before && requests.iter().zip(&self.reference.requests).take(before).all(is_same)
    }
}

fn play(scenario: Scenario, fault: Option<(InjectedFault, usize)>, end: Option<&str>) -> Result<Played, Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| vec![error.to_string()])?;
    runtime.block_on(played(scenario, fault, end)).map_err(|stuck| vec![stuck.to_string()])
}

async fn played(scenario: Scenario, fault: Option<(InjectedFault, usize)>, end: Option<&str>) -> Result<Played, Stuck> {
    let world = World::new();
    scenario.prepare(&world).await?;
    let kubelet = kubelet::run(world.server.client("kubelet"), world.ledger.clone(), scenario);
    let processes = Processes::start(&world, fault).await.map_err(|error| Stuck::Refused(error.to_string()))?;
    let (first, announced) = (processes.first.clone(), processes.announced.clone());
    let story = async {
        let stuck = scenario.play(&world).await.err();
        settle(&world, end).await?;
        let requests = first.passed();
        let before = world.invariants.requests();
        sleep(REST).await;
        let (end, is_silent) = (ending::of(&world).await?, world.invariants.requests() == before);
        let mut whats: Vec<String> = stuck.iter().map(ToString::to_string).collect();
        whats.extend(world.invariants.violations().iter().chain(&world.invariants.at_rest()).map(ToString::to_string));
        if !is_silent {
            whats.push("at rest, requests are sent".to_owned());
        }
        let announced = announced.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok((Reference { requests, announced, end, builds_made: world.invariants.builds_made() }, whats))
    };
    tokio::select! {
        // In this order, always: the same run again takes the same turns.
        biased;
        played = story => played,
        error = processes.keep_up(&world) => Err(Stuck::Refused(error.to_string())),
        () = kubelet => Err(Stuck::Refused("the kubelet's watches ended".to_owned())),
    }
}

/// Waits until all is done: the end is the one expected, or nothing is missing; and nothing is sent any more.
async fn settle(world: &World, expected: Option<&str>) -> Result<(), Stuck> {
    let deadline = Instant::now() + SETTLE_MAX;
    while Instant::now() < deadline {
        let before = world.invariants.requests();
        sleep(SETTLE_INTERVAL).await;
        let is_done = match expected {
            Some(expected) => ending::of(world).await? == expected,
            None => world.invariants.at_rest().is_empty(),
        };
        if is_done && world.invariants.requests() == before {
            break;
        }
    }
    Ok(())
}
