//! Finalizers, and what else holds back an object that is being deleted.

use serde_json::{Value, json};

use super::meta;

/// The finalizer of an object that is deleted after its blocking dependents.
pub(super) const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer that keeps a definition until all objects of its kind are gone.
pub(super) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Holds `object` back by a finalizer.
pub(super) fn hold(object: &mut Value, finalizer: &str) {
    let finalizers = &mut object["metadata"]["finalizers"];
    match finalizers.as_array_mut() {
        Some(finalizers) if finalizers.contains(&json!(finalizer)) => {}
        Some(finalizers) => finalizers.push(finalizer.into()),
        None => *finalizers = json!([finalizer]),
    }
}

/// No longer holds `object` back by a finalizer.
pub(super) fn release(object: &mut Value, finalizer: &str) {
    let finalizers = object["metadata"]["finalizers"].as_array_mut();
    finalizers.into_iter().for_each(|finalizers| finalizers.retain(|one| one != finalizer));
}

/// Whether nothing holds back an object that is being deleted.
pub(super) fn is_over(object: &Value) -> bool {
    let is_full_namespace = object["kind"] == "Namespace" && object["spec"].get("finalizers").is_some();
    meta::is_being_deleted(object)
        && meta::finalizers(object).is_empty()
        && !is_full_namespace
        && object["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) == 0
}

/// Whether the object is deleted after its blocking dependents.
pub(super) fn waits_for_dependents(object: &Value) -> bool {
    meta::finalizers(object).iter().any(|finalizer| finalizer == FOREGROUND)
}
