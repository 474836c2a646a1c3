//! Many pools, and more than one daemon.

use std::time::Duration;

use machine_os_builder::api::Kind;

use crate::harness::cluster::{Cluster, POD, R1, image_on};

#[tokio::test(start_paused = true)]
async fn a_retry_that_waits_holds_no_slot() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon_deciding(|settings| settings.concurrent_builds_max = 1).await;
    cluster.start_build("worker", R1).await;
    cluster.create_pool("other", "rendered-other-1").await;
    cluster.shows("other", "BuildPending", "BuildQueued").await;
    cluster.delete(Kind::Pod, POD).await;
    cluster.shows("worker", "BuildPending", "BuildRetrying").await;
    cluster.shows("other", "BuildPending", "BuildPending").await;
    cluster.rest(Duration::from_secs(90)).await;
    cluster.shows("worker", "BuildPending", "BuildQueued").await;
    assert_eq!(cluster.names(Kind::Pod).await, ["build-rendered-other-1"]);
    cluster.succeed("rendered-other-1").await;
    cluster.exists(Kind::Pod, POD).await;
}

#[tokio::test(start_paused = true)]
async fn l36_two_daemons_at_once_make_one_build_and_tell_of_it_once() {
    let cluster = Cluster::new().await;
    let (_one, _other) = (cluster.daemon().await, cluster.daemon().await);
    cluster.create_pool("worker", R1).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.publish("worker", R1).await;
    cluster.rest(Duration::from_secs(60)).await;
    let is_made = |request: &&String| request.starts_with("create pods ") && request.ends_with("201");
    assert_eq!(cluster.daemon_requests().iter().filter(is_made).count(), 1, "{:#?}", cluster.daemon_requests());
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildSucceeded"]);
    assert!(image_on(&cluster.pool("worker").await).is_some());
}

#[tokio::test(start_paused = true)]
async fn l39_pools_that_opt_in_all_at_once_are_built_a_few_at_a_time() {
    const POOLS: usize = 40;
    let (cluster, _daemon) = Cluster::with_daemon().await;
    for n in 0..POOLS {
        cluster.create_pool(&format!("p{n}"), &format!("rendered-p{n}-1")).await;
    }
    let mut built = 0;
    while built < POOLS {
        cluster.rest(Duration::from_secs(1)).await;
        let pods = cluster.names(Kind::Pod).await;
        assert!(!pods.is_empty() && pods.len() <= 5, "{pods:?}");
        for pod in &pods {
            cluster.succeed(pod.strip_prefix("build-").unwrap()).await;
        }
        built += pods.len();
    }
    for n in 0..POOLS {
        cluster.shows(&format!("p{n}"), "BuildSuccess", "BuildSucceeded").await;
    }
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
}
