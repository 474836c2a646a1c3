//! Objects, and what is in them.

use serde_json::{Value, json};

/// The text that a JSON pointer leads to; empty if there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn version(object: &Value) -> String {
    text(object, "/metadata/resourceVersion").to_owned()
}

pub(crate) fn uid(object: &Value) -> String {
    text(object, "/metadata/uid").to_owned()
}

/// The names of a list's items. A whole cluster puts a ConfigMap of its own into each namespace.
pub(crate) fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
    items.iter().map(|item| text(item, "/metadata/name")).filter(|name| *name != "kube-root-ca.crt").collect()
}

pub(crate) fn named(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

pub(crate) fn labelled(name: &str, label: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"app": label}}})
}

pub(crate) fn with_data(name: &str, data: Value) -> Value {
    json!({"metadata": {"name": name}, "data": data})
}

/// A pod that no scheduler takes.
pub(crate) fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {
        "schedulerName": "nobody", "automountServiceAccountToken": false,
        "containers": [{"name": "main", "image": "registry.example.com/none:1"}],
    }})
}

/// A pod on a node that is not there.
pub(crate) fn bound(name: &str) -> Value {
    let mut pod = pod(name);
    pod["spec"]["nodeName"] = "nowhere".into();
    pod
}

/// A reference to `owner`.
pub(crate) fn owned_by(name: &str, owners: &[(&Value, &str, &str)]) -> Value {
    let reference = |(owner, api_version, kind): &(&Value, &str, &str)| json!({"apiVersion": api_version, "kind": kind, "name": text(owner, "/metadata/name"), "uid": uid(owner)});
    let owners: Vec<Value> = owners.iter().map(reference).collect();
    json!({"metadata": {"name": name, "ownerReferences": owners}})
}
