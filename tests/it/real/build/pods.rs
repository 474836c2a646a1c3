//! Pods that are not builds: the node carries out their specs.

use std::fs;

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{Api, DeleteParams, LogParams, PostParams};
use kube::runtime::wait::{await_condition, conditions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::world::{PATIENCE, POLL};
use crate::harness::processes::{Cluster, local_cluster, processes, until};
use crate::real::temporary_directory;

pub(super) struct Node {
    pub cluster: Cluster,
    pub pods: Api<Pod>,
    directory: TempDir,
}

impl Drop for Node {
    fn drop(&mut self) {
        // In good order: killed, it would leave what its pods have.
        if self.cluster.process.0.try_wait().unwrap().is_none() {
            self.cluster.process.end();
        }
    }
}

impl Node {
    pub(super) async fn new() -> Self {
        let directory = temporary_directory();
        let mut command = local_cluster();
        let cluster = Cluster::start_by(command.args(["--executor", "buildah"]).env("TMPDIR", directory.path()));
        let pods = Api::default_namespaced(cluster.client().await);
        Self { cluster, pods, directory }
    }

    pub(super) async fn create(&self, kind: &str, object: Value) {
        let url = format!("/api/v1/namespaces/default/{kind}");
        let request = http::Request::post(url).body(object.to_string().into_bytes()).unwrap();
        let _: Value = self.cluster.client().await.request(request).await.unwrap();
    }

    /// Runs a pod `p` with these fields in its spec besides.
    pub(super) async fn run(&self, containers: Value, more: Value) {
        let mut spec = json!({"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": containers});
        for (field, value) in more.as_object().unwrap() {
            spec[field] = value.clone();
        }
        let pod = serde_json::from_value(json!({"metadata": {"name": "p"}, "spec": spec})).unwrap();
        self.pods.create(&PostParams::default(), &pod).await.unwrap();
    }

    /// The status of the pod, once this holds of it.
    pub(super) async fn status(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        let status = |pod: Option<&Pod>| pod.and_then(|pod| serde_json::to_value(pod.status.as_ref()?).ok());
        let is_so = move |pod: Option<&Pod>| status(pod).is_some_and(|status| is_so(&status));
        let pod = timeout(PATIENCE, await_condition(self.pods.clone(), "p", is_so)).await.unwrap().unwrap();
        status(pod.as_ref()).unwrap()
    }

    pub(super) async fn log(&self, container: &str) -> String {
        let params = LogParams { container: Some(container.into()), ..Default::default() };
        self.pods.logs("p", &params).await.unwrap()
    }
}

pub(super) fn is_over(status: &Value) -> bool {
    status["phase"] == "Failed" || status["phase"] == "Succeeded"
}

fn end(status: &Value, container: usize) -> Value {
    let end = &status["containerStatuses"][container]["state"]["terminated"];
    json!([end["exitCode"], end["reason"], end["message"]])
}

#[tokio::test]
#[ignore = "needs root and buildah"]
async fn containers_see_what_their_pod_says_and_leave_word() {
    let node = Node::new().await;
    node.create("configmaps", json!({"metadata": {"name": "c"}, "data": {"a": "1", "b": "2"}})).await;
    node.create("secrets", json!({"metadata": {"name": "s"}, "stringData": {"k": "hidden"}})).await;
    let writer = "cat /c/x/y; stat -c %a /c/x/y; ! ls /c/b; echo $V; ! touch /c/z; cat /id/name; [[ -s /id/token ]]; \
        [[ $(ls /tmp) == done ]]; touch /usr/here; echo over > /tmp/done/f; echo said > /last";
    let reader = "until [[ -e /d/f ]]; do sleep 0.1; done; cat /d/f; echo to stderr >&2; exit 3";
    let containers = json!([
        {"name": "w", "image": "i", "command": ["/bin/bash", "-euc"], "args": [writer],
         "terminationMessagePath": "/last",
         "env": [{"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                 {"name": "V", "value": "$(S) $$(S) $(unknown)"}],
         "volumeMounts": [{"name": "c", "mountPath": "/c"}, {"name": "d", "mountPath": "/tmp/done"},
                          {"name": "id", "mountPath": "/id"}]},
        {"name": "r", "image": "i", "command": ["/bin/bash", "-c", reader],
         "terminationMessagePolicy": "FallbackToLogsOnError",
         "volumeMounts": [{"name": "d", "mountPath": "/d", "readOnly": true}]},
    ]);
    let volumes = json!([
        {"name": "c", "configMap": {"name": "c", "items": [{"key": "a", "path": "x/y", "mode": 0o440}]}},
        {"name": "d", "emptyDir": {"medium": "Memory"}},
        {"name": "id", "projected": {"sources": [
            {"serviceAccountToken": {"path": "token"}},
            {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        ]}},
    ]);
    node.run(containers, json!({"volumes": volumes})).await;
    let status = node.status(is_over).await;
    let log = node.log("w").await;
    assert_eq!(status["phase"], "Failed", "{log}");
    assert_eq!(end(&status, 0), json!([0, "Completed", "said\n"]), "{log}");
    assert_eq!(end(&status, 1), json!([3, "Error", "over\nto stderr"]));
    let lines: Vec<&str> = log.lines().filter(|line| !line.contains("ls:") && !line.contains("touch:")).collect();
    assert_eq!(lines, ["1440", "hidden $(S) $(unknown)", "p"]);
    assert!(!std::path::Path::new("/usr/here").exists(), "what a container writes goes with it");
}

#[tokio::test]
#[ignore = "needs root and buildah"]
async fn a_pod_waits_for_what_it_needs() {
    let node = Node::new().await;
    let container = json!([{"name": "m", "image": "i", "command": ["true"], "volumeMounts": []}]);
    node.run(
        container,
        json!({"volumes": [{"name": "v", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}]}}]}),
    )
    .await;
    let is_waiting_for = |what: &'static str| {
        move |status: &Value| {
            let waiting = &status["containerStatuses"][0]["state"]["waiting"];
            waiting["reason"] == "ContainerCreating"
                && waiting["message"].as_str().is_some_and(|why| why.contains(what))
        }
    };
    let status = node.status(is_waiting_for("secret \"s\" not found")).await;
    assert_eq!(status["phase"], "Pending");
    let events: Api<Event> = Api::default_namespaced(node.cluster.client().await);
    let events = events.list(&Default::default()).await.unwrap();
    assert!(events.iter().any(|event| event.reason.as_deref() == Some("FailedMount")));
    node.create("secrets", json!({"metadata": {"name": "s"}})).await;
    node.status(is_waiting_for("references non-existent secret key: k")).await;
    let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::default_namespaced(node.cluster.client().await);
    secrets.delete("s", &DeleteParams::default()).await.unwrap();
    node.create("secrets", json!({"metadata": {"name": "s"}, "stringData": {"k": "v"}})).await;
    assert_eq!(node.status(is_over).await["phase"], "Succeeded");
}

