//! The API of Builds is served by an aggregated API server, which may be down when the daemon starts: everything that
//! needs no Build goes on.

use std::time::Duration;

use http::Request;
use kube::client::Body;
use machine_os_builder::api::names::BUILD_CONFIG;
use machine_os_builder::api::{Kind, keys};
use serde_json::json;

use super::line::{Fault, Line, readiness, show, stale};
use crate::harness::cluster::{Cluster, R1, digest_of, references, shown};

const OPENSHIFT: &str = "openshift-image-builder";
const BUILD: &str = "build-rendered-worker-1";

fn is_about_builds(request: &Request<Body>) -> bool {
    request.uri().path().starts_with("/apis/build.openshift.io/")
}

fn goes_down(line: &Line, fault: Fault) {
    line.fails(move |request| is_about_builds(request).then_some(fault));
}

#[tokio::test(start_paused = true)]
async fn pods_are_built_while_the_api_of_builds_is_down() {
    for fault in [Fault::Answer(503), Fault::Answer(500), Fault::Answer(429), Fault::Hang] {
        let (cluster, line) = (Cluster::new().await, Line::default());
        goes_down(&line, fault);
        let (daemon, admin) = line.daemon(&cluster).await;
        cluster.start_build("worker", R1).await;
        cluster.rest(Duration::from_secs(100)).await;
        cluster.publish("worker", R1).await;
        let (code, text) = readiness(&admin).await;
        assert!(code == 200 && text.starts_with("ok: leading, degraded\n") && text.contains("\nBuilds for "), "{text}");
        assert_eq!(stale(&daemon).await, ["Builds"]);
        assert!(show(&admin, "/metrics").await.1.contains("machine_os_builder_stale_watches 1\n"));
        line.heals();
        cluster.rest(Duration::from_secs(60)).await;
        assert_eq!(readiness(&admin).await, (200, "ok: leading\n".into()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_needs_builds_waits_and_says_what_for() {
    let (cluster, line) = (Cluster::new().await, Line::default());
    cluster.use_builder(OPENSHIFT).await;
    goes_down(&line, Fault::Answer(503));
    let (_daemon, _) = line.daemon(&cluster).await;
    cluster.create_pool("worker", R1).await;
    let text = cluster.message("worker", "BuildPending", "BuildQueued").await;
    for part in ["build.openshift.io/v1", "does not answer", "to fix it"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    cluster.server.clear_log();
    cluster.rest(Duration::from_secs(300)).await;
    assert_eq!(cluster.daemon_requests(), [] as [&str; 0], "it waits in silence");
    line.heals();
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.set_build(BUILD, json!({"phase": "Complete", "output": {"to": {"imageDigest": digest_of(R1)}}})).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
}

#[tokio::test(start_paused = true)]
async fn a_build_that_runs_unseen_is_neither_lost_nor_doubled() {
    for other in [OPENSHIFT, "custom-pod-builder"] {
        let (cluster, line) = (Cluster::new().await, Line::default());
        cluster.use_builder(OPENSHIFT).await;
        let (daemon, _) = line.daemon(&cluster).await;
        cluster.start_build("worker", R1).await;
        cluster.set_build(BUILD, json!({"phase": "Running"})).await;
        cluster.shows("worker", "Building", "BuildRunning").await;
        daemon.stop().await;
        cluster.use_builder(other).await;
        goes_down(&line, Fault::Answer(503));
        let (_daemon, _) = line.daemon(&cluster).await;
        let before = cluster.exists(Kind::Build, BUILD).await;
        cluster.rest(Duration::from_secs(300)).await;
        assert_eq!(shown(&cluster.pool("worker").await), [("Building".to_owned(), "BuildRunning".to_owned())]);
        assert!(cluster.get(Kind::Pod, BUILD).await.is_none(), "{other}");
        assert_eq!(cluster.exists(Kind::Build, BUILD).await, before, "{other}");
        line.heals();
        cluster.rest(Duration::from_secs(60)).await;
        cluster.set_build(BUILD, json!({"phase": "Complete", "output": {"to": {"imageDigest": digest_of(R1)}}})).await;
        cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
        assert!(!cluster.events("worker").await.contains(&"BuildRetrying".to_owned()));
    }
}

/// Its reference was taken off the pool, and with it all that told of it: a second build could be made.
#[tokio::test(start_paused = true)]
async fn a_build_that_runs_unseen_stays_referred_to_while_an_input_is_unreadable() {
    let (cluster, line) = (Cluster::new().await, Line::default());
    let (daemon, _) = line.daemon(&cluster).await;
    cluster.build("worker", R1).await;
    cluster.use_builder(OPENSHIFT).await;
    cluster.annotate("worker", keys::REBUILD, "").await;
    cluster.exists(Kind::Build, BUILD).await;
    cluster.set_build(BUILD, json!({"phase": "Running"})).await;
    cluster.shows("worker", "Building", "BuildRunning").await;
    daemon.stop().await;
    goes_down(&line, Fault::Answer(503));
    let before = (cluster.exists(Kind::Build, BUILD).await, references(&cluster.pool("worker").await));
    cluster.merge(Kind::ConfigMap, BUILD_CONFIG, json!({"data": {"finalImagePullspec": "typo"}})).await;
    let (_daemon, _) = line.daemon(&cluster).await;
    cluster.rest(Duration::from_secs(300)).await;
    assert!(cluster.events("worker").await.contains(&"ConfigInvalid".to_owned()));
    let after = (cluster.exists(Kind::Build, BUILD).await, references(&cluster.pool("worker").await));
    assert_eq!(after, before);
    line.heals();
    cluster.rest(Duration::from_secs(60)).await;
    cluster.set_build(BUILD, json!({"phase": "Complete", "output": {"to": {"imageDigest": digest_of("again")}}})).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert!(!cluster.events("worker").await.contains(&"BuildRetrying".to_owned()));
}
