//! Defects that random histories found, each as the shortest story that shows it.

use std::time::Duration;

use machine_os_builder::api::Kind;
use serde_json::json;

use crate::common::{Cluster, references};

const R1: &str = "rendered-worker-1";
const POD: &str = "build-rendered-worker-1";

/// A build that was lost while an input was unreadable was left there, referred to, and free to run after all.
#[tokio::test(start_paused = true)]
async fn a_build_that_is_lost_while_inputs_are_unreadable_leaves_nothing_that_runs() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon().await;
    cluster.start_build("worker", R1).await;
    cluster.merge(Kind::ConfigMap, "on-cluster-build-config", json!({"data": {"finalImagePullspec": "typo"}})).await;
    // The deadline for its start.
    cluster.rest(Duration::from_secs(600)).await;
    cluster.shows("worker", "BuildFailed", "PullspecInvalid").await;
    cluster.is_gone(Kind::Pod, POD).await;
    cluster.rest(Duration::from_secs(5)).await;
    assert_eq!(references(&cluster.pool("worker").await), (vec![], vec![]));

    let mended = json!({"data": {"finalImagePullspec": "registry.test/org/os"}});
    cluster.merge(Kind::ConfigMap, "on-cluster-build-config", mended).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.succeed(R1).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
}
