//! Discovery: the paths by which a client finds out which APIs are served.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::kinds::{BUILD, ResourceKind, SERVICE_ACCOUNT, Strategy};
use super::reviews::is_review;

/// The media type of aggregated discovery documents.
pub(super) const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// The verbs for objects of a kind.
fn verbs(kind: &ResourceKind) -> &'static [&'static str] {
    if is_review(kind) { &["create"] } else { &VERBS }
}

/// The answer to a request for `path`, if that is one of these paths.
pub(super) fn answer(kinds: &[&'static ResourceKind], path: &str) -> Option<Value> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["version"] => Some(json!({"major": "1", "minor": "36", "gitVersion": "v1.36.0", "platform": "linux/amd64"})),
        ["api"] => Some(json!({"kind": "APIVersions", "versions": ["v1"]})),
        ["apis"] => {
            let groups: Vec<Value> = groups(kinds).into_iter().filter_map(|name| group(kinds, name)).collect();
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

/// All groups at once, if `path` is where a client may ask for them.
pub(super) fn aggregated(kinds: &[&'static ResourceKind], path: &str) -> Option<Value> {
    let names = match path.trim_end_matches('/') {
        "/api" => vec![""],
        "/apis" => groups(kinds).into_iter().collect(),
        _ => return None,
    };
    let items: Vec<Value> = names.into_iter().map(|name| aggregated_group(kinds, name)).collect();
    Some(json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    }))
}

fn groups(kinds: &[&'static ResourceKind]) -> BTreeSet<&'static str> {
    kinds.iter().map(|kind| kind.group()).filter(|name| !name.is_empty()).collect()
}

/// The first kind of each API version of a group.
fn versions(kinds: &[&'static ResourceKind], group: &str) -> Vec<&'static ResourceKind> {
    let mut versions: Vec<&ResourceKind> = Vec::new();
    for kind in kinds.iter().filter(|kind| kind.group() == group) {
        if versions.iter().all(|known| known.api_version != kind.api_version) {
            versions.push(kind);
        }
    }
    versions
}

fn group(kinds: &[&'static ResourceKind], name: &str) -> Option<Value> {
    let version = |kind: &ResourceKind| json!({"groupVersion": kind.api_version, "version": kind.version()});
    let versions: Vec<Value> = versions(kinds, name).into_iter().map(version).collect();
    let preferred = versions.first().filter(|_| !name.is_empty())?.clone();
    Some(json!({"name": name, "versions": versions, "preferredVersion": preferred}))
}

fn resources(kinds: &[&'static ResourceKind], api_version: &str) -> Option<Value> {
    let resources: Vec<Value> =
        kinds.iter().filter(|kind| kind.api_version == api_version).flat_map(|kind| entries(kind)).collect();
    (!resources.is_empty()).then(
        || json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": resources}),
    )
}

/// The subresources of a kind: each with its name, the kind of its objects, and its verbs.
fn subresources(kind: &ResourceKind) -> Vec<(&'static str, &'static str, &'static [&'static str])> {
    let mut subresources: Vec<(_, _, &[_])> = Vec::new();
    if kind.status {
        subresources.push(("status", kind.name, &["get", "patch", "update"]));
    }
    if kind.rules == Strategy::Pod {
        subresources.push(("binding", "Binding", &["create"]));
        subresources.push(("log", kind.name, &["get"]));
    }
    if kind.name == SERVICE_ACCOUNT {
        subresources.push(("token", "TokenRequest", &["create"]));
    }
    subresources
}

/// Whether `kubectl get all` shows objects of this kind.
fn is_workload(kind: &ResourceKind) -> bool {
    kind.rules == Strategy::Pod || kind.name == BUILD
}

/// The entries of a kind: itself, and its subresources.
fn entries(kind: &ResourceKind) -> Vec<Value> {
    let mut itself = json!({
        "name": kind.plural, "singularName": kind.singular(), "namespaced": kind.namespaced, "kind": kind.name,
        "verbs": verbs(kind),
    });
    if !kind.short_names.is_empty() {
        itself["shortNames"] = json!(kind.short_names);
    }
    if is_workload(kind) {
        itself["categories"] = json!(["all"]);
    }
    let mut entries = vec![itself];
    entries.extend(subresources(kind).into_iter().map(|(name, kind_name, verbs)| {
        json!({
            "name": format!("{}/{name}", kind.plural), "singularName": "", "namespaced": kind.namespaced,
            "kind": kind_name, "verbs": verbs,
        })
    }));
    entries
}

fn aggregated_group(kinds: &[&'static ResourceKind], name: &str) -> Value {
    let versions = versions(kinds, name).into_iter().map(|version| {
        let of_version = kinds.iter().filter(|kind| kind.api_version == version.api_version);
        let resources: Vec<Value> = of_version.map(|kind| aggregated_kind(kind)).collect();
        json!({"version": version.version(), "resources": resources, "freshness": "Current"})
    });
    let metadata = if name.is_empty() { json!({}) } else { json!({"name": name}) };
    json!({"metadata": metadata, "versions": versions.collect::<Vec<_>>()})
}

fn aggregated_kind(kind: &ResourceKind) -> Value {
    // A subresource's kind, such as Binding, is listed in the group of its resource.
    let response = |name: &str| json!({"group": kind.group(), "version": kind.version(), "kind": name});
    let subresources = subresources(kind)
        .into_iter()
        .map(|(name, kind, verbs)| json!({"subresource": name, "responseKind": response(kind), "verbs": verbs}));
    let categories: &[&str] = if is_workload(kind) { &["all"] } else { &[] };
    json!({
        "categories": categories,
        "resource": kind.plural, "singularResource": kind.singular(), "shortNames": kind.short_names,
        "responseKind": response(kind.name), "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "verbs": verbs(kind), "subresources": subresources.collect::<Vec<_>>(),
    })
}
