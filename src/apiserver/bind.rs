//! Giving a pod its node: the `binding` subresource.

use k8s_openapi::api::core::v1::Binding;
use serde::Deserialize;
use serde_json::{Value, json};

use super::context::WriteContext;
use super::meta;
use super::status::{FieldError, StatusError};
use super::store::Store;

/// Sets the node of the pod that `place` names to the target of `binding`, and gives the `Status` that says so.
pub(super) fn bind(store: &mut Store, place: &WriteContext<'_>, binding: &Value) -> Result<Value, StatusError> {
    let pod = place.find(store)?;
    let binding = Binding::deserialize(binding).map_err(|error| StatusError::bad_request(error.to_string()))?;
    let node = binding.target.name.unwrap_or_default();
    if node.is_empty() {
        return Err(StatusError::invalid(place.kind, place.name, &[FieldError::required("target.name", "")]));
    }
    let refuse = |why: &str| Err(StatusError::conflict(place.kind, place.name, &format!("pod {} {why}", place.name)));
    if meta::is_being_deleted(&pod.value) {
        return refuse("is being deleted, cannot be assigned to a host");
    }
    let assigned = meta::text(&pod.value["spec"], "nodeName");
    if !assigned.is_empty() {
        return refuse(&format!("is already assigned to node {assigned:?}"));
    }
    let mut bound = pod.value.clone();
    bound["spec"]["nodeName"] = node.into();
    let condition = json!({"type": "PodScheduled", "status": "True", "lastTransitionTime": meta::timestamp(place.now)});
    match bound["status"].get_mut("conditions").and_then(Value::as_array_mut) {
        Some(conditions) => {
            conditions.retain(|condition| meta::text(condition, "type") != "PodScheduled");
            conditions.push(condition);
        }
        None => bound["status"]["conditions"] = json!([condition]),
    }
    if !place.dry_run {
        store.put(place.collection, place.key(), bound);
    }
    Ok(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
}
