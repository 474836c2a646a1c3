//! Fields that an update preserves from the stored object.

use serde_json::Value;

use super::kinds::{ResourceKind, Strategy};

/// `old` with the status of `new`; with its labels and the like too, where the kind is a built-in one.
pub(super) fn with_status_of(kind: &ResourceKind, old: &Value, mut new: Value) -> Value {
    let mut result = old.clone();
    set_or_remove(&mut result, "status", new.get("status"));
    if !kind.is_custom() {
        let owners = old["metadata"].get("ownerReferences");
        result["metadata"] = new["metadata"].take();
        set_or_remove(&mut result["metadata"], "ownerReferences", owners);
    }
    result
}

/// `new` with the status of `old`, where the status is a subresource, and with what else only the server changes.
pub(super) fn with_rest_of(kind: &ResourceKind, old: &Value, mut new: Value) -> Value {
    if kind.rules == Strategy::Namespace {
        set_or_remove(&mut new, "spec", old.get("spec"));
        new["metadata"]["labels"]["kubernetes.io/metadata.name"] = old["metadata"]["name"].clone();
    }
    if kind.status {
        set_or_remove(&mut new, "status", old.get("status"));
    }
    new
}

/// Takes what only the server sets from `old`.
pub(super) fn keep_system_fields(old: &Value, new: &mut Value) {
    const FIELDS: [&str; 7] = [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "generateName",
    ];
    for field in FIELDS {
        set_or_remove(&mut new["metadata"], field, old["metadata"].get(field));
    }
}

fn set_or_remove(object: &mut Value, field: &str, value: Option<&Value>) {
    let Some(object) = object.as_object_mut() else { return };
    match value {
        Some(value) => {
            object.insert(field.to_owned(), value.clone());
        }
        None => {
            object.remove(field);
        }
    }
}

/// Whether it is counted how often the spec of such an object was changed.
pub(super) fn counts_generations(kind: &ResourceKind) -> bool {
    matches!(kind.rules, Strategy::Custom | Strategy::Pod | Strategy::Definition)
}

/// Counts a change of anything but the metadata, and the status where that is apart.
pub(super) fn count_generation(kind: &ResourceKind, old: &Value, new: &mut Value) {
    let is_apart = kind.status || !kind.is_custom();
    let is_counted = |field: &str| field != "metadata" && !(is_apart && field == "status");
    let has_all_of = |one: &Value, other: &Value| {
        let fields = other.as_object().into_iter().flatten();
        fields.filter(|(field, _)| is_counted(field)).all(|(field, value)| one.get(field) == Some(value))
    };
    if counts_generations(kind) && !(has_all_of(old, new) && has_all_of(new, old)) {
        bump_generation(new);
    }
}

/// Counts one more generation of an object that counts them.
pub(super) fn bump_generation(object: &mut Value) {
    if let Some(generation) = object["metadata"]["generation"].as_i64() {
        object["metadata"]["generation"] = (generation + 1).into();
    }
}
