//! What `status` and `explain` print for each state, letter by letter. Each is brought about by a daemon.

use std::time::Duration;

use machine_os_builder::actors::Settings;
use machine_os_builder::api::{Kind, keys};
use machine_os_builder::plan::report::State;
use serde_json::{Value, json};

use crate::common::{Cluster, config_map, exited, inputs, machine_config, modern_secret, pool};
use crate::seen::{client_without, is_in, report, reports_to, screen, screen_of};

const R1: &str = "rendered-worker-1";
const R2: &str = "rendered-worker-2";
const POD: &str = "build-rendered-worker-1";
const NEW_POD: &str = "build-rendered-worker-2";

macro_rules! golden {
    ($cluster:expr, $name:literal) => {
        insta::assert_snapshot!($name, screen(&$cluster).await)
    };
}

async fn run(cluster: &Cluster, pod: &str) {
    cluster.set_phase(pod, "Running").await;
    cluster.shows("worker", "Building", "BuildRunning").await;
}

async fn build(cluster: &Cluster, rendered: &str) {
    cluster.start_build("worker", rendered).await;
    cluster.succeed(rendered).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
}

async fn exit(cluster: &Cluster, code: i32, output: &str) {
    let containers = [exited("image-build", code, output)];
    cluster.set_pod(POD, json!({"phase": "Failed", "containerStatuses": containers})).await;
}

async fn set_pullspec(cluster: &Cluster, pullspec: &str) {
    cluster.merge(Kind::ConfigMap, "on-cluster-build-config", json!({"data": {"finalImagePullspec": pullspec}})).await;
}

async fn degrade(cluster: &Cluster, type_: &str) {
    let pool = cluster.pool("worker").await;
    let mut conditions = pool.data["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.push(json!({
        "type": type_, "status": "True", "reason": "Sick", "message": "the template controller is out of order",
        "lastTransitionTime": "2025-12-31T23:00:00Z",
    }));
    cluster.merge_status(Kind::MachineConfigPool, "worker", json!({"status": {"conditions": conditions}})).await;
}

#[tokio::test(start_paused = true)]
async fn not_opted_in() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    cluster.create(machine_config(R1)).await;
    let mut plain = pool("worker", R1);
    plain["metadata"]["labels"] = json!({});
    cluster.create(plain).await;
    cluster.rest(Duration::from_secs(5)).await;
    golden!(cluster, "not_opted_in");
}

#[tokio::test(start_paused = true)]
async fn not_rendered() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    let mut unrendered = pool("worker", R1);
    unrendered["spec"]["configuration"] = json!({});
    cluster.create(unrendered).await;
    cluster.rest(Duration::from_secs(5)).await;
    golden!(cluster, "not_rendered");
}

#[tokio::test(start_paused = true)]
async fn queued() {
    let cluster = Cluster::new().await;
    let mut settings = Settings::default();
    settings.decide.concurrent_builds_max = 1;
    let _daemon = cluster.daemon_with(settings, None).await;
    cluster.start_build("infra", "rendered-infra-1").await;
    cluster.create_pool("worker", R1).await;
    cluster.shows("worker", "BuildPending", "BuildQueued").await;
    cluster.rest(Duration::from_secs(30)).await;
    golden!(cluster, "queued");
}

#[tokio::test(start_paused = true)]
async fn pending() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    cluster.start_build("worker", R1).await;
    let waiting = json!({"reason": "ImagePullBackOff", "message": "no such image"});
    let status = json!({"name": "image-build", "state": {"waiting": waiting}});
    cluster.set_pod(POD, json!({"phase": "Pending", "containerStatuses": [status]})).await;
    cluster.rest(Duration::from_secs(150)).await;
    golden!(cluster, "pending");
}

#[tokio::test(start_paused = true)]
async fn building() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    cluster.start_build("worker", R1).await;
    run(&cluster, POD).await;
    cluster.rest(Duration::from_secs(60)).await;
    golden!(cluster, "building");
}

#[tokio::test(start_paused = true)]
async fn built() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    build(&cluster, R1).await;
    cluster.rest(Duration::from_secs(3 * 86_400)).await;
    golden!(cluster, "built");
    insta::assert_snapshot!("built_as_json", serde_json::to_string_pretty(&report(&cluster).await).unwrap());
}