#[tokio::test]
#[ignore = "needs root and buildah"]
async fn a_pod_past_its_deadline_is_ended() {
    let node = Node::new().await;
    // Deaf to SIGTERM: killed, after the grace period.
    let container = json!([{"name": "m", "image": "i", "command": ["/bin/bash", "-c", "trap '' TERM; sleep 4242"]}]);
    node.run(container, json!({"activeDeadlineSeconds": 1})).await;
    let status = node.status(|status| end(status, 0)[0] == 137).await;
    assert_eq!((&status["phase"], &status["reason"]), (&json!("Failed"), &json!("DeadlineExceeded")));
}

#[tokio::test]
#[ignore = "needs root and buildah"]
async fn a_pod_that_is_deleted_is_told_to_end_first() {
    let node = Node::new().await;
    let script = "trap 'echo told; exit 7' TERM; echo ready; while true; do sleep 0.1; done";
    let container = json!([{"name": "m", "image": "i", "command": ["/bin/bash", "-c", script]}]);
    node.run(container, json!({"terminationGracePeriodSeconds": 3600})).await;
    while node.log("m").await != "ready\n" {
        sleep(POLL).await;
    }
    let pod = node.pods.delete("p", &DeleteParams::default()).await.unwrap().left().unwrap();
    let uid = pod.metadata.uid.unwrap();
    timeout(PATIENCE, await_condition(node.pods.clone(), "p", conditions::is_deleted(&uid))).await.unwrap().unwrap();
}

/// A node that runs a pod whose processes ignore SIGTERM.
async fn running(mark: &str) -> Node {
    let node = Node::new().await;
    let script = format!("trap '' TERM; sleep {mark} & echo ready; wait; wait");
    let container = json!([{"name": "m", "image": "i", "command": ["/bin/bash", "-c", script]}]);
    node.run(container, json!({"terminationGracePeriodSeconds": 3600})).await;
    while node.log("m").await != "ready\n" {
        sleep(POLL).await;
    }
    assert!(!processes(&format!("sleep {mark}")).is_empty());
    node
}

#[tokio::test]
#[ignore = "needs root and buildah"]
async fn nothing_of_a_pod_outlives_its_node() {
    let mut node = running("31415").await;
    assert_eq!(node.cluster.process.end(), Some(0));
    assert_eq!(processes("sleep 31415"), Vec::<String>::new());
    assert_eq!(fs::read_dir(node.directory.path()).unwrap().count(), 0);

    let mut killed = running("27182").await;
    let prefix = format!("local-node-{}-", killed.cluster.process.0.id());
    killed.cluster.process.0.kill().unwrap();
    killed.cluster.process.0.wait().unwrap();
    until("its processes are gone", || processes("sleep 27182").is_empty().then_some(()));
    // The next node removes the leftovers of killed ones.
    drop(Node::new().await);
    let left = fs::read_dir("/dev/shm").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| name.starts_with(&prefix)).count(), 0);
}
