//! When a build is needed: inputs change before, during and after a build, while the daemon runs or while it is down.

use std::time::Duration;

use machine_os_builder::api::{Kind, keys};
use machine_os_builder::daemon::Daemon;
use serde_json::json;

use crate::harness::cluster::{Cluster, POD, R1, R2, config_map, digest_of, image_on, message, references, shown};

async fn built(cluster: &Cluster, rendered: &str) {
    cluster.exists(Kind::Pod, &format!("build-{rendered}")).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.publish("worker", rendered).await;
    let expected = format!("registry.test/org/os@{}", digest_of(rendered));
    assert_eq!(image_on(&cluster.pool("worker").await), Some(expected));
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
}

async fn with_image() -> (Cluster, Daemon) {
    let (cluster, daemon) = Cluster::with_pool().await;
    built(&cluster, R1).await;
    (cluster, daemon)
}

async fn degrade(cluster: &Cluster, status: &str) {
    let mut conditions =
        cluster.pool("worker").await.data["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.retain(|condition| condition["type"] != "NodeDegraded");
    conditions.push(json!({"type": "NodeDegraded", "status": status, "reason": "NodesSick"}));
    cluster.merge_status(Kind::MachineConfigPool, "worker", json!({"status": {"conditions": conditions}})).await;
}

#[tokio::test(start_paused = true)]
async fn l05_config_change_during_build_supersedes_it() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.run(POD).await;
    cluster.roll_out("worker", R2).await;
    cluster.is_gone(Kind::Pod, POD).await;
    built(&cluster, R2).await;
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildSuperseded", "BuildStarted", "BuildSucceeded"]);
}

#[tokio::test(start_paused = true)]
async fn l06_nothing_of_the_old_build_is_credited_to_the_new() {
    let (cluster, _daemon) = Cluster::with_build().await;
    // On a node, a deleted pod takes time to end, and may succeed meanwhile.
    cluster.bind(POD).await;
    cluster.run(POD).await;
    cluster.roll_out("worker", R2).await;
    cluster.is_ending(POD).await;
    cluster.succeed(R1).await;
    cluster.rest(Duration::from_secs(5)).await;
    let pool = cluster.pool("worker").await;
    assert_eq!(image_on(&pool), None);
    assert_eq!(shown(&pool), [("BuildPending".to_owned(), "BuildQueued".to_owned())]);
    assert_eq!(references(&pool), (vec![], vec![]));
    cluster.end_pod(POD).await;
    built(&cluster, R2).await;
}

#[tokio::test(start_paused = true)]
async fn l04_config_change_while_the_daemon_was_down_is_built() {
    let (cluster, daemon) = with_image().await;
    daemon.stop().await;
    cluster.roll_out("worker", R2).await;
    let _daemon = cluster.daemon().await;
    built(&cluster, R2).await;
}

#[tokio::test(start_paused = true)]
async fn l04_config_change_during_a_build_while_the_daemon_was_down_supersedes_it() {
    let (cluster, daemon) = Cluster::with_build().await;
    daemon.stop().await;
    cluster.succeed(R1).await;
    cluster.roll_out("worker", R2).await;
    let _daemon = cluster.daemon().await;
    built(&cluster, R2).await;
}

#[tokio::test(start_paused = true)]
async fn l03_a_pool_degraded_by_others_is_built_once_it_heals() {
    let (cluster, _daemon) = with_image().await;
    degrade(&cluster, "True").await;
    cluster.roll_out("worker", R2).await;
    cluster.rest(Duration::from_secs(600)).await;
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
    assert_eq!(shown(&cluster.pool("worker").await), [("BuildSuccess".to_owned(), "BuildSucceeded".to_owned())]);
    degrade(&cluster, "False").await;
    built(&cluster, R2).await;
}

#[tokio::test(start_paused = true)]
async fn a_running_build_finishes_on_a_pool_that_others_degrade() {
    let (cluster, _daemon) = Cluster::with_build().await;
    degrade(&cluster, "True").await;
    built(&cluster, R1).await;
}

