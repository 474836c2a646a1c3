//! Pools that are opted out or deleted, while the daemon runs or while it is down.

use std::time::Duration;

use http::Method;
use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::{Kind, Pool, keys};
use machine_os_builder::daemon::{self, Daemon};
use machine_os_builder::simulation::faults::link_control::{Fate, Link};
use serde_json::json;

use crate::harness::cluster::{Cluster, POD, R1, image_on, references, shown};

async fn nothing_is_left(cluster: &Cluster) {
    cluster
        .eventually("nothing is left on or for the pool", async || {
            let pool = cluster.pool("worker").await;
            let is_clean = !Pool::new(&pool).has_traces() && cluster.build_objects().await.is_empty();
            is_clean.then_some(())
        })
        .await;
    assert_eq!(references(&cluster.pool("worker").await), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn an_opt_out_during_a_build_stops_it_and_removes_everything() {
    let (cluster, daemon) = Cluster::with_build().await;
    cluster.run(POD).await;
    cluster.opt_out("worker").await;
    nothing_is_left(&cluster).await;
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "OptedOut"]);
    cluster.rest(Duration::from_secs(60)).await;
    assert!(daemon.overview().await.unwrap().pools.is_empty(), "its actor is not needed any more");
}

#[tokio::test(start_paused = true)]
async fn an_opt_out_after_a_build_removes_the_image_and_the_record() {
    let (cluster, _daemon) = Cluster::with_image().await;
    cluster.opt_out("worker").await;
    nothing_is_left(&cluster).await;
}

#[tokio::test(start_paused = true)]
async fn an_opt_out_of_a_failed_pool_lifts_its_degradation() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.fail(POD).await;
    cluster.opt_out("worker").await;
    nothing_is_left(&cluster).await;
    assert!(!Pool::new(&cluster.pool("worker").await).is_true("Degraded"));
}

#[tokio::test(start_paused = true)]
async fn l07_an_opt_out_while_the_daemon_was_down_is_made_good() {
    let (cluster, daemon) = Cluster::with_build().await;
    daemon.stop().await;
    cluster.opt_out("worker").await;
    let _daemon = cluster.daemon().await;
    nothing_is_left(&cluster).await;
}

#[tokio::test(start_paused = true)]
async fn l08_late_news_of_a_build_revives_nothing_after_an_opt_out() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.bind(POD).await;
    cluster.opt_out("worker").await;
    cluster.is_ending(POD).await;
    cluster.succeed(R1).await;
    cluster.rest(Duration::from_secs(30)).await;
    cluster.end_pod(POD).await;
    nothing_is_left(&cluster).await;
    assert!(shown(&cluster.pool("worker").await).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_opts_in_again_is_built_again() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.opt_out("worker").await;
    nothing_is_left(&cluster).await;
    cluster
        .merge(Kind::MachineConfigPool, "worker", json!({"metadata": {"labels": {keys::LAYERING_ENABLED: "yes"}}}))
        .await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
}

#[tokio::test(start_paused = true)]
async fn l09_a_deleted_pools_build_is_removed_without_a_complaint() {
    let (cluster, daemon) = Cluster::with_build().await;
    cluster.delete(Kind::MachineConfigPool, "worker").await;
    cluster.eventually("nothing is left", async || cluster.build_objects().await.is_empty().then_some(())).await;
    cluster.rest(Duration::from_secs(60)).await;
    cluster.is_left_alone_for(Duration::from_secs(3600)).await;
    assert!(daemon.overview().await.unwrap().pools.is_empty());
}

#[tokio::test(start_paused = true)]
async fn l10_a_pool_deleted_while_the_daemon_was_down_leaves_nothing() {
    let (cluster, daemon) = Cluster::with_build().await;
    daemon.stop().await;
    cluster.delete(Kind::MachineConfigPool, "worker").await;
    let _daemon = cluster.daemon().await;
    cluster.eventually("nothing is left", async || cluster.build_objects().await.is_empty().then_some(())).await;
}

/// The patch that takes everything off a pool came late: it took the image, or all of the four conditions, off a pool that
/// was opted in again by then.
#[tokio::test(start_paused = true)]
async fn what_is_about_to_be_taken_off_stays_on_a_pool_that_is_opted_in_again_meanwhile() {
    for is_status in [false, true] {
        let cluster = Cluster::new().await;
        let (link, wire) = Link::new(cluster.server.service(), Box::new(|_| Fate::Arrives));
        let options = daemon::DaemonOptions::new(ActorSettings::default(), cluster.clock, 7);
        let _daemon = Daemon::start(link, options).await.unwrap();
        cluster.build("worker", R1).await;
        let since = async || Pool::new(&cluster.pool("worker").await).condition("BuildFailed").unwrap().clone();
        let before = since().await;
        let mut late = 1..=1;
        wire.set_script(Box::new(move |passing| {
            let is_meant = passing.method == Method::PATCH && passing.path.contains("/status") == is_status;
            if is_meant && late.next().is_some() { Fate::Waits(Duration::from_secs(5)) } else { Fate::Arrives }
        }));
        cluster.opt_out("worker").await;
        cluster.rest(Duration::from_secs(2)).await;
        let label = json!({"metadata": {"labels": {keys::LAYERING_ENABLED: ""}}});
        cluster.merge(Kind::MachineConfigPool, "worker", label).await;
        cluster.rest(Duration::from_secs(20)).await;
        assert_eq!(since().await, before, "{is_status}");
        let pool = cluster.pool("worker").await;
        assert_eq!(image_on(&pool).is_some(), !is_status);
        let expected = if is_status { ("BuildPending", "BuildPending") } else { ("BuildSuccess", "BuildSucceeded") };
        assert_eq!(shown(&pool), [(expected.0.to_owned(), expected.1.to_owned())]);
    }
}
