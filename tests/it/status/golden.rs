//! Snapshots of output, byte by byte, and functions that bring a pool into the state of each.

use serde_json::json;

use super::seen::{report, screen};
use crate::harness::cluster::{Cluster, exited};

pub const R1: &str = "rendered-worker-1";
pub const R2: &str = "rendered-worker-2";
pub const POD: &str = "build-rendered-worker-1";

/// Compares the output of `status` and `explain worker` with the snapshot of this name.
pub async fn golden(cluster: &Cluster, name: &str) {
    is_golden(name, &screen(cluster).await);
}

pub fn is_golden(name: &str, text: &str) {
    insta::assert_snapshot!(name, text);
}

/// The output of `status worker -o json`.
pub async fn json(cluster: &Cluster) -> String {
    serde_json::to_string_pretty(&report(cluster).await).unwrap()
}

pub async fn run(cluster: &Cluster, pod: &str) {
    cluster.set_phase(pod, "Running").await;
    cluster.shows("worker", "Building", "BuildRunning").await;
}

pub async fn build(cluster: &Cluster, rendered: &str) {
    cluster.start_build("worker", rendered).await;
    cluster.succeed(rendered).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
}

pub async fn exit(cluster: &Cluster, code: i32, output: &str) {
    let containers = [exited("image-build", code, output)];
    cluster.set_pod(POD, json!({"phase": "Failed", "containerStatuses": containers})).await;
}
