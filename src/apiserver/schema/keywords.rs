//! The keywords of schemas, and the fields that they lead to.

use serde_json::Value;

/// Marks what keeps fields that its schema does not have.
pub(super) const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
/// Marks what is a whole object of some kind.
pub(super) const EMBEDDED: &str = "x-kubernetes-embedded-resource";
/// Marks what is either a number or a text.
pub(super) const INT_OR_STRING: &str = "x-kubernetes-int-or-string";

/// The schema of the field `name` of an object.
pub(super) fn schema_of<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    let additional = || schema.get("additionalProperties").filter(|schema| schema.is_object());
    schema["properties"].get(name).or_else(additional)
}

/// The path to a field below `path`.
pub(super) fn below(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}
