//! Conversion of the schemas of definitions, which are OpenAPI's, to JSON schemas (draft 4, whose keywords they use).

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value, json};

use super::keywords::{EMBEDDED, INT_OR_STRING};

/// Keywords whose values are one schema, or say yes or no.
const SCHEMA: [&str; 3] = ["additionalProperties", "items", "not"];
/// Keywords whose values are lists of schemas.
const SCHEMAS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Keywords that mean the same in both.
const SAME: [&str; 14] = [
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "required",
];
/// Formats that the real server checks, of those that are known here.
const FORMATS: [&str; 6] = ["date", "date-time", "email", "ipv4", "ipv6", "uuid"];

/// The validator of a schema; the error if the schema is invalid.
pub(super) fn validator(schema: &Value) -> Result<Validator, String> {
    // Backtracking patterns could take exponential time; the real server does not support them either.
    jsonschema::options()
        .with_draft(Draft::Draft4)
        .with_pattern_options(PatternOptions::regex())
        .should_validate_formats(true)
        .build(&root(schema))
        .map_err(|error| error.to_string())
}

/// The JSON schema of a whole object. A definition cannot specify an object's types and metadata, so they are left out.
fn root(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.retain(|name, _| !matches!(name.as_str(), "apiVersion" | "kind" | "metadata"));
    }
    one(&schema)
}

fn one(schema: &Value) -> Value {
    let Some(fields) = schema.as_object() else { return schema.clone() };
    let mut result = Map::new();
    for (key, value) in fields {
        let converted = match key.as_str() {
            "properties" => {
                let properties = value.as_object().into_iter().flatten();
                Value::Object(properties.map(|(name, schema)| (name.clone(), one(schema))).collect())
            }
            key if SCHEMA.contains(&key) => one(value),
            key if SCHEMAS.contains(&key) => value.as_array().into_iter().flatten().map(one).collect(),
            key if SAME.contains(&key) => value.clone(),
            "format" if FORMATS.iter().any(|format| value == format) => value.clone(),
            _ => continue,
        };
        result.insert(key.clone(), converted);
    }
    if let Some(types) = types(schema) {
        result.insert("type".into(), types);
    }
    if let (true, Some(values)) = (is_nullable(schema), result.get_mut("enum").and_then(Value::as_array_mut)) {
        values.push(Value::Null);
    }
    if schema[EMBEDDED] == true {
        let required = result.entry("required").or_insert_with(|| json!([]));
        required.as_array_mut().into_iter().for_each(|names| names.extend([json!("apiVersion"), json!("kind")]));
    }
    Value::Object(result)
}

/// Whether a value may be null.
pub(super) fn is_nullable(schema: &Value) -> bool {
    schema["nullable"] == true
}

/// The types that a value may have.
fn types(schema: &Value) -> Option<Value> {
    let mut types = match schema.get("type") {
        _ if schema[INT_OR_STRING] == true => vec![json!("integer"), json!("string")],
        Some(Value::String(one)) if !one.is_empty() => vec![json!(one)],
        _ => return None,
    };
    if is_nullable(schema) {
        types.push(json!("null"));
    }
    Some(types.into())
}
