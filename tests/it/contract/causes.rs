//! The message on a pool whose build did not succeed: the step, the exit code, the last lines of output, the next
//! command.

use std::time::Duration;

use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, PostParams};
use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::{DEFAULT_NAMESPACE, Kind, Pool};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::trouble::{Fate, daemon_behind};
use crate::harness::cluster::{Cluster, POD, R1, exited, message};

const LOGS: &str = "; next: oc --namespace openshift-machine-config-operator logs pod/build-rendered-worker-1 \
                    --all-containers";
const REBUILD: &str = "; next: oc annotate machineconfigpool/worker machineconfiguration.openshift.io/rebuild=now";

/// The message on a failed step: its exit code and cause, a sentence on it, and the last lines if they add something.
fn failed(code: i32, cause: &str, step: &str, lines: &str) -> String {
    let lines = if lines.is_empty() { String::new() } else { format!("; last lines:\n{lines}") };
    format!("exit {code}: {cause}; Pod {POD} failed with exit code {code} at {step}, attempt 1{lines}{LOGS}")
}

/// Writes the output of the build container.
async fn print(cluster: &Cluster, lines: &[&str]) {
    let uid = cluster.exists(Kind::Pod, POD).await.metadata.uid.unwrap();
    lines.iter().for_each(|line| cluster.server.pod_logs().append(&uid, "image-build", line));
}

async fn fail(cluster: &Cluster, code: i32, last_words: &str) {
    let containers = json!([exited("image-build", code, last_words)]);
    cluster.set_pod(POD, json!({"phase": "Failed", "containerStatuses": containers})).await;
}

async fn says(cluster: &Cluster, condition: &str, expected: &str) {
    let text = async || message(&cluster.pool("worker").await, condition);
    let is_said = async || (text().await == expected).then_some(());
    let at_last = tokio::time::timeout(Duration::from_secs(60), cluster.eventually("the message", is_said)).await;
    assert!(at_last.is_ok(), "{}\ninstead of\n{expected}", text().await);
}

fn reads_of(cluster: &Cluster, what: &str) -> usize {
    cluster.daemon_requests().iter().filter(|request| request.contains(what)).count()
}