#[tokio::test(start_paused = true)]
async fn built_and_something_newer_is_building() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    build(&cluster, R1).await;
    let custom = config_map("on-cluster-build-custom-dockerfile", json!({"worker": "RUN true"}));
    cluster.create(custom).await;
    cluster.roll_out("worker", R2).await;
    cluster.exists(Kind::Pod, NEW_POD).await;
    run(&cluster, NEW_POD).await;
    golden!(cluster, "built_and_something_newer_is_building");
    let json = serde_json::to_string_pretty(&report(&cluster).await).unwrap();
    insta::assert_snapshot!("built_and_something_newer_is_building_as_json", json);
}

#[tokio::test(start_paused = true)]
async fn superseding() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    cluster.start_build("worker", R1).await;
    // On a node, it takes its time to end.
    cluster.bind(POD).await;
    run(&cluster, POD).await;
    cluster.roll_out("worker", R2).await;
    cluster.shows("worker", "BuildPending", "BuildQueued").await;
    golden!(cluster, "superseding");
}

#[tokio::test(start_paused = true)]
async fn failed() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    cluster.start_build("worker", R1).await;
    run(&cluster, POD).await;
    exit(&cluster, 20, "STEP 7: RUN exit 1\nerror: building at STEP \"RUN exit 1\": exit status 1\n").await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    golden!(cluster, "failed");
}

#[tokio::test(start_paused = true)]
async fn lost_for_the_last_time() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    cluster.start_build("worker", R1).await;
    for attempt in 1..=3 {
        cluster.exists(Kind::Pod, POD).await;
        cluster.shows("worker", "BuildPending", "BuildPending").await;
        cluster.set_pod(POD, json!({"phase": "Failed", "reason": "Evicted", "message": "out of disk"})).await;
        if attempt < 3 {
            cluster.shows("worker", "BuildPending", "BuildRetrying").await;
            cluster.rest(Duration::from_secs(125)).await;
        }
    }
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    golden!(cluster, "lost_for_the_last_time");
}

#[tokio::test(start_paused = true)]
async fn retrying() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    cluster.start_build("worker", R1).await;
    cluster.set_pod(POD, json!({"phase": "Failed", "reason": "Evicted", "message": "out of disk"})).await;
    cluster.shows("worker", "BuildPending", "BuildRetrying").await;
    cluster.is_gone(Kind::Pod, POD).await;
    cluster.rest(Duration::from_secs(10)).await;
    golden!(cluster, "retrying");
}

#[tokio::test(start_paused = true)]
async fn the_registry_does_not_take_the_image() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    cluster.start_build("worker", R1).await;
    exit(&cluster, 40, "").await;
    cluster.shows("worker", "BuildPending", "BuildRetrying").await;
    cluster.rest(Duration::from_secs(10)).await;
    golden!(cluster, "the_registry_does_not_take_the_image");
}

#[tokio::test(start_paused = true)]
async fn the_registry_denies_the_push() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    cluster.start_build("worker", R1).await;
    exit(&cluster, 41, "unauthorized: access to the requested resource is not authorized").await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    golden!(cluster, "the_registry_denies_the_push");
}

#[tokio::test(start_paused = true)]
async fn an_input_cannot_be_used() {
    let cluster = Cluster::new().await;
    set_pullspec(&cluster, "org/os:latest").await;
    let _daemon = cluster.daemon().await;
    cluster.create_pool("worker", R1).await;
    cluster.shows("worker", "BuildFailed", "PullspecInvalid").await;
    golden!(cluster, "an_input_cannot_be_used");
}

#[tokio::test(start_paused = true)]
async fn an_input_cannot_be_used_and_an_image_is_published() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    build(&cluster, R1).await;
    set_pullspec(&cluster, "org/os:latest").await;
    cluster.rest(Duration::from_secs(5)).await;
    golden!(cluster, "an_input_cannot_be_used_and_an_image_is_published");
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_missing() {
    let cluster = Cluster::bare();
    for object in inputs().into_iter().filter(|object| object["metadata"]["name"] != "push") {
        cluster.create(object).await;
    }
    let _daemon = cluster.daemon().await;
    cluster.create_pool("worker", R1).await;
    cluster.shows("worker", "BuildFailed", "SecretMissing").await;
    golden!(cluster, "a_secret_is_missing");
}

