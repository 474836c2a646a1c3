//! Objects, labels, annotations and fields of other owners, which the daemon must not change.

use serde_json::Value;

use super::event::{Event, object};
use super::model::{is_digest, is_labelled};
use crate::api::conditions::{BUILD_CONDITIONS, DEGRADED, reason};
use crate::api::keys;
use crate::api::pool::{field, is_build_reference};
use crate::simulation::checks::at_rest::Finding;

/// Writes of the daemon to objects or fields that it does not own.
pub(super) fn faults(event: &Event<'_>) -> Vec<Finding> {
    let is_allowed = match event.kind {
        "MachineConfigPool" => {
            event.before.is_some() && event.before.map(foreign_part) == event.after.map(foreign_part)
        }
        "Secret" => both(event, |object| has_label(object, keys::CANONICALIZED_SECRET)),
        // A build's digest may lack labels, so the daemon deletes it by name.
        "ConfigMap" if is_digest(&event.name) => event.after.is_none(),
        "Pod" | "Build" | "ConfigMap" => both(event, |value| object(value).is_some_and(|object| is_labelled(&object))),
        "Event" => event.before.is_none(),
        "Lease" => true,
        _ => false,
    };
    if is_allowed {
        return Vec::new();
    }
    let what = match (event.before, event.after) {
        (Some(before), Some(after)) if event.kind == "MachineConfigPool" => {
            format!("of what others wrote, {} became {}", foreign_part(before), foreign_part(after))
        }
        (None, _) => "is not the daemon's to make".to_owned(),
        (_, None) => "is not the daemon's to delete".to_owned(),
        _ => "is not the daemon's to write".to_owned(),
    };
    event.finding(what)
}

/// Whether a test holds for an object before and after, as far as it is there.
fn both(event: &Event<'_>, test: impl Fn(&Value) -> bool) -> bool {
    event.before.into_iter().chain(event.after).all(test)
}

fn has_label(object: &Value, key: &str) -> bool {
    object["metadata"]["labels"].get(key).is_some()
}

/// The parts of a pool that belong to other owners.
pub(super) fn foreign_part(pool: &Value) -> Value {
    let mut pool = pool.clone();
    if let Some(metadata) = pool["metadata"].as_object_mut() {
        // The API server writes these.
        for key in ["resourceVersion", "generation", "managedFields"] {
            metadata.remove(key);
        }
    }
    let own = [keys::NEWEST_IMAGE, keys::BUILD_RECORD, keys::REBUILD];
    if let Some(annotations) = pool.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.retain(|key, _| !own.contains(&key.as_str()));
    }
    if let Some(conditions) = pool.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
        conditions.retain(is_foreign_condition);
    }
    for half in ["spec", "status"] {
        let source = pool.pointer_mut(&format!("/{half}/configuration/source")).and_then(Value::as_array_mut);
        if let Some(source) = source {
            source.retain(|reference| !is_build_reference(reference));
        }
    }
    without_emptiness(pool)
}

/// `Degraded` may be raised by a build wherever it is not True, and is lowered where a build raised it.
fn is_foreign_condition(condition: &Value) -> bool {
    match field(condition, "type") {
        DEGRADED => field(condition, "status") == "True" && field(condition, "reason") != reason::BUILD_FAILED,
        type_ => !BUILD_CONDITIONS.contains(&type_),
    }
}

/// Objects and lists that were made to put something of the daemon's into them are not there to be lost.
pub(crate) fn without_emptiness(value: Value) -> Value {
    let is_empty = |v: &Value| v.is_null() || *v == Value::Array(vec![]) || v.as_object().is_some_and(|o| o.is_empty());
    match value {
        Value::Object(fields) => {
            fields.into_iter().map(|(k, v)| (k, without_emptiness(v))).filter(|(_, v)| !is_empty(v)).collect()
        }
        other => other,
    }
}
