//! What any node does with a pod: it binds and removes it, and shows whether it is ready.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use crate::api::DEFAULT_NAMESPACE;

/// The node that pods are bound to.
pub(in crate::simulation) const NODE: &str = "local-node";

/// Gives a pod its node, where it has none.
pub(in crate::simulation) async fn bind(client: &Client, pod: &Pod) -> kube::Result<()> {
    if pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some()) {
        return Ok(());
    }
    bind_to(client, NODE, &pod.namespace().unwrap_or_default(), &pod.name_any()).await
}

/// Gives a pod this node.
pub(in crate::simulation) async fn bind_to(
    client: &Client,
    node: &str,
    namespace: &str,
    pod: &str,
) -> kube::Result<()> {
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    });
    let url = format!("/api/v1/namespaces/{namespace}/pods/{pod}/binding");
    let request = http::Request::post(url).body(binding.to_string().into_bytes());
    let _: Value = client.request(request.map_err(kube::Error::HttpError)?).await?;
    Ok(())
}

/// Removes a deleted pod whose containers have ended.
pub(in crate::simulation) async fn kill(client: &Client, pod: &Pod) {
    let params = DeleteParams {
        grace_period_seconds: Some(0),
        preconditions: Some(Preconditions { uid: pod.uid(), resource_version: None }),
        ..Default::default()
    };
    if let Err(error) = pods(client, pod).delete(&pod.name_any(), &params).await {
        tracing::debug!(%error, pod = pod.name_any(), "failed to end a pod");
    }
}

/// The pods of a pod's namespace.
fn pods(client: &Client, pod: &Pod) -> Api<Pod> {
    Api::namespaced(client.clone(), pod.namespace().as_deref().unwrap_or(DEFAULT_NAMESPACE))
}

/// Writes the status of a pod, if it is still the same one.
pub(in crate::simulation) async fn patch_status(client: &Client, pod: &Pod, status: Value) -> kube::Result<()> {
    let patch = Patch::Merge(json!({"metadata": {"uid": pod.uid()}, "status": status}));
    pods(client, pod).patch_status(&pod.name_any(), &PatchParams::default(), &patch).await.map(drop)
}

/// The conditions of a pod on a node.
pub(in crate::simulation) fn conditions(is_ready: bool, bound_at: Timestamp) -> Value {
    let (ready, now) = (if is_ready { "True" } else { "False" }, Timestamp::now());
    let condition = |kind: &str, status: &str, since: Timestamp| json!({"type": kind, "status": status, "lastTransitionTime": time(since)});
    json!([
        condition("PodScheduled", "True", bound_at),
        condition("Initialized", "True", bound_at),
        condition("ContainersReady", ready, now),
        condition("Ready", ready, now),
    ])
}

/// A time as objects have it.
pub(in crate::simulation) fn time(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}