#[tokio::test(start_paused = true)]
async fn a_name_is_taken() {
    let cluster = Cluster::new().await;
    cluster
        .create(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": POD, "namespace": machine_os_builder::api::DEFAULT_NAMESPACE},
            "spec": {"containers": [{"name": "c", "image": "registry.test/i"}]},
        }))
        .await;
    let _daemon = cluster.daemon().await;
    cluster.create_pool("worker", R1).await;
    cluster.shows("worker", "BuildFailed", "NameConflict").await;
    golden!(cluster, "a_name_is_taken");
}

#[tokio::test(start_paused = true)]
async fn blocked_by_others() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    build(&cluster, R1).await;
    degrade(&cluster, "RenderDegraded").await;
    cluster.roll_out("worker", R2).await;
    cluster.rest(Duration::from_secs(60)).await;
    golden!(cluster, "blocked_by_others");
}

#[tokio::test(start_paused = true)]
async fn degraded_by_others_while_it_builds() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    cluster.start_build("worker", R1).await;
    run(&cluster, POD).await;
    degrade(&cluster, "NodeDegraded").await;
    cluster.rest(Duration::from_secs(60)).await;
    golden!(cluster, "degraded_by_others_while_it_builds");
}

#[tokio::test(start_paused = true)]
async fn opted_out_while_it_builds() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    cluster.start_build("worker", R1).await;
    cluster.bind(POD).await;
    run(&cluster, POD).await;
    cluster.opt_out("worker").await;
    is_in(&cluster, State::OptingOut).await;
    cluster.rest(Duration::from_secs(2)).await;
    golden!(cluster, "opted_out_while_it_builds");
}

#[tokio::test(start_paused = true)]
async fn deleted_while_it_builds() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    cluster.start_build("worker", R1).await;
    cluster.bind(POD).await;
    run(&cluster, POD).await;
    cluster.delete(Kind::MachineConfigPool, "worker").await;
    cluster.is_gone(Kind::MachineConfigPool, "worker").await;
    cluster.rest(Duration::from_secs(2)).await;
    golden!(cluster, "deleted_while_it_builds");
}

#[tokio::test(start_paused = true)]
async fn a_fresh_build_is_asked_for_and_no_daemon_is_there() {
    let cluster = Cluster::new().await;
    let daemon = cluster.daemon().await;
    build(&cluster, R1).await;
    daemon.stop().await;
    cluster.annotate("worker", keys::REBUILD, "").await;
    golden!(cluster, "a_fresh_build_is_asked_for_and_no_daemon_is_there");
}

#[tokio::test(start_paused = true)]
async fn a_build_ends_and_no_daemon_is_there() {
    let cluster = Cluster::new().await;
    let daemon = cluster.daemon().await;
    cluster.start_build("worker", R1).await;
    run(&cluster, POD).await;
    daemon.stop().await;
    cluster.succeed(R1).await;
    golden!(cluster, "a_build_ends_and_no_daemon_is_there");
}

#[tokio::test(start_paused = true)]
async fn secrets_may_not_be_read() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    build(&cluster, R1).await;
    let reports = reports_to(&cluster, client_without(&cluster, "/secrets")).await;
    insta::assert_snapshot!("secrets_may_not_be_read", screen_of(&cluster, &reports));

    cluster.delete(Kind::Secret, "push").await;
    cluster.roll_out("worker", R2).await;
    cluster.shows("worker", "BuildFailed", "SecretMissing").await;
    let reports = reports_to(&cluster, client_without(&cluster, "/secrets")).await;
    insta::assert_snapshot!("a_secret_is_missing_and_may_not_be_read", screen_of(&cluster, &reports));
    cluster.create(modern_secret("push")).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_secret_is_in_a_report() {
    let cluster = Cluster::new().await;
    let daemon = cluster.daemon().await;
    cluster.start_build("worker", R1).await;
    run(&cluster, POD).await;
    exit(&cluster, 20, "login failed for dTpw").await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    daemon.stop().await;
    let report: Value = serde_json::to_value(report(&cluster).await).unwrap();
    assert!(!report.to_string().contains("dTpw"), "{report:#}");
}
