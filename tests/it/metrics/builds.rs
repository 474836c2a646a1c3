//! Each transition of a build has its count, and no other changes with it.

use std::time::Duration;

use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::{Kind, keys};
use serde_json::{Value, json};

use super::scrape::{Fate, Scraped};
use crate::harness::cluster::{Cluster, POD, R1, R2, exited, foreign_pod, machine_config, pool};

/// A build that ends in this way, and what is counted then.
async fn counts_after(end: Value) -> Vec<String> {
    let (cluster, process) = Scraped::with_cluster().await;
    cluster.start_build("worker", R1).await;
    cluster.set_pod(POD, end).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    process.counts().await
}

#[tokio::test(start_paused = true)]
async fn a_build_is_started_and_succeeds() {
    let (cluster, process) = Scraped::with_cluster().await;
    assert_eq!(process.counts().await, [] as [&str; 0]);
    cluster.start_build("worker", R1).await;
    assert_eq!(process.counts().await, ["builds_started 1"]);
    cluster.publish("worker", R1).await;
    assert_eq!(process.counts().await, ["builds_started 1", "builds_succeeded 1"]);
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildSucceeded"]);
}

#[tokio::test(start_paused = true)]
async fn failures_are_told_apart_by_their_cause() {
    for (code, cause) in [(10, "bad_payload"), (20, "build"), (31, "pull_denied"), (41, "push_denied"), (137, "other")]
    {
        let end = json!({"phase": "Failed", "containerStatuses": [exited("image-build", code, "")]});
        let failed = format!("builds_failed{{cause=\"{cause}\"}} 1");
        assert_eq!(counts_after(end).await, [&failed, "builds_started 1"], "{code}");
    }
    let late = json!({"phase": "Failed", "reason": "DeadlineExceeded"});
    assert_eq!(counts_after(late).await, ["builds_failed{cause=\"deadline\"} 1", "builds_started 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_build_that_runs_past_its_deadline_failed_for_that() {
    let cluster = Cluster::new().await;
    let mut settings = ActorSettings::default();
    settings.decide.build_deadline = Duration::from_secs(60);
    let process = Scraped::with(&cluster, settings, None, |_, _| Fate::Arrives).await;
    cluster.start_build("worker", R1).await;
    cluster.set_phase(POD, "Running").await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    assert_eq!(process.counts().await, ["builds_failed{cause=\"deadline\"} 1", "builds_started 1"]);
}

#[tokio::test(start_paused = true)]
async fn failures_of_builds_have_the_same_causes() {
    for (reason, said, cause) in [
        ("DockerBuildFailed", "", "build"),
        ("PullBuilderImageFailed", "unauthorized", "pull_denied"),
        ("PushImageToRegistryFailed", "denied", "push_denied"),
        ("CancelledBuild", "", "other"),
    ] {
        let cluster = Cluster::new().await;
        cluster.use_builder("openshift-image-builder").await;
        let process = Scraped::start(&cluster).await;
        cluster.start_build("worker", R1).await;
        cluster.set_build(POD, json!({"phase": "Failed", "reason": reason, "message": said})).await;
        cluster.shows("worker", "BuildFailed", "BuildFailed").await;
        let failed = format!("builds_failed{{cause=\"{cause}\"}} 1");
        assert_eq!(process.counts().await, [&failed, "builds_started 1"], "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_build_is_retried_until_it_is_given_up() {
    let (cluster, process) = Scraped::with_cluster().await;
    cluster.create_pool("worker", R1).await;
    for _ in 1..=3 {
        cluster.exists(Kind::Pod, POD).await;
        cluster.shows("worker", "BuildPending", "BuildPending").await;
        cluster.delete(Kind::Pod, POD).await;
    }
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    let expected = ["builds_failed{cause=\"lost\"} 1", "builds_retried 2", "builds_started 3"];
    assert_eq!(process.counts().await, expected);
    let told = ["BuildStarted", "BuildRetrying", "BuildStarted", "BuildRetrying", "BuildStarted", "BuildFailed"];
    assert_eq!(cluster.events("worker").await, told);
}

#[tokio::test(start_paused = true)]
async fn newer_inputs_supersede_a_build() {
    let (cluster, process) = Scraped::with_cluster().await;
    cluster.start_build("worker", R1).await;
    cluster.roll_out("worker", R2).await;
    cluster.exists(Kind::Pod, "build-rendered-worker-2").await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    assert_eq!(process.counts().await, ["builds_started 2", "builds_superseded 1"]);
}

#[tokio::test(start_paused = true)]
async fn what_users_ask_for_is_counted() {
    let (cluster, process) = Scraped::with_cluster().await;
    cluster.build("worker", R1).await;
    cluster.annotate("worker", keys::REBUILD, "please").await;
    cluster.exists(Kind::Pod, POD).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    assert_eq!(process.counts().await, ["builds_started 2", "builds_succeeded 1", "rebuild_requests 1"]);
    cluster.opt_out("worker").await;
    cluster.is_gone(Kind::Pod, POD).await;
    cluster.rest(Duration::from_secs(5)).await;
    let expected = ["builds_started 2", "builds_succeeded 1", "opt_outs 1", "rebuild_requests 1"];
    assert_eq!(process.counts().await, expected);
    let told = ["BuildStarted", "BuildSucceeded", "RebuildRequested", "BuildStarted", "OptedOut"];
    assert_eq!(cluster.events("worker").await, told);
}

#[tokio::test(start_paused = true)]
async fn inputs_that_cannot_be_used_are_told_apart_by_what_the_pool_shows() {
    let (cluster, process) = Scraped::with_cluster().await;
    cluster.create(pool("infra", "rendered-infra-1")).await;
    cluster.shows("infra", "BuildFailed", "MachineConfigMissing").await;
    cluster.create(foreign_pod(POD, json!({}))).await;
    cluster.create_pool("worker", R1).await;
    cluster.shows("worker", "BuildFailed", "NameConflict").await;
    let expected = ["invalid_inputs{reason=\"MachineConfigMissing\"} 1", "invalid_inputs{reason=\"NameConflict\"} 1"];
    assert_eq!(process.counts().await, expected);
    cluster.create(machine_config("rendered-infra-1")).await;
    cluster.exists(Kind::Pod, "build-rendered-infra-1").await;
    assert_eq!(cluster.events("infra").await, ["ConfigInvalid", "BuildStarted"]);
    assert_eq!(cluster.events("worker").await, ["ConfigInvalid"]);
}

#[tokio::test(start_paused = true)]
async fn builds_that_run_and_builds_that_wait_are_told_apart() {
    let cluster = Cluster::new().await;
    let mut settings = ActorSettings::default();
    settings.decide.concurrent_builds_max = 2;
    let process = Scraped::with(&cluster, settings, None, |_, _| Fate::Arrives).await;
    for pool in ["a", "b", "c", "d", "e"] {
        cluster.create_pool(pool, &format!("rendered-{pool}-1")).await;
    }
    cluster.rest(Duration::from_secs(1)).await;
    let of = async |name| process.sample(name).await;
    assert_eq!((of("pools").await, of("active_builds").await, of("waiting_builds").await), (5.0, 2.0, 3.0));
    cluster.publish("a", "rendered-a-1").await;
    cluster.rest(Duration::from_secs(1)).await;
    assert_eq!((of("active_builds").await, of("waiting_builds").await), (2.0, 2.0));
}
