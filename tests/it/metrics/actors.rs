//! Crashes of actors, and their effects.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::Kind;
use machine_os_builder::cluster::client::{Outgoing, RequestHook};

use super::scrape::{Fate, Scraped};
use crate::harness::cluster::{Cluster, R1};

/// A daemon whose sending actor panics at each of the first `times` requests that `is_meant`.
async fn panicking(cluster: &Cluster, times: usize, is_meant: fn(Outgoing<'_>) -> bool) -> Scraped {
    let panics = AtomicUsize::new(0);
    let request_hook: RequestHook = Arc::new(move |request| {
        if is_meant(request) && panics.fetch_add(1, Ordering::SeqCst) < times {
            panic!("injected: {request:?}");
        }
    });
    Scraped::with(cluster, ActorSettings::default(), Some(request_hook), |_, _| Fate::Arrives).await
}

async fn built(cluster: &Cluster) {
    cluster.build("worker", R1).await;
}

#[tokio::test(start_paused = true)]
async fn a_pools_actor_that_crashes_is_counted_when_it_is_started_again() {
    let cluster = Cluster::new().await;
    let process = panicking(&cluster, 2, |request| request.key.kind == Kind::MachineConfigPool).await;
    built(&cluster).await;
    let expected = ["actor_restarts{actor=\"pool\"} 2", "builds_started 1", "builds_succeeded 1"];
    assert_eq!(process.counts().await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_builds_actor_that_crashes_is_counted_when_it_is_started_again() {
    let cluster = Cluster::new().await;
    let process = panicking(&cluster, 3, |request| request.verb == "create" && request.key.kind == Kind::Pod).await;
    built(&cluster).await;
    let expected = ["actor_restarts{actor=\"build\"} 3", "builds_started 1", "builds_succeeded 1"];
    assert_eq!(process.counts().await, expected);
}

#[tokio::test(start_paused = true)]
async fn l18_a_meltdown_is_counted_and_nothing_that_was_told_before_it() {
    let cluster = Cluster::new().await;
    // The write of any condition makes the actor crash.
    let process = panicking(&cluster, usize::MAX, |request| request.verb == "patch the status of").await;
    cluster.create_pool("worker", "not-rendered").await;
    cluster.rest(Duration::from_secs(200)).await;
    let expected = [
        "actor_meltdowns{actor=\"pool\"} 1",
        "actor_restarts{actor=\"pool\"} 4",
        "invalid_inputs{reason=\"MachineConfigNotRendered\"} 1",
    ];
    assert_eq!(process.counts().await, expected);
    cluster.rest(Duration::from_secs(3600)).await;
    assert!(process.sample("actor_restarts_total{actor=\"pool\"}").await > 4.0);
    assert_eq!(process.sample("invalid_inputs_total{reason=\"MachineConfigNotRendered\"}").await, 1.0);
    assert_eq!(cluster.events("worker").await, ["ConfigInvalid"]);
}

#[tokio::test(start_paused = true)]
async fn a_builds_actor_melts_down_too() {
    let cluster = Cluster::new().await;
    let process =
        panicking(&cluster, usize::MAX, |request| request.verb == "create" && request.key.kind == Kind::Pod).await;
    cluster.create_pool("worker", R1).await;
    cluster.rest(Duration::from_secs(200)).await;
    let expected = ["actor_meltdowns{actor=\"build\"} 1", "actor_restarts{actor=\"build\"} 4"];
    assert_eq!(process.counts().await, expected);
}
