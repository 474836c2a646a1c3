//! Watches that go silent, or whose version is no longer stored.

use std::time::Duration;

use machine_os_builder::api::Kind;
use machine_os_builder::apiserver::{ApiServer, ServerOptions};
use machine_os_builder::clock::Clock;
use serde_json::json;

use super::line::{Fault, Line, asks_for, readiness, show, stale};
use crate::harness::cluster::{Cluster, POD, R1, config_map, digest_of, foreign_pod, image_on, inputs};

/// A cluster that keeps two changes of each kind.
async fn forgetful() -> Cluster {
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
    let server = ApiServer::new(ServerOptions { event_window: 2, ..ServerOptions::new(clock, 7) });
    let cluster = Cluster::on(server, clock);
    for object in inputs() {
        cluster.create(object).await;
    }
    cluster
}

/// Changes of pods that are not builds, more than the server stores.
async fn bustle(cluster: &Cluster) {
    for number in 0..4 {
        cluster.create(foreign_pod(&format!("other-{number}"), json!({}))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn l40_a_watch_that_goes_silent_is_told_opened_again_and_what_it_missed_is_acted_on() {
    let (cluster, line) = (Cluster::new().await, Line::default());
    let (daemon, admin) = line.daemon(&cluster).await;
    cluster.start_build("worker", R1).await;
    line.goes_silent("/pods");
    cluster.rest(Duration::from_secs(60)).await;
    cluster.succeed(R1).await;
    cluster.rest(Duration::from_secs(40)).await;
    assert_eq!(readiness(&admin).await.0, 200, "a sign of life may be a little late");
    assert!(show(&admin, "/metrics").await.1.contains("machine_os_builder_stale_watches 0\n"));
    cluster.rest(Duration::from_secs(30)).await;

    let (code, text) = readiness(&admin).await;
    assert_eq!(code, 503);
    assert!(text.contains("\nPods for ") && text.contains("nothing arrives"), "{text}");
    assert_eq!(show(&admin, "/livez").await.0, 200);
    let metrics = show(&admin, "/metrics").await.1;
    assert!(metrics.contains("machine_os_builder_stale_watches 1\n"), "{metrics}");
    assert!(metrics.contains("machine_os_builder_ready 0\n"), "{metrics}");
    assert_eq!(stale(&daemon).await, ["Pods"]);
    assert_eq!(image_on(&cluster.pool("worker").await), None);

    line.heals();
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(image_on(&cluster.pool("worker").await), Some(format!("registry.test/org/os@{}", digest_of(R1))));
    assert_eq!(readiness(&admin).await, (200, "ok: leading\n".into()));
    assert_eq!(stale(&daemon).await, [] as [&str; 0]);
}

/// Seed 2473 of the scenario `chaos`: the watch of ConfigMaps was late, and success was shown before the digest that the
/// build had left was gone.
#[tokio::test(start_paused = true)]
async fn l19_a_digest_that_no_watch_has_told_of_is_gone_before_success_is_shown() {
    let (cluster, line) = (Cluster::new().await, Line::default());
    let (_daemon, _admin) = line.daemon(&cluster).await;
    cluster.start_build("worker", R1).await;
    line.goes_silent("/configmaps");
    cluster.create(config_map("digest-rendered-worker-1", json!({"digest": digest_of(R1)}))).await;
    cluster.publish("worker", R1).await;
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn l40_a_watch_whose_version_expired_in_the_stream_lists_again_and_goes_on() {
    let (cluster, line) = (forgetful().await, Line::default());
    let (_daemon, admin) = line.daemon(&cluster).await;
    cluster.start_build("worker", R1).await;
    line.goes_silent("/pods");
    bustle(&cluster).await;
    cluster.succeed(R1).await;
    bustle_on(&cluster).await;
    line.requests();
    line.heals();
    cluster.rest(Duration::from_secs(160)).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(lists_of_pods(&line), 1);
    assert_eq!(readiness(&admin).await.0, 200);
}

/// Deletes what [`bustle`] made, so that the build's last change is forgotten too.
async fn bustle_on(cluster: &Cluster) {
    for number in 0..4 {
        cluster.delete(Kind::Pod, &format!("other-{number}")).await;
    }
}

fn lists_of_pods(line: &Line) -> usize {
    line.requests().iter().filter(|request| request.contains("/pods?") && !request.contains("watch=true")).count()
}

#[tokio::test(start_paused = true)]
async fn l40_a_watch_that_is_refused_for_its_version_lists_again_and_goes_on() {
    let (cluster, line) = (Cluster::new().await, Line::default());
    let (_daemon, admin) = line.daemon(&cluster).await;
    cluster.start_build("worker", R1).await;
    line.goes_silent("/pods");
    bustle(&cluster).await;
    cluster.succeed(R1).await;
    line.heals();
    // Answered with a code, and not in the stream, until they are listed.
    let mut is_listed = false;
    line.fails(move |request| {
        let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        is_listed |= asks_for(request, "/pods") && !is_watch;
        (asks_for(request, "/pods") && is_watch && !is_listed).then_some(Fault::Answer(410))
    });
    line.requests();
    cluster.rest(Duration::from_secs(160)).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(lists_of_pods(&line), 1);
    assert_eq!(readiness(&admin).await.0, 200);
    assert!(cluster.get(Kind::Pod, POD).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn l40_watches_on_which_nothing_happens_are_alive_and_at_rest() {
    let (cluster, line) = (Cluster::new().await, Line::default());
    let (_daemon, admin) = line.daemon(&cluster).await;
    cluster.build("worker", R1).await;
    line.requests();
    for _ in 0..360 {
        cluster.rest(Duration::from_secs(10)).await;
        assert_eq!(readiness(&admin).await, (200, "ok: leading\n".into()));
    }
    let requests = line.requests();
    assert!(requests.iter().all(|request| request.contains("watch=true")), "{requests:?}");
    // Eight fixed watches and two Secrets', which API servers end and clients open again each five minutes or so.
    assert!(requests.len() <= 150, "{}", requests.len());
}
