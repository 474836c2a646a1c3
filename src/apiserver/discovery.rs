//! What is served, and by whom: the paths by which a client finds its way.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::kinds::{Kind, Rules};

/// The answer to a request for `path`, if that is one of these paths.
pub fn answer(kinds: &[&'static Kind], path: &str) -> Option<Value> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["version"] => Some(json!({"major": "1", "minor": "36", "gitVersion": "v1.36.0", "platform": "linux/amd64"})),
        ["api"] => Some(json!({"kind": "APIVersions", "versions": ["v1"]})),
        ["apis"] => {
            let names: BTreeSet<&str> = kinds.iter().map(|kind| kind.group()).filter(|name| !name.is_empty()).collect();
            let groups: Vec<Value> = names.into_iter().filter_map(|name| group(kinds, name)).collect();
            Some(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
        }
        ["apis", name] => {
            let mut group = group(kinds, name)?;
            group["kind"] = "APIGroup".into();
            group["apiVersion"] = "v1".into();
            Some(group)
        }
        ["api", version] => resources(kinds, version),
        ["apis", name, version] => resources(kinds, &format!("{name}/{version}")),
        _ => None,
    }
}

fn group(kinds: &[&'static Kind], name: &str) -> Option<Value> {
    let kind = kinds.iter().find(|kind| kind.group() == name && !name.is_empty())?;
    let version = json!({"groupVersion": kind.api_version, "version": kind.version()});
    Some(json!({"name": name, "versions": [version], "preferredVersion": version}))
}

fn resources(kinds: &[&'static Kind], api_version: &str) -> Option<Value> {
    let resources: Vec<Value> =
        kinds.iter().filter(|kind| kind.api_version == api_version).flat_map(|kind| entries(kind)).collect();
    (!resources.is_empty()).then(
        || json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": resources}),
    )
}

/// The entries of a kind: itself, and its subresources.
fn entries(kind: &Kind) -> Vec<Value> {
    let verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    let entry = |suffix: &str, kind_name: &str, verbs: &[&str]| {
        json!({
            "name": format!("{}{suffix}", kind.plural), "singularName": if suffix.is_empty() { kind.name.to_lowercase() } else { String::new() },
            "namespaced": kind.namespaced, "kind": kind_name, "verbs": verbs,
        })
    };
    let mut entries = vec![entry("", kind.name, &verbs)];
    if kind.status {
        entries.push(entry("/status", kind.name, &["get", "patch", "update"]));
    }
    if kind.rules == Rules::Pod {
        entries.push(entry("/binding", "Binding", &["create"]));
    }
    entries
}
