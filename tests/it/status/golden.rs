//! Snapshots of output, byte by byte, and what most of them do.

use std::time::Duration;

use serde_json::json;

use super::seen::{report, screen};
use crate::harness::cluster::{Cluster, POD, exited};

/// Compares the output of `status` and `explain worker` with the snapshot of this name.
pub(super) async fn golden(cluster: &Cluster, name: &str) {
    is_golden(name, &screen(cluster).await);
}

pub(super) async fn golden_after(cluster: &Cluster, seconds: u64, name: &str) {
    cluster.rest(Duration::from_secs(seconds)).await;
    golden(cluster, name).await;
}

pub(super) fn is_golden(name: &str, text: &str) {
    insta::assert_snapshot!(name, text);
}

/// The output of `status worker -o json`.
pub(super) async fn json(cluster: &Cluster) -> String {
    serde_json::to_string_pretty(&report(cluster).await).unwrap()
}

pub(super) async fn exit(cluster: &Cluster, code: i32, output: &str) {
    let containers = [exited("image-build", code, output)];
    cluster.set_pod(POD, json!({"phase": "Failed", "containerStatuses": containers})).await;
}