#[tokio::test(start_paused = true)]
async fn l43_each_exit_code_names_its_step() {
    let push = "last words; check the Secret that finalImagePushSecretName names";
    let pull = "last words; check the Secret that baseImagePullSecretName names";
    for (code, cause, step) in [
        (10, "last words", "reading the MachineConfig"),
        (20, "last words", "building the image"),
        (31, pull, "pulling the base image, which was denied"),
        (32, "last words", "pulling the base image"),
        (41, push, "pushing the image, which was denied"),
        (42, "last words", "pushing the image"),
        (137, "last words; raise build.resources.limits.memory, if it was killed for memory", "running the build"),
    ] {
        let (cluster, _daemon) = Cluster::with_build().await;
        fail(&cluster, code, "last words").await;
        cluster.shows("worker", "BuildFailed", "BuildFailed").await;
        says(&cluster, "BuildFailed", &failed(code, cause, step, "")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn l43_the_last_lines_of_the_log_are_told_and_read_once_restarts_included() {
    let (cluster, daemon) = Cluster::with_build().await;
    print(&cluster, &["STEP 4: RUN dnf install tmuxx", "error: no such package: tmuxx"]).await;
    fail(&cluster, 20, "").await;
    let lines = "STEP 4: RUN dnf install tmuxx\nerror: no such package: tmuxx";
    says(&cluster, "BuildFailed", &failed(20, "no such package: tmuxx", "building the image", lines)).await;
    assert_eq!(reads_of(&cluster, "pods/log"), 1);
    daemon.stop().await;
    let _daemon = cluster.daemon().await;
    cluster.rest(Duration::from_secs(600)).await;
    assert_eq!(reads_of(&cluster, "pods/log"), 1);
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildFailed"]);
}

#[tokio::test(start_paused = true)]
async fn l43_of_a_long_log_the_end_is_told_and_the_command_stands_whole() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let line = "ü".repeat(300);
    print(&cluster, &vec![line.as_str(); 50]).await;
    print(&cluster, &["the last line"]).await;
    fail(&cluster, 20, "").await;
    cluster
        .eventually("the log's end is told", async || {
            let text = message(&cluster.pool("worker").await, "BuildFailed");
            (text.ends_with(&format!("\nthe last line{LOGS}")) && text.len() <= 1024).then_some(())
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_log_that_does_not_come_delays_nothing_and_is_asked_for_once() {
    let cluster = Cluster::new().await;
    let slow = |_: &http::Method, path: &str| {
        if path.contains("/log") { Fate::Waits(Duration::from_secs(30)) } else { Fate::Arrives }
    };
    let _daemon = daemon_behind(&cluster, slow).await;
    cluster.start_build("worker", R1).await;
    fail(&cluster, 20, "no such package").await;
    let start = Instant::now();
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    cluster.rest(Duration::from_secs(300)).await;
    says(&cluster, "BuildFailed", &failed(20, "no such package", "building the image", "")).await;
    assert_eq!(reads_of(&cluster, "pods/log"), 0, "it was given up before it arrived, and not asked for again");
}

/// The condition is there before the log is, and is completed when that comes.
#[tokio::test(start_paused = true)]
async fn a_log_that_comes_late_is_added_to_what_is_shown() {
    let cluster = Cluster::new().await;
    let late = |_: &http::Method, path: &str| {
        if path.contains("/log") { Fate::Waits(Duration::from_secs(1)) } else { Fate::Arrives }
    };
    let _daemon = daemon_behind(&cluster, late).await;
    cluster.start_build("worker", R1).await;
    print(&cluster, &["the log"]).await;
    fail(&cluster, 20, "last words").await;
    let start = Instant::now();
    says(&cluster, "BuildFailed", &failed(20, "last words", "building the image", "")).await;
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    says(&cluster, "BuildFailed", &failed(20, "the log", "building the image", "")).await;
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildFailed"]);
}

#[tokio::test(start_paused = true)]
async fn l44_credentials_in_a_log_are_not_shown() {
    let (cluster, _daemon) = Cluster::with_build().await;
    print(&cluster, &["RUN curl https://bob:hunter2@host", "login dTpw"]).await;
    fail(&cluster, 20, "").await;
    let lines = "RUN curl https://[redacted]@host\nlogin [redacted]";
    says(&cluster, "BuildFailed", &failed(20, "login [redacted]", "building the image", lines)).await;
}

/// The cluster ends a pod that takes too long. If the node does not, the daemon does not wait for it.
#[tokio::test(start_paused = true)]
async fn a_build_that_does_not_end_within_its_deadline_has_failed() {
    for (deadline, told) in [(None, "1h"), (Some(Duration::from_secs(300)), "5m")] {
        let cluster = Cluster::new().await;
        let mut settings = ActorSettings::default();
        settings.decide.build_deadline = deadline.unwrap_or(settings.decide.build_deadline);
        let deadline = settings.decide.build_deadline;
        let _daemon = cluster.daemon_with(settings, None).await;
        cluster.start_build("worker", R1).await;
        cluster.set_phase(POD, "Running").await;
        print(&cluster, &["waiting for a lock"]).await;
        cluster.shows("worker", "Building", "BuildRunning").await;
        cluster.rest(deadline - Duration::from_secs(10)).await;
        cluster.shows("worker", "Building", "BuildRunning").await;
        cluster.rest(Duration::from_secs(70)).await;
        let step = format!("running the build, which did not end within its deadline of {told}");
        let hint = "raise buildDeadline, or make the build faster";
        let expected = format!("waiting for a lock; {hint}; Pod {POD} failed at {step}, attempt 1{LOGS}");
        says(&cluster, "BuildFailed", &expected).await;
        assert!(Pool::new(&cluster.pool("worker").await).is_degraded_by_build());
    }
}

#[tokio::test(start_paused = true)]
async fn a_build_that_the_cluster_ended_at_its_deadline_has_failed_for_that_reason() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster
        .set_pod(
            POD,
            json!({
                "phase": "Failed", "reason": "DeadlineExceeded",
                "message": "Pod was active on the node longer than the specified deadline",
                "containerStatuses": [exited("image-build", 143, "STEP 7: RUN sleep inf")],
            }),
        )
        .await;
    let step = "running the build, which took longer than its deadline";
    let cause = "DeadlineExceeded: STEP 7: RUN sleep inf; raise buildDeadline, or make the build faster";
    let expected = format!("exit 143: {cause}; Pod {POD} failed with exit code 143 at {step}, attempt 1{LOGS}");
    says(&cluster, "BuildFailed", &expected).await;
}

fn waiting(reason: &str, text: &str) -> Value {
    let waiting = json!({"reason": reason, "message": text});
    json!({"phase": "Pending", "containerStatuses": [{"name": "image-build", "state": {"waiting": waiting}}]})
}

#[tokio::test(start_paused = true)]
async fn l15_what_keeps_a_build_from_starting_is_told_while_it_waits_and_when_it_is_lost() {
    let pull = "Back-off pulling image \"registry.test/buildah:nope\"";
    let place = "0/6 nodes are available: 6 Insufficient memory.";
    let key = "couldn't find key .dockerconfigjson in Secret openshift-machine-config-operator/push";
    let unscheduled = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": place});
    for (status, cause, setting) in [
        (
            waiting("ImagePullBackOff", pull),
            format!("ImagePullBackOff: {pull} (container image-build)"),
            "builderImage",
        ),
        (
            waiting("CreateContainerConfigError", key),
            format!("CreateContainerConfigError: {key} (container image-build)"),
            "on-cluster-build-config",
        ),
        (
            json!({"phase": "Pending", "conditions": [unscheduled]}),
            format!("Unschedulable: {place}"),
            "build.resources",
        ),
    ] {
        let (cluster, _daemon) = Cluster::with_build().await;
        cluster.set_pod(POD, status).await;
        let text = cluster
            .eventually("the reason is shown", async || {
                let text = message(&cluster.pool("worker").await, "BuildPending");
                text.starts_with(&format!("{cause}; ")).then_some(text)
            })
            .await;
        assert!(text.ends_with(&format!("; Pod {POD} is waiting to start")) && text.contains(setting), "{text}");
        cluster.rest(Duration::from_secs(600)).await;
        let text = cluster.message("worker", "BuildPending", "BuildRetrying").await;
        assert!(
            text.starts_with(&format!("{cause}; ")) && text.contains("did not start within its deadline"),
            "{text}"
        );
        assert!(text.contains("; attempt 2 of 3 is due at ") && text.contains(setting), "{text}");
    }
}

/// A volume that cannot be mounted shows in Events alone.
#[tokio::test(start_paused = true)]
async fn l15_what_only_an_event_says_is_told_when_the_build_is_lost() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let pod = cluster.exists(Kind::Pod, POD).await;
    let cause = "MountVolume.SetUp failed for volume \"push\": references non-existent secret key: .dockerconfigjson";
    for (name, kind, minute, text) in
        [("a", "Warning", 1, "an earlier one"), ("b", "Warning", 2, cause), ("c", "Normal", 3, "no warning")]
    {
        let time = format!("2026-01-01T00:0{minute}:00Z");
        let event = serde_json::from_value(json!({
            "metadata": {"name": name},
            "involvedObject": {"kind": "Pod", "name": POD, "uid": pod.metadata.uid, "namespace": DEFAULT_NAMESPACE},
            "type": kind, "reason": "FailedMount", "message": text, "firstTimestamp": time, "lastTimestamp": time,
        }));
        let events: Api<Event> = Api::namespaced(cluster.client.clone(), DEFAULT_NAMESPACE);
        events.create(&PostParams::default(), &event.unwrap()).await.unwrap();
    }
    cluster.rest(Duration::from_secs(600)).await;
    let text = cluster.message("worker", "BuildPending", "BuildRetrying").await;
    assert!(text.starts_with(&format!("FailedMount: {cause}; lost while starting the build")), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_build_that_was_given_up_says_how_to_ask_for_another() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon_deciding(|settings| settings.attempts_max = 1).await;
    cluster.start_build("worker", R1).await;
    cluster
        .set_pod(POD, json!({"phase": "Failed", "reason": "Evicted", "message": "the node was low on memory"}))
        .await;
    let text = cluster.message("worker", "BuildFailed", "BuildFailed").await;
    assert!(text.starts_with("Evicted: the node was low on memory; ") && text.contains("lost once"), "{text}");
    assert!(text.ends_with(REBUILD), "{text}");
}
