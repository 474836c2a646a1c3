//! Accessors of objects and their metadata, and the syntax of metadata.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// A string field of a JSON object; empty if it is not there.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a list in a JSON object; none if it is not there.
pub(super) fn items<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The texts in a list in a JSON object.
pub(super) fn texts<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a str> {
    items(value, field).iter().filter_map(Value::as_str)
}

/// The size of a list or of a map; 0 for what is neither.
pub(super) fn size(value: &Value) -> usize {
    value.as_object().map(Map::len).or_else(|| value.as_array().map(Vec::len)).unwrap_or_default()
}

/// `time` as Kubernetes writes it: in whole seconds.
pub(super) fn timestamp(time: Timestamp) -> Value {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string().into()
}

/// A string field of an object's metadata; empty if it is not there.
pub(super) fn metadata<'a>(object: &'a Value, field: &str) -> &'a str {
    text(&object["metadata"], field)
}

/// Whether the object is being deleted.
pub(super) fn is_being_deleted(object: &Value) -> bool {
    !metadata(object, "deletionTimestamp").is_empty()
}

/// The object's finalizers.
pub(super) fn finalizers(object: &Value) -> &[Value] {
    items(&object["metadata"], "finalizers")
}

/// The UIDs of the object's owners.
pub(super) fn owners(object: &Value) -> impl Iterator<Item = &str> {
    owner_references(object).iter().map(|owner| text(owner, "uid"))
}

/// The owner references of an object.
pub(super) fn owner_references(object: &Value) -> &[Value] {
    items(&object["metadata"], "ownerReferences")
}

/// Gives `object` metadata of the right types, without fields that are empty; else says what has the wrong type.
///
/// Typed objects do not tell an empty map from none, so neither is stored.
pub(super) fn normalize(object: &mut Value) -> Result<&mut Map<String, Value>, String> {
    let Some(object) = object.as_object_mut() else {
        return Err("the object is not a JSON object".to_owned());
    };
    let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if metadata.is_null() {
        *metadata = Value::Object(Map::new());
    }
    let Value::Object(metadata) = metadata else {
        return Err("metadata is not a JSON object".to_owned());
    };
    metadata.remove("managedFields");
    metadata.retain(|_, value| !is_empty(value));
    match metadata.iter().find(|(field, value)| !has_its_type(field, value)) {
        Some((field, _)) => Err(format!("metadata.{field} has the wrong type")),
        None => Ok(metadata),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn has_its_type(field: &str, value: &Value) -> bool {
    match field {
        "labels" | "annotations" => value.as_object().is_some_and(|map| map.values().all(Value::is_string)),
        "finalizers" => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
        "ownerReferences" => value.as_array().is_some_and(|list| list.iter().all(Value::is_object)),
        "generation" | "deletionGracePeriodSeconds" => value.is_i64(),
        "name" | "namespace" | "generateName" | "uid" | "resourceVersion" | "creationTimestamp"
        | "deletionTimestamp" => value.is_string(),
        _ => true,
    }
}
