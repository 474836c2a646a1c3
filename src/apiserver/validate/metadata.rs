//! Names, labels and the like: what every object has.

use serde_json::{Value, json};

use super::super::kinds::{RBAC, ResourceKind, Strategy};
use super::super::meta;
use super::super::status::FieldError;
use crate::api::labels;
use crate::api::limits::{ANNOTATIONS_BYTES_MAX, NAME_BYTES_MAX};
use crate::api::names::is_dns1123_subdomain;

/// Why a name is not a DNS subdomain.
pub(super) const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \
    '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation \
    is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
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
pub(super) const LABEL_BYTES_MAX: usize = 63;

/// Adds what is wrong with the metadata of an object.
pub(super) fn object(kind: &ResourceKind, object: &Value, causes: &mut Vec<FieldError>) {
    name(kind, object, causes);
    labels(object, causes);
    annotations(object, causes);
    owners(object, causes);
    finalizers(object, causes);
}

/// The error of a name that must be a DNS label.
pub(super) fn label_fault(name: &str) -> Option<&'static str> {
    match name.len() {
        ..=LABEL_BYTES_MAX if !name.contains('.') && is_dns1123_subdomain(name) => None,
        ..=LABEL_BYTES_MAX => Some(LABEL),
        _ => Some("must be no more than 63 bytes"),
    }
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
            let why = "may not be '.' or '..', nor contain '/' or '%'";
            causes.push(FieldError::invalid("metadata.name", &json!(name), why));
        }
    } else if kind.rules == Strategy::Namespace {
        causes.extend(label_fault(name).map(|why| FieldError::invalid("metadata.name", &json!(name), why)));
    } else if !is_dns1123_subdomain(name) {
        causes.push(FieldError::invalid("metadata.name", &json!(name), SUBDOMAIN));
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
    let owners = meta::owner_references(object);
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
