//! What makes an object valid.

use serde_json::{Map, Value, json};

use super::kinds::{Kind, RBAC, Rules};
use super::status::Cause;
use super::{definition, meta};
use crate::api::labels;
use crate::api::limits::{ANNOTATIONS_BYTES_MAX, CONFIG_MAP_BYTES_MAX, NAME_BYTES_MAX};
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
const DATA_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
    'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const POD_SPEC: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
    `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
    tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// Everything that is wrong with `object` as it stands.
pub fn object(kind: &Kind, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    name(kind, object, &mut causes);
    labels(object, &mut causes);
    annotations(object, &mut causes);
    owners(object, &mut causes);
    match kind.rules {
        Rules::Pod => pod(object, &mut causes),
        Rules::ConfigMap | Rules::Secret => data(kind, object, &mut causes),
        Rules::Event => event(object, &mut causes),
        Rules::Definition => causes.extend(definition::faults(object)),
        Rules::Plain | Rules::Custom | Rules::Namespace => {}
    }
    causes
}

/// Everything that is wrong with `new` as what `old` becomes.
pub fn update(kind: &Kind, old: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = self::object(kind, new);
    if meta::is_being_deleted(old) && meta::finalizers(new).iter().any(|f| !meta::finalizers(old).contains(f)) {
        let why = "no new finalizers can be added if the object is being deleted";
        causes.push(Cause::forbidden("metadata.finalizers", why));
    }
    if kind.rules == Rules::Pod && fixed_spec(old) != fixed_spec(new) {
        causes.push(Cause::forbidden("spec", POD_SPEC));
    }
    causes
}

fn name(kind: &Kind, object: &Value, causes: &mut Vec<Cause>) {
    let name = meta::metadata(object, "name");
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else if name.len() > NAME_BYTES_MAX {
        let why = format!("must be no more than {NAME_BYTES_MAX} bytes");
        causes.push(Cause::invalid("metadata.name", &json!(name), &why));
    } else if kind.group() == RBAC {
        // Roles are called whatever fits into a path: `system:nodes` is one.
        if matches!(name, "." | "..") || name.contains(['/', '%']) {
            causes.push(Cause::invalid(
                "metadata.name",
                &json!(name),
                "may not be '.' or '..', nor contain '/' or '%'",
            ));
        }
    } else if !is_dns1123_subdomain(name) {
        causes.push(Cause::invalid("metadata.name", &json!(name), SUBDOMAIN));
    }
}

fn strings<'a>(object: &'a Value, field: &str) -> impl Iterator<Item = (&'a String, &'a str)> {
    let map = object["metadata"].get(field).and_then(Value::as_object);
    map.into_iter().flatten().map(|(key, value)| (key, value.as_str().unwrap_or_default()))
}

fn labels(object: &Value, causes: &mut Vec<Cause>) {
    for (key, value) in strings(object, "labels") {
        if !labels::is_label_key(key) {
            causes.push(Cause::invalid("metadata.labels", &json!(key), QUALIFIED_NAME));
        }
        if !labels::is_label_value(value) {
            causes.push(Cause::invalid("metadata.labels", &json!(value), LABEL_VALUE));
        }
    }
}

fn annotations(object: &Value, causes: &mut Vec<Cause>) {
    let mut bytes = 0;
    for (key, value) in strings(object, "annotations") {
        if !labels::is_annotation_key(key) {
            causes.push(Cause::invalid("metadata.annotations", &json!(key), QUALIFIED_NAME));
        }
        bytes += key.len() + value.len();
    }
    if bytes > ANNOTATIONS_BYTES_MAX {
        causes.push(Cause::too_long("metadata.annotations", ANNOTATIONS_BYTES_MAX));
    }
}

fn owners(object: &Value, causes: &mut Vec<Cause>) {
    let owners = object["metadata"].get("ownerReferences").and_then(Value::as_array);
    for (index, owner) in owners.into_iter().flatten().enumerate() {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if meta::text(owner, field).is_empty() {
                causes.push(Cause::required(format!("metadata.ownerReferences[{index}].{field}"), ""));
            }
        }
    }
}

fn pod(object: &Value, causes: &mut Vec<Cause>) {
    let containers = object.pointer("/spec/containers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if containers.is_empty() {
        causes.push(Cause::required("spec.containers", ""));
    }
    for (index, container) in containers.iter().enumerate() {
        for field in ["name", "image"] {
            if meta::text(container, field).is_empty() {
                causes.push(Cause::required(format!("spec.containers[{index}].{field}"), ""));
            }
        }
    }
}

/// A pod's spec, less what may change.
fn fixed_spec(pod: &Value) -> Value {
    let mut spec = pod["spec"].clone();
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("activeDeadlineSeconds");
        spec.remove("tolerations");
        for list in ["containers", "initContainers"] {
            let containers = spec.get_mut(list).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
                container.remove("image");
            }
        }
    }
    spec
}

fn data(kind: &Kind, object: &Value, causes: &mut Vec<Cause>) {
    let is_encoded = |field| kind.rules == Rules::Secret || field == "binaryData";
    let mut bytes = 0;
    for field in ["data", "binaryData"] {
        for (key, value) in object.get(field).and_then(Value::as_object).unwrap_or(&Map::new()) {
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            if key.is_empty() || !key.bytes().all(is_allowed) {
                causes.push(Cause::invalid(format!("{field}[{key}]"), &json!(key), DATA_KEY));
            }
            let value = value.as_str().unwrap_or_default();
            bytes += key.len() + if is_encoded(field) { decoded_len(value) } else { value.len() };
        }
    }
    if bytes > CONFIG_MAP_BYTES_MAX {
        causes.push(Cause::too_long("", CONFIG_MAP_BYTES_MAX));
    }
}

/// How many bytes a base64 text stands for.
fn decoded_len(text: &str) -> usize {
    text.trim_end_matches('=').len() * 3 / 4
}

fn event(object: &Value, causes: &mut Vec<Cause>) {
    let involved = object.pointer("/involvedObject/namespace").and_then(Value::as_str).unwrap_or_default();
    let namespace = meta::metadata(object, "namespace");
    // An Event about something that lives in no namespace lives in the default one.
    let expected = if involved.is_empty() { "default" } else { involved };
    if namespace != expected {
        let why = "does not match event.namespace";
        causes.push(Cause::invalid("involvedObject.namespace", &json!(involved), why));
    }
}
