//! The actors: a crashed one is restarted without an effect on the others, and slots are given out in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::Kind;
use machine_os_builder::cluster::client::{Outgoing, RequestHook};

use crate::harness::cluster::{Cluster, digest_of, image_on};

/// Panics in the sending actor at each of the first `times` requests that `is_meant`.
fn panics(times: usize, is_meant: fn(Outgoing<'_>) -> bool) -> (RequestHook, Arc<AtomicUsize>) {
    let panics = Arc::new(AtomicUsize::new(0));
    let counted = panics.clone();
    let request_hook = move |request: Outgoing<'_>| {
        if is_meant(request) && counted.fetch_add(1, Ordering::SeqCst) < times {
            panic!("injected: {request:?}");
        }
    };
    (Arc::new(request_hook), panics)
}

fn names_pool_b(request: Outgoing<'_>) -> bool {
    request.key.kind == Kind::MachineConfigPool && request.key.name == "b"
}

fn creates_pod_of_b(request: Outgoing<'_>) -> bool {
    request.verb == "create" && request.key.name == "build-rendered-b-1"
}

/// Builds pools a, b and c with a fault injected into b; returns the virtual time at which each was built.
async fn build_three(request_hook: RequestHook) -> [Duration; 3] {
    let cluster = Cluster::new().await;
    let daemon = cluster.daemon_with(ActorSettings::default(), Some(request_hook)).await;
    let start = tokio::time::Instant::now();
    for pool in ["a", "b", "c"] {
        cluster.create_pool(pool, &format!("rendered-{pool}-1")).await;
    }
    let mut times = [Duration::ZERO; 3];
    for (pool, time) in ["a", "c", "b"].into_iter().zip([0, 2, 1]) {
        let rendered = format!("rendered-{pool}-1");
        cluster.shows(pool, "BuildPending", "BuildPending").await;
        cluster.succeed(&rendered).await;
        cluster.shows(pool, "BuildSuccess", "BuildSucceeded").await;
        assert_eq!(image_on(&cluster.pool(pool).await), Some(format!("registry.test/org/os@{}", digest_of(&rendered))));
        times[time] = start.elapsed();
    }
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
    assert_eq!(daemon.overview().await.unwrap().pools, ["a", "b", "c"]);
    times
}

#[tokio::test(start_paused = true)]
async fn l37_a_panic_in_one_pools_actor_leaves_the_others_alone_and_the_pool_recovers() {
    let (request_hook, count) = panics(2, names_pool_b);
    let [a, b, c] = build_three(request_hook).await;
    assert!(count.load(Ordering::SeqCst) > 2, "the pool's actor was started again");
    assert!(a < Duration::from_secs(1) && c < Duration::from_secs(1), "{a:?} {c:?}");
    assert!(b > Duration::from_secs(1), "a crashed actor is not started again at once: {b:?}");
}

#[tokio::test(start_paused = true)]
async fn l37_a_panic_in_a_builds_actor_is_the_pools_to_recover_from() {
    let (request_hook, count) = panics(2, creates_pod_of_b);
    let [a, _, c] = build_three(request_hook).await;
    assert_eq!(count.load(Ordering::SeqCst), 3);
    assert!(a < Duration::from_secs(1) && c < Duration::from_secs(1), "{a:?} {c:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pool_in_meltdown_is_reported_and_retried_slowly_while_others_build() {
    let (request_hook, count) = panics(usize::MAX, names_pool_b);
    let cluster = Cluster::new().await;
    let daemon = cluster.daemon_with(ActorSettings::default(), Some(request_hook)).await;
    cluster.create_pool("b", "rendered-b-1").await;
    cluster.rest(Duration::from_secs(300)).await;
    let crashes = count.load(Ordering::SeqCst);
    assert_eq!(crashes, 5, "the meltdown ends the quick restarts");
    assert_eq!(daemon.overview().await.unwrap().pools, [] as [&str; 0], "it rests");
    cluster.rest(Duration::from_secs(3600)).await;
    let slowly = count.load(Ordering::SeqCst) - crashes;
    assert!((3..=40).contains(&slowly), "{slowly} in an hour");

    cluster.build("a", "rendered-a-1").await;
}

fn one_at_a_time() -> ActorSettings {
    let mut settings = ActorSettings::default();
    settings.decide.concurrent_builds_max = 1;
    settings
}

#[tokio::test(start_paused = true)]
async fn builds_wait_for_a_slot_in_the_order_in_which_pools_began_to_restarts_included() {
    let cluster = Cluster::new().await;
    let daemon = cluster.daemon_with(one_at_a_time(), None).await;
    cluster.start_build("m", "rendered-m-1").await;
    for pool in ["z", "a", "k"] {
        cluster.create_pool(pool, &format!("rendered-{pool}-1")).await;
        cluster.shows(pool, "BuildPending", "BuildQueued").await;
        cluster.rest(Duration::from_millis(10)).await;
    }
    daemon.stop().await;
    let _successor = cluster.daemon_with(one_at_a_time(), None).await;
    let mut order = Vec::new();
    for _ in 0..4 {
        cluster.rest(Duration::from_secs(5)).await;
        let pods = cluster.names(Kind::Pod).await;
        assert_eq!(pods.len(), 1, "{pods:?}");
        let rendered = pods[0].strip_prefix("build-").unwrap().to_owned();
        cluster.succeed(&rendered).await;
        cluster.is_gone(Kind::Pod, &pods[0]).await;
        order.push(rendered);
    }
    assert_eq!(order, ["rendered-m-1", "rendered-z-1", "rendered-a-1", "rendered-k-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_build_goes_on_without_the_daemon_and_is_taken_over_by_the_next() {
    let (cluster, daemon) = Cluster::with_build().await;
    let pod = cluster.exists(Kind::Pod, "build-rendered-worker-1").await;
    daemon.stop().await;
    cluster.succeed("rendered-worker-1").await;
    cluster.rest(Duration::from_secs(60)).await;
    assert!(image_on(&cluster.pool("worker").await).is_none());
    let _successor = cluster.daemon().await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert!(cluster.get(Kind::Pod, "build-rendered-worker-1").await.is_none());
    assert!(pod.metadata.uid.is_some());
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildSucceeded"]);
}
