//! Pruning and defaulting by a schema.

use serde_json::Value;

use super::convert::is_nullable;
use super::keywords::{EMBEDDED, PRESERVE, below, schema_of};

const TYPES_AND_METADATA: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Takes what the schema does not know from a whole object, and adds the paths to `unknown`.
pub(super) fn prune_root(schema: &Value, object: &mut Value, unknown: &mut Vec<String>) {
    prune(schema, object, true, "", unknown);
}

fn prune(schema: &Value, value: &mut Value, is_resource: bool, path: &str, unknown: &mut Vec<String>) {
    let is_resource = is_resource || schema[EMBEDDED] == true;
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                prune(&schema["items"], item, false, &format!("{path}[{index}]"), unknown);
            }
        }
        Value::Object(fields) => {
            let keeps = schema[PRESERVE] == true || schema["additionalProperties"] == true;
            fields.retain(|name, field| {
                if is_resource && TYPES_AND_METADATA.contains(&name.as_str()) {
                    return true;
                }
                let path = below(path, name);
                match schema_of(schema, name) {
                    Some(schema) => prune(schema, field, false, &path, unknown),
                    None if keeps => {}
                    None => {
                        unknown.push(path);
                        return false;
                    }
                }
                true
            });
        }
        _ => {}
    }
}

/// Fills in what is left out and has a default.
pub(super) fn set_defaults(schema: &Value, value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| set_defaults(&schema["items"], item)),
        Value::Object(fields) => {
            // A null where there may be none is as good as nothing.
            fields.retain(|name, field| !field.is_null() || schema_of(schema, name).is_none_or(is_nullable));
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                if let Some(default) = property.get("default").filter(|_| !fields.contains_key(name)) {
                    fields.insert(name.clone(), default.clone());
                }
            }
            for (name, field) in fields {
                if let Some(schema) = schema_of(schema, name) {
                    set_defaults(schema, field);
                }
            }
        }
        _ => {}
    }
}
