//! Defects that random histories found, each as the shortest sequence that reproduces it.

use std::time::Duration;

use machine_os_builder::api::{Kind, Object, Pool, keys};
use machine_os_builder::reconcile::pool::record::BuildRecord;
use serde_json::json;

use crate::harness::cluster::{Cluster, POD, R1, exited, foreign_pod, references, shown};

/// A build that was lost while an input was unreadable was left there, referred to, and free to run after all.
#[tokio::test(start_paused = true)]
async fn a_build_that_is_lost_while_inputs_are_unreadable_leaves_nothing_that_runs() {
    let (cluster, _daemon) = Cluster::with_build().await;
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
    cluster.publish("worker", R1).await;
}

/// The daemon removed the reference to the build without a record of the loss: after the input was corrected, it
/// created another pod for the same attempt. It emitted no Event for either, and took the first refusal of that pod for
/// a failed build.
#[tokio::test(start_paused = true)]
async fn a_build_object_that_is_deleted_while_inputs_are_unreadable_is_a_lost_attempt() {
    for is_rebuild in [false, true] {
        let (cluster, _daemon) = Cluster::with_build().await;
        if is_rebuild {
            cluster.publish("worker", R1).await;
            cluster.annotate("worker", keys::REBUILD, "").await;
            cluster.shows("worker", "BuildPending", "BuildPending").await;
        }
        let typo = json!({"data": {"finalImagePullspec": "typo"}});
        cluster.merge(Kind::ConfigMap, "on-cluster-build-config", typo).await;
        cluster.rest(Duration::from_secs(5)).await;
        cluster.delete(Kind::Pod, POD).await;
        cluster.rest(Duration::from_secs(900)).await;
        assert_eq!(references(&cluster.pool("worker").await), (vec![], vec![]));
        let mended = json!({"data": {"finalImagePullspec": "registry.test/org/os"}});
        cluster.merge(Kind::ConfigMap, "on-cluster-build-config", mended).await;
        cluster.shows("worker", "BuildPending", "BuildPending").await;
        let pool = cluster.pool("worker").await;
        let attempt = BuildRecord::of(&Pool::new(&pool)).unwrap().attempt.unwrap();
        assert_eq!(attempt.number, 2, "{is_rebuild}");
        let told = cluster.events("worker").await;
        let count = |reason: &str| told.iter().filter(|told| *told == reason).count();
        assert_eq!(count("BuildStarted"), if is_rebuild { 3 } else { 2 }, "{told:?}");
        assert_eq!(count("BuildRetrying"), 1, "{told:?}");
    }
}

fn since(pool: &Object, condition: &str) -> String {
    Pool::new(pool).condition(condition).map(|c| c["lastTransitionTime"].to_string()).unwrap_or_default()
}

/// Each minute, and after each restart, a foreign pod in the way was forgotten: the pool was shown as waiting for a
/// slot, no longer degraded, and the next moment as degraded again.
#[tokio::test(start_paused = true)]
async fn l24_a_foreign_pod_is_shown_without_a_break_until_it_is_gone_restarts_included() {
    let cluster = Cluster::new().await;
    let pod = foreign_pod(POD, json!({}));
    cluster.create(pod).await;
    let daemon = cluster.daemon_with_pool().await;
    cluster.shows("worker", "BuildFailed", "NameConflict").await;
    let before = cluster.pool("worker").await;
    cluster.rest(Duration::from_secs(600)).await;
    daemon.stop().await;
    let _daemon = cluster.daemon().await;
    cluster.rest(Duration::from_secs(600)).await;
    let pool = cluster.pool("worker").await;
    assert_eq!(shown(&pool), [("BuildFailed".to_owned(), "NameConflict".to_owned())]);
    for condition in ["BuildFailed", "BuildPending", "Degraded"] {
        assert_eq!(since(&pool, condition), since(&before, condition), "{condition} came and went");
    }
    assert_eq!(pool.metadata.resource_version, before.metadata.resource_version, "the pool was written");
    cluster.delete(Kind::Pod, POD).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
}

/// A rebuild of a pool that others degrade met a config that does not fit: the pool showed that it was waiting for a slot,
/// and nothing else, for good.
#[tokio::test(start_paused = true)]
async fn what_is_in_the_way_of_a_rebuild_is_shown_though_others_degrade_the_pool() {
    let (cluster, _daemon) = Cluster::with_image().await;
    let mut conditions = cluster.pool("worker").await.data["status"]["conditions"].as_array().unwrap().clone();
    conditions.push(json!({"type": "RenderDegraded", "status": "True", "reason": "Broken"}));
    cluster.merge_status(Kind::MachineConfigPool, "worker", json!({"status": {"conditions": conditions}})).await;
    let noise: String = (0..40_000u32).map(|n| machine_os_builder::api::names::sha256_hex(n.to_be_bytes())).collect();
    cluster.merge(Kind::MachineConfig, R1, json!({"spec": {"noise": noise}})).await;
    cluster.annotate("worker", keys::REBUILD, "now").await;
    cluster.shows("worker", "BuildFailed", "PayloadTooLarge").await;
}

/// Seed 1 of the scenario `chaos`: an edit that failed was taken back, and the failure that was still on record made a
/// typo take the place of the success.
#[tokio::test(start_paused = true)]
async fn l48_a_failure_that_was_taken_back_does_not_make_a_typo_a_change() {
    let (cluster, _daemon) = Cluster::with_image().await;
    let release = |version: &str| json!({"data": {"releaseVersion": version}});
    cluster.merge(Kind::ConfigMap, "machine-config-osimageurl", release("4.17.0")).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    let failed = json!({"phase": "Failed", "containerStatuses": [exited("image-build", 20, "no such package")]});
    cluster.set_pod("build-rendered-worker-1", failed).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    cluster.merge(Kind::ConfigMap, "machine-config-osimageurl", release("4.16.0")).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    cluster.merge(Kind::ConfigMap, "on-cluster-build-config", json!({"data": {"finalImagePullspec": "typo"}})).await;
    cluster.rest(Duration::from_secs(60)).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(cluster.events("worker").await.last().unwrap(), "ConfigInvalid");
}
