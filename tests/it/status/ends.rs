//! The output for each way in which a build can end without an image: the condition, the Events, `status` and
//! `explain`. Each is a snapshot file, so that a change has to be accepted explicitly.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use kube::api::ListParams;
use machine_os_builder::api::conditions::{BUILD_CONDITIONS, DEGRADED};
use machine_os_builder::api::{Kind, Pool};
use machine_os_builder::apiserver::{AdmissionRequest, Refusal};
use serde_json::{Value, json};

use super::golden::{exit, is_golden};
use super::seen::screen;
use crate::harness::cluster::{Cluster, POD, exited};

/// The conditions that are True, the Events in their order, and what the two commands print.
async fn seen(cluster: &Cluster) -> String {
    let mut text = String::new();
    let object = cluster.pool("worker").await;
    let pool = Pool::new(&object);
    for type_ in BUILD_CONDITIONS.iter().chain([&DEGRADED]).filter(|type_| pool.is_true(type_)) {
        let condition = pool.condition(type_).unwrap();
        let word = |name: &str| condition[name].as_str().unwrap_or_default().to_owned();
        let _ = writeln!(text, "{type_} {}\n{}\n", word("reason"), word("message"));
    }
    let mut events = cluster.api(Kind::Event).list(&ListParams::default()).await.unwrap().items;
    events.retain(|event| event.data["involvedObject"]["name"] == "worker");
    events.sort_by_key(|event| event.metadata.resource_version.as_ref().and_then(|v| v.parse::<u64>().ok()));
    for event in events {
        let word = |name: &str| event.data[name].as_str().unwrap_or_default().to_owned();
        let _ = writeln!(text, "Event {} {}: {}", word("type"), word("reason"), word("message"));
    }
    text + "\n" + &screen(cluster).await
}

/// A pod of the build that has ended so, and what is seen once the pool shows this.
async fn end(name: &str, status: Value, (condition, reason): (&str, &str)) {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.set_pod(POD, status).await;
    cluster.shows("worker", condition, reason).await;
    cluster.rest(Duration::from_secs(5)).await;
    is_golden(name, &seen(&cluster).await);
}

const FAILED: (&str, &str) = ("BuildFailed", "BuildFailed");
const RETRYING: (&str, &str) = ("BuildPending", "BuildRetrying");

fn ended(container: &str, code: i32, reason: &str, message: &str) -> Value {
    let ended = json!({"exitCode": code, "reason": reason, "message": message});
    json!({"name": container, "state": {"terminated": ended}})
}

fn waiting(container: &str, reason: &str) -> Value {
    json!({"name": container, "state": {"waiting": {"reason": reason}}})
}

fn failed(containers: &[Value]) -> Value {
    json!({"phase": "Failed", "containerStatuses": containers})
}

#[tokio::test(start_paused = true)]
async fn failures_of_the_image_are_told_with_their_causes() {
    let step = "STEP 9/9: RUN dnf -y install tmuxx\nError: Unable to find a match: tmuxx\nError: building at STEP \
                \"RUN dnf -y install tmuxx\": while running runtime: exit status 1\nfailed to build the image";
    let words = [
        ("end_step_failed", 20, step),
        (
            "end_payload_damaged",
            10,
            "gzip: stdin: unexpected end of file\nfailed to read the MachineConfig: the payload is damaged",
        ),
        (
            "end_pull_denied",
            31,
            "Error: initializing source docker://registry.test/release/os:9: reading manifest 9 in \
             registry.test/release/os: unauthorized\nfailed to pull registry.test/release/os:9: access denied",
        ),
        (
            "end_base_image_unknown",
            32,
            "Error: initializing source docker://registry.test/release/os:9: reading manifest 9 in \
             registry.test/release/os: manifest unknown",
        ),
    ];
    for (name, code, output) in words {
        end(name, failed(&[exited("image-build", code, output)]), FAILED).await;
    }
}

#[tokio::test(start_paused = true)]
async fn failures_of_the_push_are_told_with_their_causes() {
    for (name, code, output) in [
        (
            "end_push_denied",
            41,
            "Error: writing blob: initiating layer upload: requested access to the resource is denied\nfailed to \
             push registry.test/org/os:rendered-worker-1: access denied",
        ),
        (
            "end_push_x509",
            42,
            "Error: trying to reuse blob: pinging container registry registry.test: tls: failed to verify certificate: \
             x509: certificate signed by unknown authority",
        ),
        (
            "end_push_immutable_tag",
            42,
            "Error: writing manifest: uploading manifest rendered-worker-1 to registry.test/org/os: denied: The image \
             tag 'rendered-worker-1' already exists and the repository is immutable",
        ),
    ] {
        let containers = [exited("image-build", 0, ""), exited("image-push", code, output)];
        end(name, failed(&containers), FAILED).await;
    }
}

#[tokio::test(start_paused = true)]
async fn failures_of_containers_are_told_with_the_setting_that_mends_them() {
    end("end_out_of_memory", failed(&[ended("image-build", 137, "OOMKilled", "")]), FAILED).await;
    let cannot = "exec: \"/bin/bash\": stat /bin/bash: no such file or directory";
    end("end_container_cannot_run", failed(&[ended("image-build", 127, "ContainerCannotRun", cannot)]), FAILED).await;
    let late = json!({
        "phase": "Failed", "reason": "DeadlineExceeded",
        "message": "Pod was active on the node longer than the specified deadline",
        "containerStatuses": [exited("image-build", 143, "STEP 7/9: RUN sleep infinity")],
    });
    end("end_deadline", late, FAILED).await;
    let init = json!({
        "phase": "Failed",
        "initContainerStatuses": [ended("vault-agent-init", 1, "Error", "permission denied on kv/build")],
        "containerStatuses": [waiting("image-build", "PodInitializing")],
    });
    end("end_init_container", init, FAILED).await;
    end("end_bare_failure", json!({"phase": "Failed"}), FAILED).await;
}

