//! How builds end: failed, lost, retried, given up.

use std::time::Duration;

use machine_os_builder::api::{Kind, Pool, keys};
use machine_os_builder::daemon::Daemon;
use serde_json::json;

use crate::harness::cluster::{Cluster, POD, R1, digest_of, exited, image_on, message, references};

async fn failed() -> (Cluster, Daemon) {
    let (cluster, daemon) = Cluster::with_build().await;
    cluster.set_pod(POD, json!({
        "phase": "Running",
        "containerStatuses": [exited("image-build", 20, "step 4: no such package: tmuxx"), {"name": "wait-for-done"}],
    }))
    .await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    (cluster, daemon)
}

#[tokio::test(start_paused = true)]
async fn l13_l43_a_failed_build_says_at_once_what_failed_and_everything_stays() {
    let (cluster, _daemon) = failed().await;
    let pool = cluster.pool("worker").await;
    let text = message(&pool, "BuildFailed");
    for part in ["exit code 20", "building the image", "attempt 1", "no such package: tmuxx", "oc --namespace", POD] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(Pool::new(&pool).is_degraded_by_build());
    assert_eq!(cluster.build_objects().await, [POD, "dockerfile-rendered-worker-1", "mc-rendered-worker-1"]);
    let (spec, status) = references(&pool);
    assert_eq!((spec[0]["name"].as_str(), status[0]["name"].as_str()), (Some(POD), Some(POD)));
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildFailed"]);
}

#[tokio::test(start_paused = true)]
async fn a_bare_failed_phase_is_the_users_failure_at_once() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.fail(POD).await;
}

#[tokio::test(start_paused = true)]
async fn l12_a_failed_build_is_followed_by_one_of_a_new_config() {
    let (cluster, _daemon) = failed().await;
    cluster.roll_out("worker", "rendered-worker-2").await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    let pool = cluster.pool("worker").await;
    assert!(!Pool::new(&pool).is_degraded_by_build(), "set False when the next build starts");
    cluster.is_gone(Kind::Pod, POD).await;
    cluster.publish("worker", "rendered-worker-2").await;
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
    // A build that had ended was not superseded.
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildFailed", "BuildStarted", "BuildSucceeded"]);
}

#[tokio::test(start_paused = true)]
async fn l12_a_failed_build_is_made_again_on_request() {
    let (cluster, _daemon) = failed().await;
    cluster.annotate("worker", keys::REBUILD, "").await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.publish("worker", R1).await;
}

#[tokio::test(start_paused = true)]
async fn l18_a_failure_is_told_once_and_degraded_never_raised_again() {
    let (cluster, daemon) = failed().await;
    reset_degraded(&cluster).await;
    daemon.stop().await;
    cluster.server.clear_log();
    let _daemon = cluster.daemon().await;
    cluster.rest(Duration::from_secs(600)).await;
    let pool = cluster.pool("worker").await;
    assert!(!Pool::new(&pool).is_degraded_by_build());
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildFailed"]);
    assert_eq!(cluster.daemon_requests(), [] as [&str; 0], "a restart has nothing to do");
}

/// Seed 346 of the scenario `chaos`: an input fault replaced the failure on the pool, another client reset `Degraded`,
/// the fault was mended, and the daemon raised `Degraded` again for the old failure.
#[tokio::test(start_paused = true)]
async fn l18_a_failure_that_a_fault_had_covered_raises_degraded_no_more() {
    let (cluster, _daemon) = failed().await;
    // For as long as the failed build is there, an input that cannot be read is no change.
    cluster.delete(Kind::Pod, POD).await;
    let pullspec = |text: &str| json!({"data": {"finalImagePullspec": text}});
    cluster.merge(Kind::ConfigMap, "on-cluster-build-config", pullspec("typo")).await;
    cluster.shows("worker", "BuildFailed", "PullspecInvalid").await;
    reset_degraded(&cluster).await;
    cluster.merge(Kind::ConfigMap, "on-cluster-build-config", pullspec("registry.test/org/os")).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    assert!(!Pool::new(&cluster.pool("worker").await).is_degraded_by_build());
}

/// Sets `Degraded` to False, as another controller may do.
async fn reset_degraded(cluster: &Cluster) {
    let mut conditions = cluster.pool("worker").await.data["status"]["conditions"].as_array().unwrap().clone();
    let degraded = conditions.iter_mut().find(|c| c["type"] == "Degraded").unwrap();
    *degraded = json!({"type": "Degraded", "status": "False"});
    cluster.merge_status(Kind::MachineConfigPool, "worker", json!({"status": {"conditions": conditions}})).await;
}

