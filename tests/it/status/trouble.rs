//! Pools in trouble: failed builds, invalid inputs, and conflicts with other controllers.

use std::time::Duration;

use machine_os_builder::api::Kind;
use serde_json::{Value, json};

use super::golden::{exit, golden, golden_after, is_golden};
use super::seen::{client_without, report, reports_to, screen_of};
use crate::harness::cluster::{Cluster, POD, R2, foreign_pod, inputs, modern_secret};

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
async fn failed() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.run(POD).await;
    exit(&cluster, 20, "STEP 7: RUN exit 1\nerror: building at STEP \"RUN exit 1\": exit status 1\n").await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    golden(&cluster, "failed").await;
}

#[tokio::test(start_paused = true)]
async fn lost_for_the_last_time() {
    let (cluster, _daemon) = Cluster::with_build().await;
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
    golden(&cluster, "lost_for_the_last_time").await;
}

#[tokio::test(start_paused = true)]
async fn retrying() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.set_pod(POD, json!({"phase": "Failed", "reason": "Evicted", "message": "out of disk"})).await;
    cluster.shows("worker", "BuildPending", "BuildRetrying").await;
    cluster.is_gone(Kind::Pod, POD).await;
    golden_after(&cluster, 10, "retrying").await;
}

#[tokio::test(start_paused = true)]
async fn the_registry_does_not_take_the_image() {
    let (cluster, _daemon) = Cluster::with_build().await;
    exit(&cluster, 40, "").await;
    cluster.shows("worker", "BuildPending", "BuildRetrying").await;
    golden_after(&cluster, 10, "the_registry_does_not_take_the_image").await;
}

#[tokio::test(start_paused = true)]
async fn the_registry_denies_the_push() {
    let (cluster, _daemon) = Cluster::with_build().await;
    exit(&cluster, 41, "unauthorized: access to the requested resource is not authorized").await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    golden(&cluster, "the_registry_denies_the_push").await;
}

#[tokio::test(start_paused = true)]
async fn an_input_cannot_be_used() {
    let cluster = Cluster::new().await;
    set_pullspec(&cluster, "org/os:latest").await;
    let _daemon = cluster.daemon_with_pool().await;
    cluster.shows("worker", "BuildFailed", "PullspecInvalid").await;
    golden(&cluster, "an_input_cannot_be_used").await;
}

#[tokio::test(start_paused = true)]
async fn an_input_cannot_be_used_and_an_image_is_published() {
    let (cluster, _daemon) = Cluster::with_image().await;
    set_pullspec(&cluster, "org/os:latest").await;
    golden_after(&cluster, 5, "an_input_cannot_be_used_and_an_image_is_published").await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_missing() {
    let cluster = Cluster::bare();
    for object in inputs().into_iter().filter(|object| object["metadata"]["name"] != "push") {
        cluster.create(object).await;
    }
    let _daemon = cluster.daemon_with_pool().await;
    cluster.shows("worker", "BuildFailed", "SecretMissing").await;
    golden(&cluster, "a_secret_is_missing").await;
}

#[tokio::test(start_paused = true)]
async fn a_name_is_taken() {
    let cluster = Cluster::new().await;
    cluster.create(foreign_pod(POD, json!({}))).await;
    let _daemon = cluster.daemon_with_pool().await;
    cluster.shows("worker", "BuildFailed", "NameConflict").await;
    golden(&cluster, "a_name_is_taken").await;
}

#[tokio::test(start_paused = true)]
async fn blocked_by_others() {
    let (cluster, _daemon) = Cluster::with_image().await;
    degrade(&cluster, "RenderDegraded").await;
    cluster.roll_out("worker", R2).await;
    golden_after(&cluster, 60, "blocked_by_others").await;
}

#[tokio::test(start_paused = true)]
async fn degraded_by_others_while_it_builds() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.run(POD).await;
    degrade(&cluster, "NodeDegraded").await;
    golden_after(&cluster, 60, "degraded_by_others_while_it_builds").await;
}

#[tokio::test(start_paused = true)]
async fn secrets_may_not_be_read() {
    let (cluster, _daemon) = Cluster::with_image().await;
    let reports = reports_to(&cluster, client_without(&cluster, "/secrets")).await;
    is_golden("secrets_may_not_be_read", &screen_of(&cluster, &reports));

    cluster.delete(Kind::Secret, "push").await;
    cluster.roll_out("worker", R2).await;
    cluster.shows("worker", "BuildFailed", "SecretMissing").await;
    let reports = reports_to(&cluster, client_without(&cluster, "/secrets")).await;
    is_golden("a_secret_is_missing_and_may_not_be_read", &screen_of(&cluster, &reports));
    cluster.create(modern_secret("push")).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_secret_is_in_a_report() {
    let (cluster, daemon) = Cluster::with_build().await;
    cluster.run(POD).await;
    exit(&cluster, 20, "login failed for dTpw").await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    daemon.stop().await;
    let report: Value = serde_json::to_value(report(&cluster).await).unwrap();
    assert!(!report.to_string().contains("dTpw"), "{report:#}");
}
