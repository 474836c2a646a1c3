//! Several processes of the daemon on one cluster, in virtual time: one of them leads, and its successor continues its
//! work.

mod deposed;
mod handover;
mod load;
mod reads;
mod slow;

use std::time::Duration;

use machine_os_builder::actors::ActorSettings;
use machine_os_builder::cluster::lease::Timing;
use machine_os_builder::daemon;
use machine_os_builder::daemon::replica::LeaderElectionConfig;
use machine_os_builder::simulation::Process;
use machine_os_builder::simulation::faults::link_control::{Fate, LinkRequest, Script};
use tokio::time::Instant;

use crate::harness::cluster::Cluster;

/// The timing that the contract names.
const TIMING: Timing = Timing {
    lease_duration: Duration::from_secs(15),
    renew_deadline: Duration::from_secs(10),
    retry_period: Duration::from_secs(2),
};

/// A process called `name`, all of whose requests arrive.
fn start(cluster: &Cluster, name: &str, seed: u64) -> Process {
    start_with(cluster, name, seed, Box::new(|_| Fate::Arrives))
}

fn start_with(cluster: &Cluster, name: &str, seed: u64, script: Script) -> Process {
    let candidacy = LeaderElectionConfig { identity: name.to_owned(), timing: TIMING };
    let options = daemon::DaemonOptions::new(ActorSettings::default(), cluster.clock, seed);
    Process::start(&cluster.server, Some(candidacy), options, script)
}

/// A cluster, a process that acts in it, and another that stands by.
async fn two(seed: u64) -> (Cluster, Process, Process) {
    let cluster = Cluster::new().await;
    let mut first = start(&cluster, "first", seed);
    assert!(first.acts().await);
    let second = start(&cluster, "second", seed + 1);
    (cluster, first, second)
}

fn is_about_the_lease(passing: &LinkRequest) -> bool {
    passing.path.contains("/leases")
}

/// When requests that need leadership were handled by the API server.
fn acted(process: &Process) -> Vec<Instant> {
    let arrived = process.wire().arrived().into_iter();
    arrived.filter(|(_, passing)| !is_about_the_lease(passing)).map(|(at, _)| at).collect()
}

/// When the lease was last written by this process.
fn last_renewal(process: &Process) -> Instant {
    let arrived = process.wire().arrived().into_iter();
    let writes = arrived.filter(|(_, passing)| is_about_the_lease(passing) && passing.is_write());
    writes.map(|(at, _)| at).next_back().expect("it has led")
}
