//! The rules for schemas in definitions: they must be structural, so that every field has one type.

use serde_json::Value;

use super::super::status::FieldError;
use super::convert::validator;
use super::keywords::{INT_OR_STRING, PRESERVE};

/// Everything that is wrong with `schema`, which is at `path` of a definition.
pub(crate) fn faults(schema: &Value, path: &str) -> Vec<FieldError> {
    let mut causes = Vec::new();
    if schema.get("type").is_none() {
        causes.push(FieldError::required(format!("{path}.type"), "must not be empty at the root"));
    } else if schema["type"] != "object" {
        causes.push(FieldError::invalid(format!("{path}.type"), &schema["type"], "must be object at the root"));
    }
    if schema[PRESERVE] != true && schema.get("properties").is_none() && schema.get("additionalProperties").is_none() {
        // An object of nothing: odd, and allowed.
        return causes;
    }
    fields(schema, path, &mut causes);
    if causes.is_empty()
        && let Err(why) = validator(schema)
    {
        causes.push(FieldError::invalid(path, &Value::from("schema"), &why));
    }
    causes
}

fn fields(schema: &Value, path: &str, causes: &mut Vec<FieldError>) {
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        typed(field, &format!("{path}.properties[{name}]"), "object fields", causes);
    }
    if let Some(items) = schema.get("items") {
        typed(items, &format!("{path}.items"), "array items", causes);
    } else if schema["type"] == "array" {
        causes.push(FieldError::required(format!("{path}.items"), "must be specified"));
    }
    if let Some(additional) = schema.get("additionalProperties").filter(|schema| schema.is_object()) {
        typed(additional, &format!("{path}.additionalProperties"), "object fields", causes);
    }
    if let Some(default) = schema.get("default") {
        let found = validator(schema).ok();
        if found.is_some_and(|validator| !validator.is_valid(default)) {
            causes.push(FieldError::invalid(format!("{path}.default"), default, "must be valid against the schema"));
        }
    }
}

fn typed(schema: &Value, path: &str, what: &str, causes: &mut Vec<FieldError>) {
    let is_typed = schema.get("type").is_some() || schema[INT_OR_STRING] == true || schema[PRESERVE] == true;
    if !is_typed {
        causes.push(FieldError::required(format!("{path}.type"), &format!("must not be empty for specified {what}")));
    }
    fields(schema, path, causes);
}
