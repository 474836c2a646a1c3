//! kube's own client, over TLS.

use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::api::{Api, DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::wait::{await_condition, conditions};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::processes::{Cluster, PATIENCE};

const NAMESPACE: &str = "openshift-machine-config-operator";

fn pod(name: &str, labels: &Value) -> Pod {
    serde_json::from_value(json!({
        "metadata": {"name": name, "labels": labels},
        "spec": {"restartPolicy": "Never", "containers": [
            {"name": "image-build", "image": "i", "env": [{"name": "FINAL_IMAGE", "value": "registry.local/os:r"}]},
            {"name": "wait-for-done", "image": "i"},
        ], "volumes": [{"name": "machineconfig", "configMap": {"name": "mc-r"}}]},
    }))
    .unwrap()
}

/// The objects that a build pod needs.
async fn make_inputs(client: &kube::Client) {
    let gvk = GroupVersionKind::gvk("machineconfiguration.openshift.io", "v1", "MachineConfig");
    let configs: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&gvk));
    let config = serde_json::from_value(json!({"metadata": {"name": "rendered-r"}, "spec": {}})).unwrap();
    let config = configs.create(&PostParams::default(), &config).await.unwrap();
    let payload =
        machine_os_builder::reconcile::objects::payload::Payload::encode(&serde_json::to_value(config).unwrap())
            .unwrap();
    let map = json!({"metadata": {"name": "mc-r"}, "data": {"machineconfig.json.gz": payload.as_str()}});
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), NAMESPACE);
    maps.create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
}

async fn exit_of_a_build(arguments: &[&str]) -> (String, i32, String) {
    let cluster = Cluster::start(arguments);
    let client = cluster.client().await;
    make_inputs(&client).await;
    let pods: Api<Pod> = Api::namespaced(client, NAMESPACE);
    let labels = json!({"machineconfiguration.openshift.io/buildPod": ""});
    pods.create(&PostParams::default(), &pod("build-r", &labels)).await.unwrap();
    let over = |pod: Option<&Pod>| {
        let phase = pod.and_then(|pod| pod.status.as_ref()?.phase.as_deref());
        matches!(phase, Some("Succeeded" | "Failed"))
    };
    let ended = timeout(PATIENCE, await_condition(pods.clone(), "build-r", over)).await.unwrap().unwrap().unwrap();
    assert_eq!(ended.spec.unwrap().node_name.as_deref(), Some("local-node"));
    let status = ended.status.unwrap();
    let state = status.container_statuses.unwrap().remove(0).state.unwrap().terminated.unwrap();
    let params = LogParams { container: Some("image-build".into()), ..LogParams::default() };
    let log = pods.logs("build-r", &params).await.unwrap();
    assert!(log.lines().count() >= 3, "{log}");
    let last = pods.logs("build-r", &LogParams { tail_lines: Some(1), ..params }).await.unwrap();
    assert_eq!(Some(last.trim_end()), log.lines().last());
    (status.phase.unwrap(), state.exit_code, state.message.unwrap_or_default())
}

#[tokio::test]
async fn a_build_ends_with_a_digest() {
    let (phase, code, message) = exit_of_a_build(&["--build-duration", "100ms"]).await;
    assert_eq!((phase.as_str(), code), ("Succeeded", 0));
    assert!(message.starts_with("sha256:"), "{message}");
}

#[tokio::test]
async fn a_build_that_fails_exits_with_twenty() {
    let (phase, code, _) = exit_of_a_build(&["--build-duration", "100ms", "--fail-rate", "1"]).await;
    assert_eq!((phase.as_str(), code), ("Failed", 20));
}

#[tokio::test]
async fn a_pod_that_is_no_build_runs_until_it_is_deleted() {
    let cluster = Cluster::start(&[]);
    let pods: Api<Pod> = Api::default_namespaced(cluster.client().await);
    pods.create(&PostParams::default(), &pod("p", &json!({}))).await.unwrap();
    timeout(PATIENCE, await_condition(pods.clone(), "p", conditions::is_pod_running())).await.unwrap().unwrap();
    let uid = pods.get("p").await.unwrap().metadata.uid.unwrap();
    let marked = pods.delete("p", &DeleteParams::default()).await.unwrap().left().expect("it is given time to end");
    assert!(marked.metadata.deletion_timestamp.is_some());
    timeout(PATIENCE, await_condition(pods, "p", conditions::is_deleted(&uid))).await.unwrap().unwrap();
}

#[tokio::test]
async fn without_an_executor_a_pod_just_stands_there() {
    let cluster = Cluster::start(&["--executor", "none"]);
    let pods: Api<Pod> = Api::default_namespaced(cluster.client().await);
    pods.create(&PostParams::default(), &pod("p", &json!({}))).await.unwrap();
    let still = await_condition(pods, "p", |pod: Option<&Pod>| {
        pod.is_some_and(|pod| pod.spec.as_ref().unwrap().node_name.is_some())
    });
    assert!(timeout(std::time::Duration::from_secs(1), still).await.is_err());
}

#[tokio::test]
async fn objects_are_written_listed_and_watched() {
    let cluster = Cluster::start(&[]);
    let client = cluster.client().await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    assert_eq!(namespaces.list(&ListParams::default()).await.unwrap().items.len(), 3);
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let mut events = Box::pin(maps.watch(&WatchParams::default().labels("app=x"), "0").await.unwrap());
    let map = json!({"metadata": {"name": "a", "labels": {"app": "x"}}, "data": {"k": "v"}});
    maps.create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
    let patch = Patch::Merge(json!({"data": {"k": "w"}}));
    maps.patch("a", &PatchParams::default(), &patch).await.unwrap();
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        match timeout(PATIENCE, events.try_next()).await.unwrap().unwrap().unwrap() {
            WatchEvent::Added(map) => seen.push(("added", map.data.unwrap()["k"].clone())),
            WatchEvent::Modified(map) => seen.push(("modified", map.data.unwrap()["k"].clone())),
            WatchEvent::Deleted(map) => seen.push(("deleted", map.data.unwrap()["k"].clone())),
            _ => {}
        }
    }
    assert_eq!(seen, [("added", "v".into()), ("modified", "w".into()), ("deleted", "w".into())]);
}
