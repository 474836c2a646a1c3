//! CustomResourceDefinitions.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::definition::versions;
use super::super::meta::{metadata, text};
use super::super::schema;
use super::super::status::FieldError;
use super::metadata::{LABEL_BYTES_MAX, SUBDOMAIN};
use crate::api::names::is_dns1123_subdomain;

const LABEL: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
    character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is \
    '[a-z]([-a-z0-9]*[a-z0-9])?')";

/// Adds what is wrong with a definition.
pub(super) fn object(definition: &Value, causes: &mut Vec<FieldError>) {
    let (spec, names) = (&definition["spec"], &definition["spec"]["names"]);
    group(text(spec, "group"), causes);
    for field in ["plural", "kind"] {
        if text(names, field).is_empty() {
            causes.push(FieldError::required(format!("spec.names.{field}"), ""));
        }
    }
    if !matches!(text(spec, "scope"), "Cluster" | "Namespaced") {
        let scopes = [json!("Cluster"), json!("Namespaced")];
        causes.push(FieldError::unsupported("spec.scope", &json!(text(spec, "scope")), &scopes));
    }
    // These are parts of paths, and are written into documents as they are.
    for field in ["plural", "singular", "kind", "listKind"] {
        label(&format!("spec.names.{field}"), text(names, field), field.to_lowercase().ends_with("kind"), causes);
    }
    for (index, name) in names["shortNames"].as_array().into_iter().flatten().enumerate() {
        label(&format!("spec.names.shortNames[{index}]"), name.as_str().unwrap_or_default(), false, causes);
    }
    causes.extend(version_faults(definition));
    causes.extend(schema_faults(versions(definition)));
    let (name, expected) = (metadata(definition, "name"), format!("{}.{}", text(names, "plural"), text(spec, "group")));
    if name != expected {
        let why = "must be spec.names.plural+\".\"+spec.group";
        causes.push(FieldError::invalid("metadata.name", &json!(name), why));
    }
}

/// Adds what may not change from `old` to `new`: what says where the objects that are there are, and what they are.
pub(super) fn update(old: &Value, new: &Value, causes: &mut Vec<FieldError>) {
    for pointer in ["/spec/scope", "/spec/names/kind", "/spec/group", "/spec/names/plural"] {
        let value = new.pointer(pointer).unwrap_or(&Value::Null);
        if old.pointer(pointer) != Some(value) {
            causes.push(FieldError::invalid(pointer[1..].replace('/', "."), value, "field is immutable"));
        }
    }
}

fn group(group: &str, causes: &mut Vec<FieldError>) {
    let why = match group {
        "" => return causes.push(FieldError::required("spec.group", "")),
        _ if !is_dns1123_subdomain(group) => SUBDOMAIN,
        _ if !group.contains('.') => "should be a domain with at least one dot",
        _ => return,
    };
    causes.push(FieldError::invalid("spec.group", &json!(group), why));
}

/// Adds what is wrong with a name that has to be a label, if it is there.
fn label(field: &str, name: &str, is_mixed: bool, causes: &mut Vec<FieldError>) {
    let lower = if is_mixed { name.to_ascii_lowercase() } else { name.to_owned() };
    let is_label = lower.starts_with(|first: char| first.is_ascii_lowercase())
        && !lower.contains('.')
        && is_dns1123_subdomain(&lower)
        && name.len() <= LABEL_BYTES_MAX;
    if !name.is_empty() && !is_label {
        let mixed = format!("may have mixed case, but should otherwise match: {LABEL}");
        causes.push(FieldError::invalid(field, &json!(name), if is_mixed { &mixed } else { LABEL }));
    }
}

fn version_faults(definition: &Value) -> Vec<FieldError> {
    let (all, mut causes) = (&definition["spec"]["versions"], Vec::new());
    let stored = versions(definition).iter().filter(|version| version["storage"] == true).count();
    if stored != 1 {
        let why = "must have exactly one version marked as storage version";
        causes.push(FieldError::invalid("spec.versions", all, why));
    }
    let mut names = BTreeSet::new();
    for (index, version) in versions(definition).iter().enumerate() {
        let (field, name) = (format!("spec.versions[{index}].name"), text(version, "name"));
        label(&field, name, false, &mut causes);
        if name.is_empty() {
            causes.push(FieldError::required(field, ""));
        } else if !names.insert(name) {
            causes.push(FieldError::invalid("spec.versions", all, "must contain unique version names"));
        }
    }
    causes
}

/// All errors of the schemas. The errors of a schema that all versions share are reported once, as the definition's.
fn schema_faults(versions: &[Value]) -> Vec<FieldError> {
    let schemas: Vec<&Value> = versions.iter().map(|version| &version["schema"]["openAPIV3Schema"]).collect();
    if let [first, rest @ ..] = schemas.as_slice()
        && first.is_object()
        && rest.iter().all(|other| other == first)
    {
        return schema::faults(first, "spec.validation.openAPIV3Schema");
    }
    let place = |index: usize| format!("spec.versions[{index}].schema.openAPIV3Schema");
    let faults = |(index, schema): (usize, &&Value)| match schema {
        Value::Null => vec![FieldError::required(place(index), "schemas are required")],
        schema => schema::faults(schema, &place(index)),
    };
    schemas.iter().enumerate().flat_map(faults).collect()
}
