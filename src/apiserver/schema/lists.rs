//! Lists with unique items: sets, and maps in the form of lists.

use serde_json::{Map, Value};

use super::super::meta::texts;
use super::super::status::FieldError;
use super::keywords::{below, schema_of};

/// Adds to `causes` what is in a list of `value` for the second time. `path` leads to `value`.
pub(super) fn duplicates(schema: &Value, value: &Value, path: &str, causes: &mut Vec<FieldError>) {
    match value {
        Value::Array(items) => {
            let identities: Vec<Value> = items.iter().map(|item| identity(schema, item)).collect();
            for (index, item) in items.iter().enumerate() {
                let identity = &identities[index];
                let path = format!("{path}[{index}]");
                if !identity.is_null() && identities[..index].contains(identity) {
                    causes.push(FieldError::duplicate(&path, identity));
                }
                duplicates(&schema["items"], item, &path, causes);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                if let Some(schema) = schema_of(schema, name) {
                    duplicates(schema, field, &below(path, name), causes);
                }
            }
        }
        _ => {}
    }
}

/// The key that identifies an item of a list; null if items need not be unique.
fn identity(schema: &Value, item: &Value) -> Value {
    match schema["x-kubernetes-list-type"].as_str() {
        Some("set") => item.clone(),
        Some("map") => {
            let keys = texts(schema, "x-kubernetes-list-map-keys");
            Value::Object(keys.map(|key| (key.to_owned(), item[key].clone())).collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}
