//! One run of a fleet, from an empty cluster to one at rest.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use super::report::{Report, Time};
use crate::actors::ActorSettings;
use crate::apiserver::{self, ApiServer};
use crate::clock::Clock;
use crate::daemon::{self, Daemon};
use crate::simulation::checks::at_rest;
use crate::simulation::kubelet::simulated::{self, NodeAgent};
use crate::simulation::machine_config::MachineConfigTemplate;
use crate::simulation::people::build_controller::{self, BuildController};
use crate::simulation::people::builder_toggle;
use crate::simulation::people::registry::FakeRegistry;
use crate::simulation::people::renderer::{self, Published, Renderer};
use crate::simulation::seed::{self, Builder, EPOCH, Fleet};
use crate::simulation::{Finding, Trace};

/// Virtual time that one config of one pool may take, as a bound on the whole run: far more than a build takes.
const TIME_PER_BUILD_MAX: Duration = Duration::from_secs(3600);
/// Watch events that are kept of each kind: watches keep up with what happens, as nothing takes time.
const EVENT_WINDOW: usize = 256;
/// Virtual time that the last build's end may take to be shown, and its objects to go.
pub(super) const SETTLE: Duration = Duration::from_secs(60);
/// Virtual time that the cluster is left alone after that, in which nothing is to be done.
pub(super) const REST: Duration = Duration::from_secs(3600);

/// The parameters of a simulation.
#[derive(Debug, Clone)]
pub struct FleetOptions {
    /// Pools, and configs for each.
    pub fleet: Fleet,
    /// The content of the configs.
    pub machine_config: MachineConfigTemplate,
    /// The kind of build objects.
    pub builder: Builder,
    /// The daemon's settings.
    pub settings: ActorSettings,
}

/// Told how many images are published, each time there is another.
pub type Progress<'a> = &'a mut dyn FnMut(usize);

/// Runs a simulation, on a runtime of its own.
///
/// # Errors
/// If the runtime cannot be made, or the embedded API server refuses what a simulation begins with.
pub fn run(options: &FleetOptions, progress: Progress<'_>) -> Result<Report, Box<dyn std::error::Error + Send + Sync>> {
    run_traced(options, None, progress)
}

/// The same, and writes what happens to `trace`.
///
/// # Errors
/// If the run fails, or the trace cannot be written.
pub fn run_traced(
    options: &FleetOptions,
    trace: Option<&Trace>,
    progress: Progress<'_>,
) -> Result<Report, Box<dyn std::error::Error + Send + Sync>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let report = runtime.block_on(simulate(options, trace, progress))?;
    trace.map_or(Ok(()), Trace::finish)?;
    Ok(report)
}

async fn simulate(
    options: &FleetOptions,
    trace: Option<&Trace>,
    progress: Progress<'_>,
) -> Result<Report, Box<dyn std::error::Error + Send + Sync>> {
    let started = Instant::now();
    let seed = options.fleet.seed;
    let clock = Clock::starting_at(EPOCH.parse::<Timestamp>()?);
    let serving = apiserver::ServerOptions { event_window: EVENT_WINDOW, ..apiserver::ServerOptions::new(clock, seed) };
    let server = ApiServer::new(serving);
    if let Some(trace) = trace {
        server.add_auditor(trace.auditor());
    }
    let fleet = Arc::new(options.fleet.clone());
    let observer = server.client("observer");

    let mut neighbours = JoinSet::new();
    let ledger = FakeRegistry::default();
    neighbours.spawn(NodeAgent::new(server.client(simulated::USER_AGENT), seed, ledger.clone()).run());
    let controller = server.client(build_controller::USER_AGENT);
    neighbours.spawn(BuildController::new(controller, seed, ledger.clone()).run());
    for object in seed::inputs(options.builder.name()) {
        seed::create(&observer, &object).await?;
    }
    let daemon =
        Daemon::start(server.service(), daemon::DaemonOptions::new(options.settings.clone(), clock, seed)).await?;
    let renderer = server.client(renderer::USER_AGENT);
    let (renderer, mut published) = Renderer::new(renderer, fleet.clone(), options.machine_config.clone());
    renderer.create_pools().await?;
    neighbours.spawn(renderer.run());
    if options.builder == Builder::Mixed {
        neighbours.spawn(builder_toggle::run(server.client(builder_toggle::USER_AGENT), seed));
    }

    let is_complete = all_published(&fleet, &mut published, progress).await;
    let took = started.elapsed();
    time::sleep(SETTLE).await;
    let (requests, builds) = (Report::count(&server.log(), &daemon::user_agent()), ledger.started());
    let leftovers = at_rest::leftovers(&observer).await?;
    let mut findings = at_rest::pools(&observer, &fleet, &ledger).await?;
    server.clear_log();
    time::sleep(REST).await;
    let requests_at_rest = Some(Report::sum(&Report::count(&server.log(), &daemon::user_agent())));
    let (pools, configs, published) = (fleet.pools, fleet.configs, published.borrow().values().sum());
    if !is_complete {
        findings
            .insert(0, Finding::new("the fleet", format!("{published} of {} images are published", pools * configs)));
    }
    daemon.stop().await;
    let time = Time::Virtual(took);
    Ok(Report { pools, configs, builds, published, leftovers, findings, time, requests, requests_at_rest })
}

/// Waits until every config is published, or there is no hope that it will be.
async fn all_published(fleet: &Fleet, published: &mut watch::Receiver<Published>, progress: Progress<'_>) -> bool {
    let total = fleet.pools * fleet.configs;
    let bound = TIME_PER_BUILD_MAX.saturating_mul(u32::try_from(total).unwrap_or(u32::MAX));
    let complete = published.wait_for(|published| {
        let sum = published.values().sum();
        progress(sum);
        sum == total
    });
    matches!(time::timeout(bound, complete).await, Ok(Ok(_)))
}