#[tokio::test(start_paused = true)]
async fn losses_are_told_with_their_causes() {
    let no_host = "Error: pinging container registry registry.test: dial tcp: lookup registry.test: no such host\nfailed \
                   to push registry.test/org/os:rendered-worker-1: gave up after 5 tries";
    end("end_push_outage", failed(&[exited("image-build", 0, ""), exited("image-push", 40, no_host)]), RETRYING).await;
    let outage = "Error: initializing source docker://registry.test/release/os:9: pinging container registry \
                  registry.test: received unexpected HTTP status: 503 Service Unavailable";
    end("end_pull_outage", failed(&[exited("image-build", 30, outage)]), RETRYING).await;
    let full = "Error: committing container for step {Env:[PATH=/usr/bin API_TOKEN=tok3n]}: write /usr/lib/x: no space \
                left on device\nfailed to build the image";
    end("end_disk_full", failed(&[exited("image-build", 20, full)]), RETRYING).await;
    let refused = json!({
        "phase": "Failed", "reason": "OutOfcpu",
        "message": "Pod was rejected: Node did not have enough resource: cpu, requested: 4000, used: 3200, capacity: 3500",
    });
    end("end_kubelet_refused", refused, RETRYING).await;
    let evicted = json!({
        "phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: ephemeral-storage.",
    });
    end("end_evicted", evicted, RETRYING).await;
    let unknown = ended(
        "image-build",
        137,
        "ContainerStatusUnknown",
        "The container could not be located when the pod was terminated",
    );
    end("end_container_unknown", failed(&[unknown]), RETRYING).await;
}

#[tokio::test(start_paused = true)]
async fn a_build_that_is_deleted_by_hand_is_told() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.delete(Kind::Pod, POD).await;
    cluster.shows("worker", "BuildPending", "BuildRetrying").await;
    is_golden("end_deleted_by_hand", &seen(&cluster).await);
}

#[tokio::test(start_paused = true)]
async fn builds_that_never_start_are_told_with_what_they_wait_for() {
    let pull =
        json!({"reason": "ImagePullBackOff", "message": "Back-off pulling image \"quay.io/buildah/stable:nope\""});
    let place = json!({
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/6 nodes are available: 6 Insufficient memory.",
    });
    for (name, status) in [
        ("end_image_pull", json!({"containerStatuses": [{"name": "image-build", "state": {"waiting": pull}}]})),
        ("end_unschedulable", json!({"conditions": [place]})),
    ] {
        let (cluster, _daemon) = Cluster::with_build().await;
        cluster.set_pod(POD, status).await;
        cluster.rest(Duration::from_secs(610)).await;
        cluster.shows("worker", "BuildPending", "BuildRetrying").await;
        is_golden(name, &seen(&cluster).await);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_loss_tells_the_causes_of_all_and_keeps_its_pod() {
    let (cluster, _daemon) = Cluster::with_pool().await;
    for n in 1..=3 {
        cluster.exists(Kind::Pod, POD).await;
        cluster.shows("worker", "BuildPending", "BuildPending").await;
        exit(
            &cluster,
            40,
            &format!(
                "Error: writing blob: connection reset by peer, number {n}\nfailed to push x: gave up after 5 tries"
            ),
        )
        .await;
        if n < 3 {
            cluster.shows("worker", "BuildPending", "BuildRetrying").await;
            cluster.is_gone(Kind::Pod, POD).await;
        }
    }
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    cluster.rest(Duration::from_secs(600)).await;
    is_golden("end_lost_for_the_last_time", &seen(&cluster).await);
    assert!(cluster.get(Kind::Pod, POD).await.is_some(), "the pod of the last attempt is kept");
}

#[tokio::test(start_paused = true)]
async fn refusals_of_the_api_server_are_told_in_its_words() {
    let policy =
        Refusal::Policy { policy: "signed".into(), binding: "all".into(), message: "images must be signed".into() };
    for (name, refusal) in [
        ("end_refused_by_quota", Refusal::quota("builds", 5)),
        ("end_refused_by_pod_security", Refusal::pod_security("restricted", "image-build")),
        ("end_refused_by_policy", policy),
        ("end_refused_as_a_webhook_is_down", Refusal::webhook_down("policy.example.com", "policy.ns")),
    ] {
        let cluster = Cluster::new().await;
        let admitter = move |request: &AdmissionRequest<'_>| (request.resource == "pods").then(|| refusal.clone());
        cluster.server.set_admission(Some(Arc::new(admitter)));
        let _daemon = cluster.daemon_with_pool().await;
        cluster.rest(Duration::from_secs(15)).await;
        is_golden(name, &seen(&cluster).await);
        if name == "end_refused_as_a_webhook_is_down" {
            cluster.rest(Duration::from_secs(660)).await;
            is_golden("end_refused_past_the_deadline", &seen(&cluster).await);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_earlier_pod_that_a_finalizer_holds_is_told() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.merge(Kind::Pod, POD, json!({"metadata": {"finalizers": ["kueue.example.com/managed"]}})).await;
    cluster.roll_out("worker", "rendered-worker-2").await;
    cluster.rest(Duration::from_secs(120)).await;
    is_golden("end_held_by_a_finalizer", &seen(&cluster).await);
}
