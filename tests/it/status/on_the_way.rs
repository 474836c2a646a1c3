//! Pools on their way to an image, and on their way out.

use machine_os_builder::api::{Kind, keys};
use machine_os_builder::report::PoolPhase;
use serde_json::json;

use super::golden::{golden, golden_after, is_golden, json};
use super::seen::is_in;
use crate::harness::cluster::{Cluster, POD, R1, R2, config_map, machine_config, pool};

const NEW_POD: &str = "build-rendered-worker-2";

#[tokio::test(start_paused = true)]
async fn not_opted_in() {
    let (cluster, _daemon) = Cluster::with_daemon().await;
    cluster.create(machine_config(R1)).await;
    let mut plain = pool("worker", R1);
    plain["metadata"]["labels"] = json!({});
    cluster.create(plain).await;
    golden_after(&cluster, 5, "not_opted_in").await;
}

#[tokio::test(start_paused = true)]
async fn not_rendered() {
    let (cluster, _daemon) = Cluster::with_daemon().await;
    let mut unrendered = pool("worker", R1);
    unrendered["spec"]["configuration"] = json!({});
    cluster.create(unrendered).await;
    golden_after(&cluster, 5, "not_rendered").await;
}

#[tokio::test(start_paused = true)]
async fn queued() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon_deciding(|settings| settings.concurrent_builds_max = 1).await;
    cluster.start_build("infra", "rendered-infra-1").await;
    cluster.create_pool("worker", R1).await;
    cluster.shows("worker", "BuildPending", "BuildQueued").await;
    golden_after(&cluster, 30, "queued").await;
}

#[tokio::test(start_paused = true)]
async fn pending() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let waiting = json!({"reason": "ImagePullBackOff", "message": "no such image"});
    let status = json!({"name": "image-build", "state": {"waiting": waiting}});
    cluster.set_pod(POD, json!({"phase": "Pending", "containerStatuses": [status]})).await;
    golden_after(&cluster, 150, "pending").await;
}

#[tokio::test(start_paused = true)]
async fn building() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.run(POD).await;
    golden_after(&cluster, 60, "building").await;
}

#[tokio::test(start_paused = true)]
async fn built() {
    let (cluster, _daemon) = Cluster::with_image().await;
    golden_after(&cluster, 3 * 86_400, "built").await;
    is_golden("built_as_json", &json(&cluster).await);
}

#[tokio::test(start_paused = true)]
async fn built_and_something_newer_is_building() {
    let (cluster, _daemon) = Cluster::with_image().await;
    let custom = config_map("on-cluster-build-custom-dockerfile", json!({"worker": "RUN true"}));
    cluster.create(custom).await;
    cluster.roll_out("worker", R2).await;
    cluster.exists(Kind::Pod, NEW_POD).await;
    cluster.run(NEW_POD).await;
    golden(&cluster, "built_and_something_newer_is_building").await;
    is_golden("built_and_something_newer_is_building_as_json", &json(&cluster).await);
}

#[tokio::test(start_paused = true)]
async fn superseding() {
    let (cluster, _daemon) = Cluster::with_build().await;
    // On a node, it takes its time to end.
    cluster.bind(POD).await;
    cluster.run(POD).await;
    cluster.roll_out("worker", R2).await;
    cluster.shows("worker", "BuildPending", "BuildQueued").await;
    golden(&cluster, "superseding").await;
}

#[tokio::test(start_paused = true)]
async fn opted_out_while_it_builds() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.bind(POD).await;
    cluster.run(POD).await;
    cluster.opt_out("worker").await;
    is_in(&cluster, PoolPhase::OptingOut).await;
    golden_after(&cluster, 2, "opted_out_while_it_builds").await;
}

#[tokio::test(start_paused = true)]
async fn deleted_while_it_builds() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.bind(POD).await;
    cluster.run(POD).await;
    cluster.delete(Kind::MachineConfigPool, "worker").await;
    cluster.is_gone(Kind::MachineConfigPool, "worker").await;
    golden_after(&cluster, 2, "deleted_while_it_builds").await;
}

#[tokio::test(start_paused = true)]
async fn a_fresh_build_is_asked_for_and_no_daemon_is_there() {
    let (cluster, daemon) = Cluster::with_image().await;
    daemon.stop().await;
    cluster.annotate("worker", keys::REBUILD, "").await;
    golden(&cluster, "a_fresh_build_is_asked_for_and_no_daemon_is_there").await;
}

#[tokio::test(start_paused = true)]
async fn a_build_ends_and_no_daemon_is_there() {
    let (cluster, daemon) = Cluster::with_build().await;
    cluster.run(POD).await;
    daemon.stop().await;
    cluster.succeed(R1).await;
    golden(&cluster, "a_build_ends_and_no_daemon_is_there").await;
}
