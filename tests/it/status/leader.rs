//! The daemon's annotations on its lease, and how `status` uses them.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, Patch, PatchParams};
use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::{DEFAULT_NAMESPACE, keys};
use machine_os_builder::apiserver::{LogEntry, Verb};
use machine_os_builder::cluster::lease::Timing;
use machine_os_builder::daemon::{self, replica::LeaderElectionConfig};
use machine_os_builder::report::daemon::{DaemonReport, Leadership};
use machine_os_builder::report::text;
use machine_os_builder::simulation::Process;
use machine_os_builder::simulation::faults::link_control::Fate;
use machine_os_builder::snapshot::read_daemon;
use serde_json::json;

use super::seen::{client_without, report};
use crate::harness::cluster::{Cluster, R1};

const LEASE: &str = "machine-os-builder";

fn leases(cluster: &Cluster) -> Api<Lease> {
    Api::namespaced(cluster.client.clone(), DEFAULT_NAMESPACE)
}

async fn leader(cluster: &Cluster) -> Process {
    let mut settings = ActorSettings::default();
    settings.decide.attempts_max = 7;
    settings.decide.pending_deadline = Duration::from_secs(120);
    let candidacy = LeaderElectionConfig { identity: "first".to_owned(), timing: Timing::default() };
    let options = daemon::DaemonOptions::new(settings, cluster.clock, 7);
    let mut process = Process::start(&cluster.server, Some(candidacy), options, Box::new(|_| Fate::Arrives));
    assert!(process.acts().await);
    cluster.rest(Duration::from_secs(5)).await;
    process
}

async fn daemon_of(cluster: &Cluster) -> DaemonReport {
    read_daemon(&cluster.server.client("status"), DEFAULT_NAMESPACE).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_leader_says_by_what_settings_it_goes_and_how_it_is() {
    let cluster = Cluster::new().await;
    let nothing = daemon_of(&cluster).await;
    assert_eq!(nothing.leadership, Leadership::NoLease);
    let _leader = leader(&cluster).await;
    cluster.start_build("worker", R1).await;
    cluster.rest(Duration::from_secs(5)).await;
    let known = daemon_of(&cluster).await;
    assert_eq!(known.is_at_work(cluster.clock.now()), Some(true));
    let (settings, state) = (known.settings.clone().unwrap(), known.state.clone().unwrap());
    assert_eq!((settings.max_attempts, settings.pending_deadline), (7, Duration::from_secs(120)));
    assert_eq!((state.ready, state.pools, state.building, state.waiting), (true, 1, 1, 0));
    let line = text::daemon(&known, cluster.clock.now(), None);
    assert!(line.starts_with("Daemon: first leads, renewed ") && line.contains("1 of 5 slots taken"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn it_takes_no_request_more_and_leaves_what_others_have_written() {
    let cluster = Cluster::new().await;
    let _leader = leader(&cluster).await;
    let theirs = Patch::Merge(json!({"metadata": {"annotations": {"team.test/owner": "us"}}}));
    leases(&cluster).patch(LEASE, &PatchParams::default(), &theirs).await.unwrap();
    cluster.server.clear_log();
    cluster.rest(Duration::from_secs(60)).await;
    let is_renewal = |entry: &LogEntry| entry.resource == "leases" && entry.verb != Verb::Get;
    let (writes, other): (Vec<_>, Vec<_>) = cluster.server.log().into_iter().partition(is_renewal);
    assert!(writes.len() <= 32 && other.len() <= 1, "{other:?}");
    let annotations = leases(&cluster).get(LEASE).await.unwrap().metadata.annotations.unwrap();
    assert_eq!(annotations["team.test/owner"], "us");
    assert!(annotations.contains_key(keys::DAEMON_SETTINGS) && annotations.contains_key(keys::DAEMON_STATE));
}

#[tokio::test(start_paused = true)]
async fn that_no_daemon_is_at_work_is_said_where_it_is_known_alone() {
    let cluster = Cluster::new().await;
    let leader = leader(&cluster).await;
    cluster.start_build("worker", R1).await;
    leader.crash();
    cluster.rest(Duration::from_secs(1)).await;
    cluster.succeed(R1).await;
    let page =
        async |known: &DaemonReport| text::page_beside(&report(&cluster).await, Some(known), cluster.clock.now());
    let known = daemon_of(&cluster).await;
    let now = page(&known).await;
    assert!(now.contains("it is due now\n") && !now.contains("no daemon"), "{now}");
    cluster.rest(Duration::from_secs(20)).await;
    let later = page(&known).await;
    assert!(later.contains("it is due now, and no daemon is at work\n"), "{later}");
    assert!(text::daemon(&known, cluster.clock.now(), None).contains("none leads; the lease was last renewed 2"));
    let unknown = page(&DaemonReport::unreadable()).await;
    assert!(unknown.contains("if it stays so for more than a few seconds, no daemon is at work"), "{unknown}");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_released_or_may_not_be_read_is_told_of() {
    let cluster = Cluster::new().await;
    let mut first = leader(&cluster).await;
    let unreadable = read_daemon(&client_without(&cluster, "/leases"), DEFAULT_NAMESPACE).await.unwrap();
    assert_eq!(unreadable, DaemonReport::unreadable());
    first.tell_to_stop();
    first.ended().await;
    let released = daemon_of(&cluster).await;
    assert_eq!(released.is_at_work(cluster.clock.now()), Some(false));
    assert!(text::daemon(&released, cluster.clock.now(), None).contains("the lease was released"));
    // The settings of the last leader are still the best guess.
    assert_eq!(released.settings.unwrap().max_attempts, 7);
}
