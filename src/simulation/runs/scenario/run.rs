//! One run of a scenario.

use std::time::Duration;

use futures::future::{join_all, pending};
use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use super::verdict;
use crate::actors::ActorSettings;
use crate::apiserver::{self, ApiServer, LogEntry};
use crate::clock::Clock;
use crate::daemon;
use crate::simulation::checks::invariants::{Invariants, is_upkeep};
use crate::simulation::faults::link_control::LinkControl;
use crate::simulation::faults::options::{FaultGate, ReplicaOptions};
use crate::simulation::faults::replicas::Replicas;
use crate::simulation::faults::{self, World, builds, neighbours, users};
use crate::simulation::kubelet::simulated::{self, NodeAgent};
use crate::simulation::people::build_controller::{self, BuildController};
use crate::simulation::people::registry::FakeRegistry;
use crate::simulation::runs::fleet::{REST, SETTLE};
use crate::simulation::scenario::Scenario;
use crate::simulation::seed::EPOCH;
use crate::simulation::{Fleet, Trace};

/// The bound in which every pool is built once nothing goes wrong any more, but for the time that builds take.
const LIVENESS: Duration = Duration::from_secs(2 * 3600);
/// The time that the builds of one pool may add to it, if it builds alone: a build in progress, a lost one, and the one
/// that counts.
const LIVENESS_PER_POOL: Duration = Duration::from_secs(1800);
/// How often it is looked whether every pool is built.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);
/// The number of recent requests that are stored, for the report of unexpected ones.
const LOG_LENGTH: usize = 4096;

/// The parameters of a run.
#[derive(Clone)]
pub struct Run {
    /// The scenario.
    pub scenario: Scenario,
    /// The seed.
    pub seed: u64,
    /// The daemon's settings; how many builds run at once is the scenario's.
    pub settings: ActorSettings,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The violations.
    pub violations: Vec<String>,
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
    /// How long it took, in virtual time.
    pub virtual_time: Duration,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Runs a scenario, on a runtime of its own; what happens is written to `trace`.
///
/// # Errors
/// If the runtime cannot be made, the embedded API server refuses what a run begins with, or the trace cannot be written.
/// A violation is no error, but part of the outcome.
pub fn run(run: &Run, trace: Option<&Trace>) -> Result<Outcome, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let outcome = runtime.block_on(async { Stage::set(run, trace).await?.play().await })?;
    trace.map_or(Ok(()), Trace::finish)?;
    Ok(outcome)
}

/// All that takes part in a run.
struct Stage {
    world: World,
    ledger: FakeRegistry,
    invariants: Invariants,
    calm: FaultGate,
    started: Instant,
    /// The node agent and the build controller, which end with it.
    _neighbours: JoinSet<()>,
}

impl Stage {
    async fn set(run: &Run, trace: Option<&Trace>) -> Result<Self, Error> {
        let Run { scenario, seed, settings } = run;
        let scenario = &scenario.of_seed(*seed);
        let clock = Clock::starting_at(EPOCH.parse::<Timestamp>()?);
        let (event_window, usual) = (scenario.network.event_window, apiserver::ServerOptions::new(clock, *seed));
        let server = ApiServer::new(apiserver::ServerOptions { event_window, log_length: LOG_LENGTH, ..usual });
        let (ledger, calm) = (FakeRegistry::default(), FaultGate::default());
        let invariants = Invariants::attach(&server, &ledger);
        invariants.limit_builds(scenario.concurrent_builds);
        if let Some(trace) = trace {
            server.add_auditor(trace.auditor());
        }
        let mut neighbours = JoinSet::new();
        let endings = builds::endings(&scenario.builds, *seed, calm.clone());
        let agent = NodeAgent::new(server.client(simulated::USER_AGENT), *seed, ledger.clone());
        neighbours.spawn(agent.ending_as(endings.clone()).run());
        let controller = BuildController::new(server.client(build_controller::USER_AGENT), *seed, ledger.clone());
        neighbours.spawn(controller.ending_as(endings).run());

        let mut settings = settings.clone();
        settings.decide.concurrent_builds_max = scenario.concurrent_builds;
        let options = ReplicaOptions {
            server: server.clone(),
            settings,
            clock,
            seed: *seed,
            network: scenario.network.clone(),
            clock_errors: scenario.processes.clock_errors,
            calm: calm.clone(),
            invariants: invariants.clone(),
        };
        let replicas = Replicas::start(&options, scenario.replicas);
        let fleet = Fleet { pools: scenario.pools, configs: 1, seed: *seed };
        let world = World::new(scenario.clone(), server, fleet, replicas, &invariants);
        users::begin(&world).await?;
        Ok(Self { world, ledger, invariants, calm, started: Instant::now(), _neighbours: neighbours })
    }

