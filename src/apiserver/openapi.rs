//! OpenAPI documents: they list the kinds, and specify no fields.
//!
//! `kubectl` reads them before it writes. Each schema preserves unknown fields, so `kubectl` rejects nothing by them.

use serde_json::{Map, Value, json};

use super::kinds::ResourceKind;

/// Where the document of version 2 is.
pub(super) const VERSION_2: &str = "/openapi/v2";
/// The media type of the version 2 document in protobuf, without a version of its own.
pub(super) const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// The version number in the document of version 2.
pub(super) const VERSION_2_SWAGGER: &str = "2.0";

/// The answer to a request for `path`, if that is one of these paths.
pub(super) fn answer(kinds: &[&'static ResourceKind], path: &str) -> Option<Value> {
    match path.trim_end_matches('/') {
        VERSION_2 => Some(json!({
            "swagger": VERSION_2_SWAGGER, "info": info(), "paths": {}, "definitions": schemas(kinds.iter().copied()),
        })),
        "/openapi/v3" => {
            let paths: Map<String, Value> = kinds
                .iter()
                .map(|kind| prefix(kind.api_version))
                .map(|prefix| (prefix.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{prefix}")})))
                .collect();
            Some(json!({ "paths": paths }))
        }
        path => {
            let wanted = path.strip_prefix("/openapi/v3/")?;
            let kinds: Vec<&ResourceKind> =
                kinds.iter().copied().filter(|kind| prefix(kind.api_version) == wanted).collect();
            (!kinds.is_empty()).then(|| group(&kinds))
        }
    }
}

fn info() -> Value {
    json!({"title": "Kubernetes", "version": "v1.36.0"})
}

/// Where the resources of an API version are: `api/v1` or `apis/group/version`.
fn prefix(api_version: &str) -> String {
    let root = if api_version.contains('/') { "apis" } else { "api" };
    format!("{root}/{api_version}")
}

/// The group, version and kind that identify a kind.
pub(super) fn identity(kind: &ResourceKind) -> Value {
    json!({"group": kind.group(), "version": kind.version(), "kind": kind.name})
}

fn schema_name(kind: &ResourceKind) -> String {
    let mut parts: Vec<&str> = kind.group().split('.').rev().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        parts.extend(["io", "k8s", "api", "core"]);
    }
    parts.extend([kind.version(), kind.name]);
    parts.join(".")
}

fn schemas<'a>(kinds: impl Iterator<Item = &'a ResourceKind>) -> Map<String, Value> {
    let schema = |kind: &ResourceKind| {
        json!({
            "type": "object", "x-kubernetes-preserve-unknown-fields": true,
            "x-kubernetes-group-version-kind": [identity(kind)],
        })
    };
    kinds.map(|kind| (schema_name(kind), schema(kind))).collect()
}

/// The document of one API version.
fn group(kinds: &[&ResourceKind]) -> Value {
    let paths: Map<String, Value> = kinds.iter().flat_map(|kind| paths(kind)).collect();
    json!({
        "openapi": "3.0.0", "info": info(), "paths": paths,
        "components": {"schemas": schemas(kinds.iter().copied())},
    })
}

fn collection_path(kind: &ResourceKind) -> String {
    let namespace = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
    format!("/{}{namespace}/{}", prefix(kind.api_version), kind.plural)
}

/// The path of a kind's objects.
pub(super) fn object_path(kind: &ResourceKind) -> String {
    format!("{}/{{name}}", collection_path(kind))
}

/// The paths of a kind, with the operations that write.
fn paths(kind: &ResourceKind) -> [(String, Value); 2] {
    let (collection, object) = (collection_path(kind), object_path(kind));
    let write = |action: &str, media_types: &[&str]| {
        let schema = json!({"schema": {"$ref": format!("#/components/schemas/{}", schema_name(kind))}});
        let content: Map<String, Value> =
            media_types.iter().map(|media_type| ((*media_type).to_owned(), schema.clone())).collect();
        let parameter =
            |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
        json!({
            "parameters": [parameter("dryRun"), parameter("fieldManager"), parameter("fieldValidation")],
            "requestBody": {"content": content},
            "responses": {"200": {"description": "OK", "content": {"application/json": schema}}},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": identity(kind),
        })
    };
    let bodies = ["application/json", "application/yaml"];
    let patches = ["application/json-patch+json", "application/merge-patch+json"];
    [
        (collection, json!({"post": write("post", &bodies)})),
        (object, json!({"put": write("put", &bodies), "patch": write("patch", &patches)})),
    ]
}
