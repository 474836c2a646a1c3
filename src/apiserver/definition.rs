//! CustomResourceDefinitions, and the kinds that they define.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::columns::{self, Column, Source};
use super::kinds::{ResourceKind, Strategy};
use super::meta::{items, text, texts, timestamp};
use super::schema::Schema;

/// Gives a new definition the status of one that is served.
pub(super) fn accept(definition: &mut Value, now: Timestamp) {
    let condition = |kind: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": "True", "lastTransitionTime": timestamp(now), "reason": reason, "message": message,
        })
    };
    let stored: Vec<&Value> =
        versions(definition).iter().filter(|version| version["storage"] == true).map(|v| &v["name"]).collect();
    let mut names = definition["spec"]["names"].clone();
    if names.is_object() && text(&names, "listKind").is_empty() {
        names["listKind"] = format!("{}List", text(&names, "kind")).into();
    }
    if names.is_object() && text(&names, "singular").is_empty() {
        names["singular"] = text(&names, "kind").to_lowercase().into();
    }
    let status = json!({
        "acceptedNames": names,
        "storedVersions": stored,
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
    });
    // One that is no object is refused a little later.
    if definition["spec"].is_object() {
        definition["spec"]["names"] = names;
    }
    definition["status"] = status;
}

/// The kinds that a definition defines: one for each version that is served, the one that is stored first.
pub(super) fn kinds(definition: &Value) -> Vec<&'static ResourceKind> {
    let mut served: Vec<&Value> = versions(definition).iter().filter(|version| version["served"] != false).collect();
    served.sort_by_key(|version| version["storage"] != true);
    served.into_iter().map(|version| interned(&definition["spec"], version)).collect()
}

/// The definition of a kind, in the one version that it has.
pub(super) fn of(kind: &ResourceKind) -> Value {
    let column = |column: &Column| match column.source {
        Source::Path(path) => Some(json!({"name": column.name, "type": column.kind, "jsonPath": path})),
        _ => None,
    };
    let mut version = json!({
        "name": kind.version(), "served": true, "storage": true,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
        // The name comes first, of itself.
        "additionalPrinterColumns": kind.columns.iter().skip(1).filter_map(column).collect::<Vec<_>>(),
    });
    if kind.status {
        version["subresources"] = json!({"status": {}});
    }
    json!({
        "metadata": {"name": kind.qualified(kind.plural)},
        "spec": {
            "group": kind.group(),
            "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
            "names": {
                "kind": kind.name, "plural": kind.plural, "singular": kind.singular(), "shortNames": kind.short_names,
            },
            "versions": [version],
        },
    })
}

/// The versions that a definition has.
pub(super) fn versions(definition: &Value) -> &[Value] {
    items(&definition["spec"], "versions")
}

fn kind(spec: &Value, version: &Value) -> ResourceKind {
    let names = &spec["names"];
    let short: Vec<&'static str> = texts(names, "shortNames").map(kept).collect();
    ResourceKind {
        name: kept(text(names, "kind")),
        api_version: kept(&format!("{}/{}", text(spec, "group"), text(version, "name"))),
        plural: kept(text(names, "plural")),
        singular: kept(text(names, "singular")),
        short_names: short.leak(),
        namespaced: text(spec, "scope") == "Namespaced",
        status: version["subresources"].get("status").is_some(),
        unconditional_update: false,
        create_on_update: false,
        rules: Strategy::Custom,
        fields: selectable(version).leak(),
        columns: printer_columns(version).leak(),
        schema: Schema::new(&version["schema"]["openAPIV3Schema"]).map(|schema| &*Box::leak(Box::new(schema))),
    }
}

/// The fields that a selector may name.
fn selectable(version: &Value) -> Vec<&'static str> {
    let given = items(version, "selectableFields").iter();
    given.map(|field| kept(text(field, "jsonPath").trim_start_matches('.'))).collect()
}

fn printer_columns(version: &Value) -> Vec<Column> {
    let Some(given) = version.get("additionalPrinterColumns").and_then(Value::as_array) else {
        return columns::PLAIN.to_vec();
    };
    let column = |given: &Value| Column {
        name: kept(text(given, "name")),
        kind: kept(text(given, "type")),
        description: kept(text(given, "description")),
        is_wide: given["priority"].as_i64().unwrap_or(0) > 0,
        source: Source::Path(kept(text(given, "jsonPath"))),
    };
    columns::PLAIN.iter().take(1).cloned().chain(given.iter().map(column)).collect()
}

/// `text`, for as long as the process lives: so long do the kinds of the built-in table.
fn kept(text: &str) -> &'static str {
    String::leak(text.to_owned())
}

/// The kind that one version of a definition defines, for as long as the process lives; the same one for the same
/// names, however often it is defined.
fn interned(spec: &Value, version: &Value) -> &'static ResourceKind {
    static KNOWN: Mutex<BTreeMap<String, &'static ResourceKind>> = Mutex::new(BTreeMap::new());
    let has_status = version["subresources"].get("status").is_some();
    let of = |field: &str| &version[field];
    let said = ["name", "additionalPrinterColumns", "selectableFields", "schema"].map(of);
    let key = json!([spec["group"], spec["names"], spec["scope"], has_status, said]).to_string();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(key).or_insert_with(|| Box::leak(Box::new(kind(spec, version))))
}