#[tokio::test(start_paused = true)]
async fn l14_a_pod_deleted_under_the_build_is_lost_and_tried_again_later() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let first = cluster.exists(Kind::Pod, POD).await.metadata.uid;
    cluster.delete(Kind::Pod, POD).await;
    cluster.shows("worker", "BuildPending", "BuildRetrying").await;
    let pool = cluster.pool("worker").await;
    assert!(message(&pool, "BuildPending").contains("attempt 2 of 3"), "{}", message(&pool, "BuildPending"));
    assert_eq!(references(&pool), (vec![], vec![]));
    cluster.rest(Duration::from_secs(50)).await;
    assert!(cluster.get(Kind::Pod, POD).await.is_none(), "not before a minute has passed");
    let second = cluster.exists(Kind::Pod, POD).await.metadata.uid;
    assert_ne!(first, second);
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.publish("worker", R1).await;
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildRetrying", "BuildStarted", "BuildSucceeded"]);
}

#[tokio::test(start_paused = true)]
async fn l14_an_evicted_pod_is_lost_its_remains_removed_and_attempts_counted_across_restarts() {
    let (cluster, mut daemon) = Cluster::with_pool().await;
    for attempt in 1..=3 {
        cluster.exists(Kind::Pod, POD).await;
        cluster.shows("worker", "BuildPending", "BuildPending").await;
        daemon.stop().await;
        cluster
            .set_pod(POD, json!({"phase": "Failed", "reason": "Evicted", "message": "the node ran out of disk"}))
            .await;
        daemon = cluster.daemon().await;
        if attempt < 3 {
            let text = cluster.message("worker", "BuildPending", "BuildRetrying").await;
            assert!(text.contains(&format!("attempt {} of 3", attempt + 1)) && text.contains("out of disk"), "{text}");
            cluster.is_gone(Kind::Pod, POD).await;
        }
    }
    let text = cluster.message("worker", "BuildFailed", "BuildFailed").await;
    assert!(text.contains("lost 3 times") && text.contains("out of disk") && text.contains(keys::REBUILD), "{text}");
    cluster.rest(Duration::from_secs(3600)).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
}

#[tokio::test(start_paused = true)]
async fn a_success_without_a_digest_is_lost() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.set_phase(POD, "Succeeded").await;
    let text = cluster.message("worker", "BuildPending", "BuildRetrying").await;
    assert!(text.contains("left no digest"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn l11_a_build_that_was_never_seen_to_run_ends_with_one_condition() {
    let (cluster, daemon) = Cluster::with_pool().await;
    cluster.exists(Kind::Pod, POD).await;
    daemon.stop().await;
    cluster.succeed(R1).await;
    let _daemon = cluster.daemon().await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(image_on(&cluster.pool("worker").await), Some(format!("registry.test/org/os@{}", digest_of(R1))));
}

#[tokio::test(start_paused = true)]
async fn l15_a_pod_that_never_starts_is_lost_at_its_deadline_with_the_reason_shown_before() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let waiting = json!({"reason": "ImagePullBackOff", "message": "no such image"});
    let status = json!({"containerStatuses": [{"name": "image-build", "state": {"waiting": waiting}}]});
    cluster.set_pod(POD, status).await;
    cluster
        .eventually("the reason is shown", async || {
            message(&cluster.pool("worker").await, "BuildPending")
                .contains("ImagePullBackOff: no such image")
                .then_some(())
        })
        .await;
    cluster.rest(Duration::from_secs(590)).await;
    let text = cluster.message("worker", "BuildPending", "BuildRetrying").await;
    assert!(text.contains("within its deadline") && text.contains("no such image"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn l44_credentials_in_the_output_of_a_build_are_not_shown() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let output = "RUN curl https://bob:hunter2@host && login dTpw";
    cluster.set_pod(POD, json!({"phase": "Failed", "containerStatuses": [exited("image-build", 20, output)]})).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    let pool = serde_json::to_string(&cluster.pool("worker").await).unwrap();
    assert!(pool.contains("[redacted]@host"), "{pool}");
    assert!(!pool.contains("hunter2") && !pool.contains("dTpw"), "{pool}");
}

#[tokio::test(start_paused = true)]
async fn a_success_of_a_pod_that_was_told_to_end_counts() {
    let (cluster, daemon) = Cluster::with_build().await;
    daemon.stop().await;
    cluster.bind(POD).await;
    cluster.delete(Kind::Pod, POD).await;
    let containers = json!([exited("image-build", 0, &digest_of(R1))]);
    cluster.set_pod(POD, json!({"phase": "Running", "containerStatuses": containers})).await;
    let _daemon = cluster.daemon().await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(image_on(&cluster.pool("worker").await), Some(format!("registry.test/org/os@{}", digest_of(R1))));
}

#[tokio::test(start_paused = true)]
async fn l49_a_pod_stuck_in_its_deletion_is_deleted_by_force_after_a_minute() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.bind(POD).await;
    cluster.roll_out("worker", "rendered-worker-2").await;
    cluster.rest(Duration::from_secs(60)).await;
    assert!(cluster.get(Kind::Pod, POD).await.is_some(), "its node is given time");
    cluster.is_gone(Kind::Pod, POD).await;
    cluster.exists(Kind::Pod, "build-rendered-worker-2").await;
}