    async fn play(self) -> Result<Outcome, Error> {
        let world = &self.world;
        let faults = async {
            join_all(faults::ingredients(world)).await;
            pending::<()>().await;
        };
        let _ = time::timeout(world.scenario.faults, faults).await;
        let mut found = Vec::new();
        if !self.has_failed() {
            self.heal().await;
            found = self.converge().await?;
            if found.is_empty() {
                found = self.rest().await?;
            }
        }
        Ok(self.outcome(found))
    }

    fn has_failed(&self) -> bool {
        !self.invariants.violations().is_empty() || !self.ledger.complaints().is_empty()
    }

    /// Stops all faults.
    async fn heal(&self) {
        self.calm.begin();
        self.world.refusals.end_all();
        self.world.server.start();
        self.world.replicas.wires().iter().for_each(LinkControl::restore);
        neighbours::clear_all(&self.world).await;
        if self.world.scenario.mended {
            users::mend(&self.world).await;
        }
    }

    /// Waits until every pool is built; what is still missing when that should have happened.
    async fn converge(&self) -> Result<Vec<String>, Error> {
        let Scenario { pools, concurrent_builds, mended, .. } = self.world.scenario;
        let at_once = if concurrent_builds == 0 { pools } else { concurrent_builds };
        let rounds = u32::try_from(pools.div_ceil(at_once)).unwrap_or(u32::MAX);
        let deadline = Instant::now() + LIVENESS + LIVENESS_PER_POOL.saturating_mul(rounds);
        loop {
            let unfinished = verdict::unfinished(&self.world, &self.ledger, &self.invariants).await?;
            if unfinished.is_empty() || self.has_failed() || Instant::now() > deadline {
                return Ok(unfinished);
            }
            if mended {
                users::retry_failed(&self.world, &verdict::pools(&self.world).await?).await;
            }
            time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Leaves the cluster alone for an hour; returns the requests that the daemon sent nevertheless.
    async fn rest(&self) -> Result<Vec<String>, Error> {
        time::sleep(SETTLE).await;
        let server = &self.world.server;
        let before = self.invariants.requests();
        server.clear_log();
        time::sleep(REST).await;
        let mut found = verdict::unfinished(&self.world, &self.ledger, &self.invariants).await?;
        let count = self.invariants.requests() - before;
        if count > 0 {
            let log = server.log();
            let agent = daemon::user_agent();
            let is_sought = |entry: &&LogEntry| entry.agent == agent && !is_upkeep(entry.verb, &entry.resource);
            let first = log.iter().find(is_sought);
            found.push(format!("{count} requests in an hour in which nothing was to be done, such as {first:?}"));
        }
        Ok(found)
    }

    fn outcome(&self, found: Vec<String>) -> Outcome {
        let violations = self.invariants.violations().iter().map(ToString::to_string).collect::<Vec<_>>();
        let complaints = self.ledger.complaints().into_iter().map(|what| format!("a build: {what}"));
        let (builds, processes, tried) =
            (self.ledger.started(), self.world.replicas.started(), self.world.replicas.tried());
        let needed = tried.saturating_sub(self.invariants.refused_writes());
        let excess = verdict::is_excessive(needed, builds, processes)
            .then(|| format!("{tried} requests were tried for {builds} builds by {processes} processes"));
        Outcome {
            seed: self.world.fleet.seed,
            violations: violations.into_iter().chain(complaints).chain(found).chain(excess).collect(),
            builds,
            pushed: self.ledger.pushed(),
            processes,
            requests: self.invariants.requests(),
            tried,
            virtual_time: self.started.elapsed(),
        }
    }
}
