//! A cluster that does not serve Builds: the daemon reports it on pools that ask for Builds, and other pools are not
//! affected.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use kube::client::Body;
use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::{Kind, Pool};
use machine_os_builder::daemon::{Daemon, DaemonOptions};
use serde_json::json;
use tower::ServiceExt as _;

use super::openshift::{OPENSHIFT, complete};
use crate::harness::cluster::{Cluster, R1, message};

const BUILD: &str = "build-rendered-worker-1";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// Lets the cluster serve Builds from here on.
async fn serve_builds(cluster: &Cluster) {
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "builds.build.openshift.io"},
        "spec": {
            "group": "build.openshift.io", "scope": "Namespaced", "names": {"plural": "builds", "kind": "Build"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
        },
    });
    let request = http::Request::post(DEFINITIONS).header("content-type", "application/json");
    let request = request.body(definition.to_string().into_bytes()).unwrap();
    let _: serde_json::Value = cluster.client.request(request).await.unwrap();
}

async fn withdraw_builds(cluster: &Cluster) {
    let path = format!("{DEFINITIONS}/builds.build.openshift.io");
    let _: serde_json::Value = cluster.client.request(http::Request::delete(path).body(vec![]).unwrap()).await.unwrap();
}

/// A proxy between a daemon and the Builds of its cluster.
#[derive(Clone, Default)]
struct Between {
    /// How often it has asked for them: the server logs no request for what it does not serve.
    requests: Arc<AtomicUsize>,
    /// Whether it finds nothing where they are.
    is_hidden: Arc<AtomicBool>,
}

impl Between {
    async fn daemon(&self, cluster: &Cluster) -> Daemon {
        let between = self.clone();
        let service = cluster.server.service().map_request(move |request| between.pass(request));
        Daemon::start(service, DaemonOptions::new(ActorSettings::default(), cluster.clock, 7)).await.unwrap()
    }

    fn pass(&self, mut request: http::Request<Body>) -> http::Request<Body> {
        let path = request.uri().path().to_owned();
        if path.contains("/build.openshift.io/") {
            self.requests.fetch_add(1, Ordering::Relaxed);
            if self.is_hidden.load(Ordering::Relaxed) {
                *request.uri_mut() = "/apis/absent.openshift.io/v1/nothing".parse().unwrap();
            }
        }
        request
    }
}

#[tokio::test(start_paused = true)]
async fn pods_build_where_builds_are_not_served_and_the_daemon_is_ready() {
    let cluster = Cluster::without_builds().await;
    let daemon = cluster.daemon_with_build().await;
    assert!(daemon.overview().await.unwrap().is_ready);
    cluster.publish("worker", R1).await;
}

#[tokio::test(start_paused = true)]
async fn a_builder_that_the_cluster_does_not_serve_is_shown_told_once_and_used_once_it_is_served() {
    let cluster = Cluster::without_builds().await;
    cluster.use_builder(OPENSHIFT).await;
    let daemon = cluster.daemon_with_pool().await;
    cluster.shows("worker", "BuildFailed", "BuilderNotServed").await;
    let pool = cluster.pool("worker").await;
    let text = message(&pool, "BuildFailed");
    for part in ["on-cluster-build-config", "imageBuilderType", "build.openshift.io/v1 Build", "custom-pod-builder"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(Pool::new(&pool).is_degraded_by_build());
    assert!(daemon.overview().await.unwrap().is_ready);
    cluster.rest(Duration::from_secs(600)).await;
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
    assert_eq!(cluster.events("worker").await, ["ConfigInvalid"]);
    serve_builds(&cluster).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    assert!(!Pool::new(&cluster.pool("worker").await).is_degraded_by_build());
    cluster.set_build(BUILD, complete(R1)).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
}

#[tokio::test(start_paused = true)]
async fn a_builder_that_is_not_served_is_mended_by_asking_for_another() {
    let cluster = Cluster::without_builds().await;
    cluster.use_builder(OPENSHIFT).await;
    let _daemon = cluster.daemon_with_pool().await;
    cluster.shows("worker", "BuildFailed", "BuilderNotServed").await;
    cluster.use_builder("custom-pod-builder").await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.exists(Kind::Pod, BUILD).await;
}

#[tokio::test(start_paused = true)]
async fn l40_what_is_not_served_is_asked_for_now_and_then_and_nothing_else_is_sent() {
    let cluster = Cluster::without_builds().await;
    let between = Between::default();
    let _daemon = between.daemon(&cluster).await;
    cluster.rest(Duration::from_secs(3600)).await;
    let requests = between.requests.load(Ordering::Relaxed);
    assert!((60..=121).contains(&requests), "{requests}");
    assert_eq!(cluster.daemon_requests(), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn l48_an_image_that_is_published_stays_when_a_builder_that_is_not_served_is_asked_for() {
    let cluster = Cluster::without_builds().await;
    let _daemon = cluster.daemon_with_build().await;
    cluster.use_builder(OPENSHIFT).await;
    cluster.rest(Duration::from_secs(120)).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.publish("worker", R1).await;
    cluster.rest(Duration::from_secs(600)).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
    let events = cluster.events("worker").await;
    assert_eq!(events.iter().filter(|reason| *reason == "ConfigInvalid").count(), 1, "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn l14_a_build_that_went_with_its_kind_is_tried_again_once_that_is_served_again() {
    let cluster = Cluster::without_builds().await;
    serve_builds(&cluster).await;
    cluster.use_builder(OPENSHIFT).await;
    let _daemon = cluster.daemon_with_build().await;
    withdraw_builds(&cluster).await;
    // Its watch has ended, and is not answered any more.
    cluster.shows("worker", "BuildFailed", "BuilderNotServed").await;
    serve_builds(&cluster).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.set_build(BUILD, complete(R1)).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
}

/// The API of Builds is another server's, and may be out of reach for a while with the objects still in it.
#[tokio::test(start_paused = true)]
async fn l46_a_build_that_was_out_of_sight_is_followed_on_once_it_is_seen_again() {
    let cluster = Cluster::new().await;
    cluster.use_builder(OPENSHIFT).await;
    let between = Between::default();
    let _daemon = between.daemon(&cluster).await;
    cluster.start_build("worker", R1).await;
    cluster.set_build(BUILD, json!({"phase": "Running"})).await;
    cluster.shows("worker", "Building", "BuildRunning").await;
    let first = cluster.exists(Kind::Build, BUILD).await;
    between.is_hidden.store(true, Ordering::Relaxed);
    cluster.rest(Duration::from_secs(600)).await;
    cluster.shows("worker", "BuildFailed", "BuilderNotServed").await;
    between.is_hidden.store(false, Ordering::Relaxed);
    cluster.shows("worker", "Building", "BuildRunning").await;
    assert_eq!(cluster.get(Kind::Build, BUILD).await, Some(first));
    cluster.set_build(BUILD, complete(R1)).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
}
