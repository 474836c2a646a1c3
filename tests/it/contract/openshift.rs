//! Builds by OpenShift's own build system: what is made, what is shown of it, and how it ends.

use std::time::Duration;

use machine_os_builder::api::{Kind, Pool, keys};
use machine_os_builder::daemon::Daemon;
use machine_os_builder::simulation::people::build_controller::{BuildController, RealTime};
use serde_json::{Value, json};

use crate::harness::cluster::{Cluster, R1, R2, digest_of, image_on, message, references, secret};

const BUILD: &str = "build-rendered-worker-1";
pub(super) const OPENSHIFT: &str = "openshift-image-builder";

/// A cluster whose users ask for the OpenShift builder.
async fn cluster() -> Cluster {
    let cluster = Cluster::new().await;
    cluster.use_builder(OPENSHIFT).await;
    cluster
}

/// The Build of `R1` for the pool `worker` is there and has not started yet.
async fn with_build() -> (Cluster, Daemon) {
    let cluster = cluster().await;
    let daemon = cluster.daemon_with_build().await;
    (cluster, daemon)
}

pub(super) fn complete(rendered: &str) -> Value {
    json!({"phase": "Complete", "output": {"to": {"imageDigest": digest_of(rendered)}}})
}

/// Lets the Build of `rendered` come to a good end.
async fn is_published(cluster: &Cluster, rendered: &str) {
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.set_build(&format!("build-{rendered}"), complete(rendered)).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    let pool = cluster.pool("worker").await;
    assert_eq!(image_on(&pool), Some(format!("registry.test/org/os@{}", digest_of(rendered))));
    assert_eq!(references(&pool), (vec![], vec![]));
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_build_is_made_of_both_config_maps_and_shown_in_each_of_its_phases() {
    let (cluster, _daemon) = with_build().await;
    let build = cluster.exists(Kind::Build, BUILD).await;
    assert_eq!(cluster.build_objects().await, [BUILD, "dockerfile-rendered-worker-1", "mc-rendered-worker-1"]);
    let config_map = cluster.exists(Kind::ConfigMap, "mc-rendered-worker-1").await;
    assert_eq!(build.metadata.labels, config_map.metadata.labels);
    let hash = |annotations: Option<std::collections::BTreeMap<String, String>>| {
        annotations.unwrap()[keys::INPUT_HASH].clone()
    };
    assert_eq!(hash(build.metadata.annotations), hash(config_map.metadata.annotations));
    let pool = cluster.pool("worker").await;
    let reference = json!({
        "apiVersion": "build.openshift.io/v1", "kind": "Build", "name": BUILD,
        "namespace": "openshift-machine-config-operator", "uid": build.metadata.uid,
    });
    assert_eq!(references(&pool), (vec![reference.clone()], vec![reference]));
    for (phase, condition, reason) in [
        ("New", "BuildPending", "BuildPending"),
        ("Pending", "BuildPending", "BuildPending"),
        ("Running", "Building", "BuildRunning"),
    ] {
        cluster.set_build(BUILD, json!({"phase": phase})).await;
        cluster.rest(Duration::from_secs(1)).await;
        cluster.shows("worker", condition, reason).await;
    }
    cluster.set_build(BUILD, complete(R1)).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildSucceeded"]);
}

#[tokio::test(start_paused = true)]
async fn l11_a_build_that_was_never_seen_to_run_ends_with_its_image_published() {
    let (cluster, daemon) = with_build().await;
    daemon.stop().await;
    let _daemon = cluster.daemon().await;
    is_published(&cluster, R1).await;
}

#[tokio::test(start_paused = true)]
async fn l43_a_failed_build_says_what_failed_and_how_to_read_on() {
    let (cluster, _daemon) = with_build().await;
    cluster
        .set_build(
            BUILD,
            json!({
                "phase": "Failed", "reason": "DockerBuildFailed", "message": "Dockerfile build strategy has failed.",
                "logSnippet": "STEP 4: no such package: tmuxx\ncurl https://bob:hunter2@host",
            }),
        )
        .await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    let pool = cluster.pool("worker").await;
    let text = message(&pool, "BuildFailed");
    for part in ["Build build-", "building the image", "DockerBuildFailed", "attempt 1", "no such package: tmuxx"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let command = format!("oc --namespace openshift-machine-config-operator logs build/{BUILD}");
    assert!(text.ends_with(&command), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert!(Pool::new(&pool).is_degraded_by_build());
    assert!(cluster.get(Kind::Build, BUILD).await.is_some(), "everything stays for inspection");
    assert_eq!(references(&pool).0.len(), 1);
    cluster.roll_out("worker", R2).await;
    is_published(&cluster, R2).await;
}

#[tokio::test(start_paused = true)]
async fn a_bare_end_is_the_users_failure_at_once() {
    for phase in ["Failed", "Error", "Cancelled"] {
        let (cluster, _daemon) = with_build().await;
        cluster.set_build(BUILD, json!({"phase": phase})).await;
        cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    }
}

#[tokio::test(start_paused = true)]
async fn l14_a_build_whose_pod_was_taken_away_is_lost_and_tried_again() {
    let (cluster, _daemon) = with_build().await;
    let first = cluster.exists(Kind::Build, BUILD).await.metadata.uid;
    cluster.set_build(BUILD, json!({"phase": "Error", "reason": "BuildPodEvicted", "message": "out of disk"})).await;
    let text = cluster.message("worker", "BuildPending", "BuildRetrying").await;
    assert!(text.contains("attempt 2 of 3") && text.contains("BuildPodEvicted: out of disk"), "{text}");
    cluster.is_gone(Kind::Build, BUILD).await;
    assert_ne!(cluster.exists(Kind::Build, BUILD).await.metadata.uid, first);
    is_published(&cluster, R1).await;
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildRetrying", "BuildStarted", "BuildSucceeded"]);
}

#[tokio::test(start_paused = true)]
async fn l14_a_build_deleted_while_it_runs_is_tried_again_and_given_up_in_the_end() {
    let (cluster, _daemon) = with_build().await;
    for _ in 1..=3 {
        cluster.shows("worker", "BuildPending", "BuildPending").await;
        cluster.set_build(BUILD, json!({"phase": "Running"})).await;
        cluster.shows("worker", "Building", "BuildRunning").await;
        cluster.delete(Kind::Build, BUILD).await;
        cluster.rest(Duration::from_secs(1)).await;
    }
    let text = cluster.message("worker", "BuildFailed", "BuildFailed").await;
    assert!(text.contains("lost 3 times") && text.contains(keys::REBUILD), "{text}");
}

#[tokio::test(start_paused = true)]
async fn l41_a_complete_build_without_a_digest_is_lost() {
    let (cluster, _daemon) = with_build().await;
    cluster.set_build(BUILD, json!({"phase": "Complete"})).await;
    cluster.shows("worker", "BuildPending", "BuildRetrying").await;
    let pool = cluster.pool("worker").await;
    assert!(message(&pool, "BuildPending").contains("no digest"));
    assert_eq!(image_on(&pool), None);
}

#[tokio::test(start_paused = true)]
async fn l15_a_build_that_never_starts_is_lost_at_its_deadline_with_the_reason_shown_before() {
    let (cluster, _daemon) = with_build().await;
    cluster.set_build(BUILD, json!({"phase": "New", "reason": "CannotCreateBuildPod", "message": "quota"})).await;
    cluster.rest(Duration::from_secs(1)).await;
    let text = message(&cluster.pool("worker").await, "BuildPending");
    assert!(text.contains("CannotCreateBuildPod: quota"), "{text}");
    cluster.rest(Duration::from_secs(600)).await;
    let text = cluster.message("worker", "BuildPending", "BuildRetrying").await;
    assert!(text.contains("within its deadline") && text.contains("quota"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn l05_config_change_during_a_build_supersedes_it() {
    let (cluster, _daemon) = with_build().await;
    cluster.set_build(BUILD, json!({"phase": "Running"})).await;
    cluster.shows("worker", "Building", "BuildRunning").await;
    cluster.roll_out("worker", R2).await;
    cluster.is_gone(Kind::Build, BUILD).await;
    is_published(&cluster, R2).await;
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildSuperseded", "BuildStarted", "BuildSucceeded"]);
}

#[tokio::test(start_paused = true)]
async fn l06_a_build_that_a_finalizer_holds_is_waited_for_and_credited_with_nothing() {
    let (cluster, _daemon) = with_build().await;
    cluster.merge(Kind::Build, BUILD, json!({"metadata": {"finalizers": ["example.com/hold"]}})).await;
    cluster.roll_out("worker", R2).await;
    cluster.shows("worker", "BuildPending", "BuildQueued").await;
    cluster.set_build(BUILD, complete(R1)).await;
    // Force would be of no use: there is no time that a Build is given to end in.
    cluster.rest(Duration::from_secs(300)).await;
    cluster.is_left_alone_for(Duration::from_secs(3600)).await;
    assert_eq!(image_on(&cluster.pool("worker").await), None);
    assert!(message(&cluster.pool("worker").await, "BuildPending").contains(BUILD));
    cluster.merge(Kind::Build, BUILD, json!({"metadata": {"finalizers": null}})).await;
    is_published(&cluster, R2).await;
}

#[tokio::test(start_paused = true)]
async fn an_opt_out_during_a_build_stops_it_and_removes_everything() {
    let (cluster, _daemon) = with_build().await;
    cluster.opt_out("worker").await;
    cluster
        .eventually("nothing is left on or for the pool", async || {
            let is_clean = !Pool::new(&cluster.pool("worker").await).has_traces();
            (is_clean && cluster.build_objects().await.is_empty()).then_some(())
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn l09_a_deleted_pools_build_is_removed() {
    let (cluster, daemon) = with_build().await;
    cluster.delete(Kind::MachineConfigPool, "worker").await;
    cluster.eventually("nothing is left", async || cluster.build_objects().await.is_empty().then_some(())).await;
    cluster.rest(Duration::from_secs(60)).await;
    assert!(daemon.overview().await.unwrap().pools.is_empty());
}

#[tokio::test(start_paused = true)]
async fn l29_secrets_go_into_a_build_in_their_canonical_form() {
    let cluster = cluster().await;
    cluster.delete(Kind::Secret, "push").await;
    let body = json!({"registry.test": {"auth": "dTpw"}});
    cluster.create(secret("push", "kubernetes.io/dockercfg", ".dockercfg", &body)).await;
    let _daemon = cluster.daemon_with_build().await;
    let build = cluster.exists(Kind::Build, BUILD).await;
    assert_eq!(build.data["spec"]["output"]["pushSecret"]["name"], "push-canonical");
    assert_eq!(build.data["spec"]["strategy"]["dockerStrategy"]["pullSecret"]["name"], "pull");
}

#[tokio::test(start_paused = true)]
async fn a_local_cluster_carries_builds_to_either_end() {
    for (fail_rate, condition, reason) in [(0.0, "BuildSuccess", "BuildSucceeded"), (1.0, "BuildFailed", "BuildFailed")]
    {
        let cluster = cluster().await;
        let real_time = RealTime { build_duration: Duration::from_secs(5), fail_rate };
        tokio::spawn(BuildController::in_real_time(cluster.server.client("builds"), 1, real_time).run());
        let _daemon = cluster.daemon_with_pool().await;
        cluster.shows("worker", "Building", "BuildRunning").await;
        cluster.shows("worker", condition, reason).await;
    }
}