#[tokio::test(start_paused = true)]
async fn a_config_that_was_published_before_is_not_shown_while_others_degrade_the_pool() {
    let (cluster, _daemon) = with_image().await;
    cluster.roll_out("worker", R2).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.fail("build-rendered-worker-2").await;
    degrade(&cluster, "True").await;
    cluster.merge(Kind::MachineConfigPool, "worker", json!({"spec": {"configuration": {"name": R1}}})).await;
    cluster.rest(Duration::from_secs(600)).await;
    assert_eq!(shown(&cluster.pool("worker").await), [("BuildFailed".to_owned(), "BuildFailed".to_owned())]);
    degrade(&cluster, "False").await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_is_made_on_request_even_of_a_pool_that_others_degrade() {
    let (cluster, _daemon) = with_image().await;
    degrade(&cluster, "True").await;
    cluster.annotate("worker", keys::REBUILD, "please").await;
    built(&cluster, R1).await;
    let pool = cluster.pool("worker").await;
    assert!(!pool.metadata.annotations.unwrap().contains_key(keys::REBUILD));
    assert_eq!(
        cluster.events("worker").await,
        ["BuildStarted", "BuildSucceeded", "RebuildRequested", "BuildStarted", "BuildSucceeded",]
    );
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_of_a_running_build_replaces_it() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let first = cluster.exists(Kind::Pod, POD).await.metadata.uid;
    cluster.annotate("worker", keys::REBUILD, "").await;
    cluster
        .eventually("another pod", async || cluster.get(Kind::Pod, POD).await.filter(|pod| pod.metadata.uid != first))
        .await;
    built(&cluster, R1).await;
}

#[tokio::test(start_paused = true)]
async fn a_config_set_back_to_the_published_one_stops_the_build_of_the_other() {
    let (cluster, _daemon) = with_image().await;
    cluster.roll_out("worker", R2).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.merge(Kind::MachineConfigPool, "worker", json!({"spec": {"configuration": {"name": R1}}})).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
    assert_eq!(cluster.events("worker").await.last().map(String::as_str), Some("BuildSuperseded"));
}

#[tokio::test(start_paused = true)]
async fn inputs_that_come_back_while_the_old_pod_ends_are_built_at_once_and_nothing_counts_as_lost() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.bind(POD).await;
    cluster.roll_out("worker", R2).await;
    cluster.shows("worker", "BuildPending", "BuildQueued").await;
    cluster.merge(Kind::MachineConfigPool, "worker", json!({"spec": {"configuration": {"name": R1}}})).await;
    cluster.rest(Duration::from_secs(5)).await;
    cluster.end_pod(POD).await;
    built(&cluster, R1).await;
    let events = cluster.events("worker").await;
    assert!(!events.contains(&"BuildRetrying".to_owned()), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_was_never_followed_by_a_pod_still_waits_its_turn() {
    let (cluster, _daemon) = with_image().await;
    cluster.roll_out("worker", R2).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.merge(Kind::MachineConfigPool, "worker", json!({"spec": {"configuration": {"name": R1}}})).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    degrade(&cluster, "True").await;
    cluster.merge(Kind::MachineConfigPool, "worker", json!({"spec": {"configuration": {"name": R2}}})).await;
    cluster.rest(Duration::from_secs(60)).await;
    assert_eq!(cluster.build_objects().await, [] as [&str; 0], "a degraded pool is not built, claimed or not");
    degrade(&cluster, "False").await;
    built(&cluster, R2).await;
}

#[tokio::test(start_paused = true)]
async fn l34_a_new_base_image_is_built_though_the_config_is_the_same() {
    let (cluster, _daemon) = with_image().await;
    let images = json!({"data": {"baseOSContainerImage": "registry.test/release/os:10"}});
    cluster.merge(Kind::ConfigMap, "machine-config-osimageurl", images).await;
    built(&cluster, R1).await;
}

#[tokio::test(start_paused = true)]
async fn l26_a_repository_edited_during_a_build_is_never_paired_with_the_old_digest() {
    let (cluster, daemon) = Cluster::with_build().await;
    daemon.stop().await;
    cluster.succeed(R1).await;
    let config = json!({"data": {"finalImagePullspec": "registry.test/other/os"}});
    cluster.merge(Kind::ConfigMap, "on-cluster-build-config", config).await;
    let _daemon = cluster.daemon().await;
    cluster
        .eventually("a build of the new inputs", async || {
            let pod = cluster.get(Kind::Pod, POD).await?;
            (pod.data["status"]["phase"] == "Pending").then_some(())
        })
        .await;
    assert_eq!(image_on(&cluster.pool("worker").await), None);
    cluster.publish("worker", R1).await;
    let expected = format!("registry.test/other/os@{}", digest_of(R1));
    assert_eq!(image_on(&cluster.pool("worker").await), Some(expected));
}

#[tokio::test(start_paused = true)]
async fn secrets_rotated_and_notes_edited_cause_no_build() {
    let (cluster, _daemon) = with_image().await;
    let body = json!({"auths": {"registry.test": {"auth": "YTpuZXc="}}}).to_string();
    cluster.merge(Kind::Secret, "push", json!({"stringData": {".dockerconfigjson": body}})).await;
    cluster.merge(Kind::ConfigMap, "machine-config-osimageurl", json!({"data": {"osImageURL": "x"}})).await;
    let config = json!({"data": {"finalImagePullspec": "registry.test/org/os:another-tag"}});
    cluster.merge(Kind::ConfigMap, "on-cluster-build-config", config).await;
    cluster.rest(Duration::from_secs(60)).await;
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_custom_containerfile_is_appended_for_its_pool_alone() {
    let (cluster, _daemon) = with_image().await;
    cluster.create_pool("infra", "rendered-infra-1").await;
    cluster.exists(Kind::Pod, "build-rendered-infra-1").await;
    let text = "FROM configs AS final\nRUN dnf install -y tmux";
    cluster.create(config_map("on-cluster-build-custom-dockerfile", json!({"worker": text}))).await;
    let containerfile = cluster.exists(Kind::ConfigMap, "dockerfile-rendered-worker-1").await;
    let containerfile = containerfile.data["data"]["Dockerfile"].as_str().unwrap().to_owned();
    assert!(containerfile.trim_end().ends_with(text), "{containerfile}");
    let other = cluster.exists(Kind::ConfigMap, "dockerfile-rendered-infra-1").await;
    assert!(!other.data["data"]["Dockerfile"].as_str().unwrap().contains("tmux"));
    cluster.publish("infra", "rendered-infra-1").await;
    built(&cluster, R1).await;
    assert!(message(&cluster.pool("worker").await, "BuildSuccess").contains(R1));
}

#[tokio::test(start_paused = true)]
async fn an_image_annotation_that_somebody_removes_is_built_again() {
    let (cluster, _daemon) = with_image().await;
    let patch = json!({"metadata": {"annotations": {keys::NEWEST_IMAGE: null}}});
    cluster.merge(Kind::MachineConfigPool, "worker", patch).await;
    built(&cluster, R1).await;
}
