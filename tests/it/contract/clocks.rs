//! Wrong clocks that are corrected later.

use std::time::Duration;

use jiff::SignedDuration;
use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::Kind;
use machine_os_builder::apiserver::Refusal;
use machine_os_builder::clock::Clock;
use machine_os_builder::daemon::{self, Daemon};
use machine_os_builder::reconcile::decide;
use tokio::time::Instant;

use super::refused::{close, is_pod};
use crate::harness::cluster::{Cluster, POD, R1, message};

/// A daemon whose clock is half a day ahead, and is set right after so many seconds.
async fn daemon_that_is_ahead(cluster: &Cluster, set_after: u64, settings: ActorSettings) -> Daemon {
    let set_at = Instant::now() + Duration::from_secs(set_after);
    let clock = cluster.clock.wrong_by(SignedDuration::from_hours(12), set_at, SignedDuration::ZERO);
    daemon_with(cluster, clock, settings).await
}

async fn daemon_with(cluster: &Cluster, clock: Clock, settings: ActorSettings) -> Daemon {
    Daemon::start(cluster.server.service(), daemon::DaemonOptions::new(settings, clock, 7)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn l15_a_build_that_was_claimed_by_a_clock_that_was_ahead_has_its_deadline_all_the_same() {
    let cluster = Cluster::new().await;
    let _daemon = daemon_that_is_ahead(&cluster, 90, ActorSettings::default()).await;
    cluster.start_build("worker", R1).await;
    cluster.rest(Duration::from_secs(660)).await;
    cluster.shows("worker", "BuildPending", "BuildRetrying").await;
}

#[tokio::test(start_paused = true)]
async fn l15_a_build_that_was_made_late_has_its_whole_time_to_start_though_the_clock_is_behind() {
    let cluster = Cluster::new().await;
    let gate = close(&cluster, Refusal::webhook_down("p.example.com", "policy.ns"), is_pod);
    let behind = SignedDuration::from_mins(-30);
    let clock = cluster.clock.wrong_by(behind, Instant::now(), behind);
    let _daemon = daemon_with(&cluster, clock, ActorSettings::default()).await;
    cluster.create_pool("worker", R1).await;
    cluster.rest(Duration::from_secs(590)).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    gate.open();
    cluster.exists(Kind::Pod, POD).await;
    cluster.rest(Duration::from_secs(500)).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    assert_eq!(cluster.events("worker").await, ["BuildRefused", "BuildFailed", "BuildStarted"]);
    cluster.rest(Duration::from_secs(80)).await;
    cluster.shows("worker", "BuildPending", "BuildRetrying").await;
}

#[tokio::test(start_paused = true)]
async fn l14_a_build_that_was_lost_while_the_clock_was_ahead_is_tried_again_all_the_same() {
    let cluster = Cluster::new().await;
    let _daemon = daemon_that_is_ahead(&cluster, 30, ActorSettings::default()).await;
    cluster.start_build("worker", R1).await;
    cluster.delete(Kind::Pod, POD).await;
    cluster.shows("worker", "BuildPending", "BuildRetrying").await;
    cluster.rest(Duration::from_secs(90)).await;
    cluster.exists(Kind::Pod, POD).await;
}

#[tokio::test(start_paused = true)]
async fn l39_a_pool_that_began_to_wait_while_the_clock_was_ahead_is_not_the_last_for_that() {
    let cluster = Cluster::new().await;
    let decide = decide::DecideSettings { concurrent_builds_max: 1, ..decide::DecideSettings::default() };
    let _daemon = daemon_that_is_ahead(&cluster, 30, ActorSettings { decide, ..ActorSettings::default() }).await;
    cluster.start_build("worker", R1).await;
    cluster.create_pool("early", "rendered-early-1").await;
    cluster.shows("early", "BuildPending", "BuildQueued").await;
    cluster.rest(Duration::from_secs(60)).await;
    cluster.annotate("early", "example.com/looked-at", "again").await;
    cluster.rest(Duration::from_secs(10)).await;
    let shown = message(&cluster.pool("early").await, "BuildPending");
    assert!(shown.contains("2026-01-01T00:01"), "{shown}");
    cluster.create_pool("late", "rendered-late-1").await;
    cluster.shows("late", "BuildPending", "BuildQueued").await;
    cluster.succeed(R1).await;
    cluster.shows("early", "BuildPending", "BuildPending").await;
    cluster.shows("late", "BuildPending", "BuildQueued").await;
}
