//! Validation of objects.

mod access;
mod data;
mod definition;
mod metadata;
mod pod;

pub(super) use data::reencode;
use serde_json::{Value, json};

use super::kinds::{RBAC, ResourceKind, Strategy};
use super::meta;
use super::status::FieldError;

/// Everything that is wrong with `object` as it stands.
pub(super) fn object(kind: &ResourceKind, object: &Value) -> Vec<FieldError> {
    let mut causes = Vec::new();
    metadata::object(kind, object, &mut causes);
    match kind.rules {
        Strategy::Pod => pod::object(object, &mut causes),
        Strategy::ConfigMap | Strategy::Secret => data::object(kind, object, &mut causes),
        Strategy::Event => event(object, &mut causes),
        Strategy::Definition => definition::object(object, &mut causes),
        Strategy::Custom => causes.extend(kind.schema.into_iter().flat_map(|schema| schema.faults(object))),
        Strategy::Plain if kind.group() == RBAC => access::object(kind.name, object, &mut causes),
        Strategy::Plain | Strategy::Namespace => {}
    }
    causes
}

/// Everything that is wrong with `new` as what `old` becomes.
pub(super) fn update(kind: &ResourceKind, old: &Value, new: &Value) -> Vec<FieldError> {
    let mut causes = self::object(kind, new);
    if meta::is_being_deleted(old) && meta::finalizers(new).iter().any(|f| !meta::finalizers(old).contains(f)) {
        let why = "no new finalizers can be added if the object is being deleted";
        causes.push(FieldError::forbidden("metadata.finalizers", why));
    }
    match kind.rules {
        Strategy::Pod => pod::update(old, new, &mut causes),
        Strategy::ConfigMap | Strategy::Secret => data::update(kind, old, new, &mut causes),
        Strategy::Plain if kind.group() == RBAC => access::update(old, new, &mut causes),
        Strategy::Definition => definition::update(old, new, &mut causes),
        // A field that violated the schema before the update may stay unchanged.
        Strategy::Custom => {
            let before = kind.schema.map(|schema| schema.faults(old)).unwrap_or_default();
            causes.retain(|cause| !before.contains(cause));
        }
        _ => {}
    }
    causes
}

fn event(object: &Value, causes: &mut Vec<FieldError>) {
    let involved = object.pointer("/involvedObject/namespace").and_then(Value::as_str).unwrap_or_default();
    let namespace = meta::metadata(object, "namespace");
    // An Event about something that lives in no namespace lives in the default one.
    let expected = if involved.is_empty() { "default" } else { involved };
    if namespace != expected {
        let why = "does not match event.namespace";
        causes.push(FieldError::invalid("involvedObject.namespace", &json!(involved), why));
    }
}
