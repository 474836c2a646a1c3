//! Validation of objects.

mod access;
mod data;
mod definition;
mod pod;

pub use data::reencode;
use serde_json::{Value, json};

use super::kinds::{RBAC, ResourceKind, Strategy};
use super::meta;
use super::status::FieldError;
use crate::api::labels;
use crate::api::limits::{ANNOTATIONS_BYTES_MAX, NAME_BYTES_MAX};
use crate::api::names::is_dns1123_subdomain;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
    and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const QUALIFIED_NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
    with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
    and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
    validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
    and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
/// Most that a DNS label has, in bytes.
const LABEL_BYTES_MAX: usize = 63;

/// Everything that is wrong with `object` as it stands.
pub fn object(kind: &ResourceKind, object: &Value) -> Vec<FieldError> {
    let mut causes = Vec::new();
    name(kind, object, &mut causes);
    labels(object, &mut causes);
    annotations(object, &mut causes);
    owners(object, &mut causes);
    finalizers(object, &mut causes);
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
pub fn update(kind: &ResourceKind, old: &Value, new: &Value) -> Vec<FieldError> {
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

fn name(kind: &ResourceKind, object: &Value, causes: &mut Vec<FieldError>) {
    let name = meta::metadata(object, "name");
    if name.is_empty() {
        causes.push(FieldError::required("metadata.name", "name or generateName is required"));
    } else if name.len() > NAME_BYTES_MAX {
        let why = format!("must be no more than {NAME_BYTES_MAX} bytes");
        causes.push(FieldError::invalid("metadata.name", &json!(name), &why));
    } else if kind.group() == RBAC {
        // Roles are called whatever fits into a path: `system:nodes` is one.
        if matches!(name, "." | "..") || name.contains(['/', '%']) {
            causes.push(FieldError::invalid(
                "metadata.name",
                &json!(name),
                "may not be '.' or '..', nor contain '/' or '%'",
            ));
        }
    } else if kind.rules == Strategy::Namespace {
        causes.extend(label_fault(name).map(|why| FieldError::invalid("metadata.name", &json!(name), why)));
    } else if !is_dns1123_subdomain(name) {
        causes.push(FieldError::invalid("metadata.name", &json!(name), SUBDOMAIN));
    }
}

/// The error of a name that must be a DNS label.
fn label_fault(name: &str) -> Option<&'static str> {
    match name.len() {
        ..=LABEL_BYTES_MAX if !name.contains('.') && is_dns1123_subdomain(name) => None,
        ..=LABEL_BYTES_MAX => Some(LABEL),
        _ => Some("must be no more than 63 bytes"),
    }
}

fn strings<'a>(object: &'a Value, field: &str) -> impl Iterator<Item = (&'a String, &'a str)> {
    let map = object["metadata"].get(field).and_then(Value::as_object);
    map.into_iter().flatten().map(|(key, value)| (key, value.as_str().unwrap_or_default()))
}

fn labels(object: &Value, causes: &mut Vec<FieldError>) {
    for (key, value) in strings(object, "labels") {
        if !labels::is_label_key(key) {
            causes.push(FieldError::invalid("metadata.labels", &json!(key), QUALIFIED_NAME));
        }
        if !labels::is_label_value(value) {
            causes.push(FieldError::invalid("metadata.labels", &json!(value), LABEL_VALUE));
        }
    }
}

fn annotations(object: &Value, causes: &mut Vec<FieldError>) {
    let mut bytes = 0;
    for (key, value) in strings(object, "annotations") {
        if !labels::is_annotation_key(key) {
            causes.push(FieldError::invalid("metadata.annotations", &json!(key), QUALIFIED_NAME));
        }
        bytes += key.len() + value.len();
    }
    if bytes > ANNOTATIONS_BYTES_MAX {
        causes.push(FieldError::too_long("metadata.annotations", ANNOTATIONS_BYTES_MAX));
    }
}

fn owners(object: &Value, causes: &mut Vec<FieldError>) {
    let owners = object["metadata"].get("ownerReferences").and_then(Value::as_array);
    let owners = owners.map_or(&[][..], Vec::as_slice);
    for owner in owners {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if meta::text(owner, field).is_empty() {
                let why = if field == "apiVersion" { "version must not be empty" } else { "must not be empty" };
                causes.push(FieldError::invalid(format!("metadata.ownerReferences.{field}"), &json!(""), why));
            }
        }
    }
    if owners.iter().filter(|owner| owner["controller"] == true).count() > 1 {
        let why = "Only one reference can have Controller set to true";
        causes.push(FieldError::invalid("metadata.ownerReferences", &json!(owners), why));
    }
}

fn finalizers(object: &Value, causes: &mut Vec<FieldError>) {
    for finalizer in meta::finalizers(object).iter().filter_map(Value::as_str) {
        if !labels::is_label_key(finalizer) {
            causes.push(FieldError::invalid("metadata.finalizers", &json!(finalizer), QUALIFIED_NAME));
        }
    }
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
