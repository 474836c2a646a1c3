//! Two builders in one cluster: the choice between them takes effect on the next build, and on nothing else.

use std::time::Duration;

use machine_os_builder::api::{Kind, Object, keys};
use serde_json::{Value, json};

use super::openshift::{OPENSHIFT, complete};
use crate::harness::cluster::{Cluster, R1, R2, digest_of, foreign_pod, image_on, message, references};

const NAME: &str = "build-rendered-worker-1";
const PODS: &str = "custom-pod-builder";

fn labels() -> Value {
    json!({keys::BUILD_POD: "", keys::TARGET_POOL: "worker", keys::DESIRED_CONFIG: R1})
}

fn build(labels: Value) -> Value {
    json!({
        "apiVersion": "build.openshift.io/v1", "kind": "Build",
        "metadata": {"name": NAME, "namespace": "openshift-machine-config-operator", "labels": labels},
        "spec": {}, "status": {"phase": "Running"},
    })
}

#[tokio::test(start_paused = true)]
async fn a_running_build_goes_on_with_its_own_builder_and_the_next_is_made_by_the_new_one() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let first = cluster.exists(Kind::Pod, NAME).await;
    cluster.use_builder(OPENSHIFT).await;
    cluster.rest(Duration::from_secs(120)).await;
    assert_eq!(cluster.get(Kind::Pod, NAME).await.unwrap().metadata.uid, first.metadata.uid);
    assert_eq!(cluster.names(Kind::Build).await, [] as [&str; 0]);
    cluster.publish("worker", R1).await;
    cluster.roll_out("worker", R2).await;
    cluster.exists(Kind::Build, "build-rendered-worker-2").await;
    assert_eq!(cluster.names(Kind::Pod).await, [] as [&str; 0]);
    cluster.use_builder(PODS).await;
    cluster.set_build("build-rendered-worker-2", complete(R2)).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(image_on(&cluster.pool("worker").await), Some(format!("registry.test/org/os@{}", digest_of(R2))));
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_builder_rebuilds_nothing() {
    let (cluster, _daemon) = Cluster::with_image().await;
    cluster.rest(Duration::from_secs(60)).await;
    cluster.server.clear_log();
    for builder in [OPENSHIFT, PODS, OPENSHIFT] {
        cluster.use_builder(builder).await;
        cluster.rest(Duration::from_secs(300)).await;
    }
    assert_eq!(cluster.daemon_requests(), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn l14_the_next_attempt_at_a_lost_build_is_made_by_the_new_builder() {
    for (first, next) in [(Kind::Pod, Kind::Build), (Kind::Build, Kind::Pod)] {
        let cluster = Cluster::new().await;
        let builder = |kind| if kind == Kind::Build { OPENSHIFT } else { PODS };
        cluster.use_builder(builder(first)).await;
        let _daemon = cluster.daemon_with_build().await;
        cluster.delete(first, NAME).await;
        cluster.shows("worker", "BuildPending", "BuildRetrying").await;
        cluster.use_builder(builder(next)).await;
        cluster.exists(next, NAME).await;
        cluster.shows("worker", "BuildPending", "BuildPending").await;
        assert!(cluster.get(first, NAME).await.is_none());
        assert_eq!(references(&cluster.pool("worker").await).0[0]["kind"], next.name());
        match next {
            Kind::Build => cluster.set_build(NAME, complete(R1)).await,
            _ => cluster.succeed(R1).await,
        }
        cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
        assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn l14_a_pod_that_takes_its_time_to_end_is_gone_before_a_build_takes_its_place() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.bind(NAME).await;
    cluster.set_pod(NAME, json!({"phase": "Failed", "reason": "Evicted"})).await;
    cluster.shows("worker", "BuildPending", "BuildRetrying").await;
    cluster.use_builder(OPENSHIFT).await;
    cluster.exists(Kind::Build, NAME).await;
    assert!(cluster.get(Kind::Pod, NAME).await.is_none(), "never two at once");
}

#[tokio::test(start_paused = true)]
async fn l24_a_stale_object_of_either_kind_is_removed_whichever_builder_is_asked_for() {
    for (stale, builder, made) in [
        (build(labels()), PODS, Kind::Pod),
        (build(labels()), OPENSHIFT, Kind::Build),
        (foreign_pod(NAME, labels()), OPENSHIFT, Kind::Build),
    ] {
        let cluster = Cluster::new().await;
        cluster.use_builder(builder).await;
        let stale = cluster.create(stale).await;
        let _daemon = cluster.daemon_with_pool().await;
        let is_fresh = |object: &Object| object.metadata.uid != stale.metadata.uid;
        cluster.eventually("a fresh build", async || cluster.get(made, NAME).await.filter(is_fresh)).await;
        cluster.shows("worker", "BuildPending", "BuildPending").await;
        assert_eq!(cluster.build_objects().await.iter().filter(|name| *name == NAME).count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn l24_a_foreign_build_of_the_builds_name_is_never_touched_and_shown_until_it_is_gone() {
    let cluster = Cluster::new().await;
    cluster.use_builder(OPENSHIFT).await;
    let foreign = cluster.create(build(json!({}))).await;
    let _daemon = cluster.daemon_with_pool().await;
    cluster.shows("worker", "BuildFailed", "NameConflict").await;
    assert!(message(&cluster.pool("worker").await, "BuildFailed").contains(&format!("Build {NAME}")));
    cluster.rest(Duration::from_secs(3600)).await;
    assert_eq!(cluster.get(Kind::Build, NAME).await, Some(foreign));
    assert_eq!(cluster.events("worker").await, ["ConfigInvalid"]);
    cluster.delete(Kind::Build, NAME).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
}

#[tokio::test(start_paused = true)]
async fn l24_a_foreign_pod_is_in_no_builds_way() {
    let cluster = Cluster::new().await;
    let foreign = cluster.create(foreign_pod(NAME, json!({}))).await;
    let _daemon = cluster.daemon_with_pool().await;
    cluster.shows("worker", "BuildFailed", "NameConflict").await;
    cluster.use_builder(OPENSHIFT).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.set_build(NAME, complete(R1)).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(cluster.get(Kind::Pod, NAME).await, Some(foreign));
}

/// Of two daemons, the first may still create its object after the second has created another.
#[tokio::test(start_paused = true)]
async fn l36_of_a_pod_and_a_build_of_the_same_inputs_one_is_followed_and_the_other_removed() {
    let cluster = Cluster::new().await;
    cluster.use_builder(OPENSHIFT).await;
    let daemon = cluster.daemon_with_build().await;
    let followed = cluster.exists(Kind::Build, NAME).await;
    let mut double = foreign_pod(NAME, labels());
    double["metadata"]["annotations"] = json!(followed.metadata.annotations);
    cluster.invariants.tolerate_from(cluster.clock.now());
    cluster.create(double.clone()).await;
    cluster.is_gone(Kind::Pod, NAME).await;
    daemon.stop().await;
    cluster.invariants.tolerate_from(cluster.clock.now());
    cluster.create(double).await;
    let _daemon = cluster.daemon().await;
    cluster.is_gone(Kind::Pod, NAME).await;
    assert_eq!(cluster.get(Kind::Build, NAME).await.unwrap().metadata.uid, followed.metadata.uid);
    cluster.set_build(NAME, complete(R1)).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildSucceeded"]);
}

#[tokio::test(start_paused = true)]
async fn l46_a_build_object_that_is_given_its_labels_back_is_seen_again() {
    for kind in [Kind::Pod, Kind::Build] {
        let cluster = Cluster::new().await;
        cluster.use_builder(if kind == Kind::Build { OPENSHIFT } else { PODS }).await;
        let _daemon = cluster.daemon_with_build().await;
        let first = cluster.exists(kind, NAME).await;
        cluster.merge(kind, NAME, json!({"metadata": {"labels": null}})).await;
        cluster.shows("worker", "BuildPending", "BuildRetrying").await;
        cluster.rest(Duration::from_secs(10)).await;
        cluster.merge(kind, NAME, json!({"metadata": {"labels": first.metadata.labels}})).await;
        let is_fresh = |object: &Object| object.metadata.uid != first.metadata.uid;
        cluster.eventually("the next attempt", async || cluster.get(kind, NAME).await.filter(is_fresh)).await;
        cluster.shows("worker", "BuildPending", "BuildPending").await;
    }
}
