//! The causes for which an object does not match a schema, in the words of the real server.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use super::super::meta::size;
use super::super::status::FieldError;
use super::keywords::{INT_OR_STRING, below, schema_of};

/// The causes in a Status for one error against `schema`.
pub(super) fn of(error: &ValidationError<'_>, schema: &Value) -> Vec<FieldError> {
    let pointer = error.instance_path().to_string();
    let (path, value) = (path(&pointer), error.instance());
    let body = |should: String| vec![FieldError::invalid(&path, value, &format!("{path} in body {should}"))];
    let whole = |what: &str| vec![FieldError::invalid(&path, value, &format!("{path:?} {what}"))];
    match error.kind() {
        Kind::Required { property } => {
            vec![FieldError::required(below(&path, property.as_str().unwrap_or_default()), "")]
        }
        Kind::Type { .. } => vec![FieldError::mistyped(&path, &expected(schema, &pointer), &type_of(value).into())],
        Kind::Format { format } => vec![FieldError::mistyped(&path, format, value)],
        Kind::Enum { options } => {
            let options = options.as_array().into_iter().flatten();
            vec![FieldError::unsupported(&path, value, options.filter(|option| !option.is_null()))]
        }
        Kind::MaxLength { limit } => vec![FieldError::too_long(&path, usize::try_from(*limit).unwrap_or(usize::MAX))],
        Kind::MaxItems { limit } => vec![FieldError::too_many(&path, size(value), *limit)],
        Kind::MaxProperties { limit } => vec![FieldError::too_many(&path, size(value), *limit)],
        Kind::MinLength { limit } => body(format!("should be at least {limit} chars long")),
        Kind::MinItems { limit } => body(format!("should have at least {limit} items")),
        Kind::MinProperties { limit } => body(format!("should have at least {limit} properties")),
        Kind::Minimum { limit } => body(format!("should be greater than or equal to {limit}")),
        Kind::Maximum { limit } => body(format!("should be less than or equal to {limit}")),
        Kind::ExclusiveMinimum { limit } => body(format!("should be greater than {limit}")),
        Kind::ExclusiveMaximum { limit } => body(format!("should be less than {limit}")),
        Kind::MultipleOf { multiple_of } => body(format!("should be a multiple of {multiple_of}")),
        Kind::Pattern { pattern } => body(format!("should match '{pattern}'")),
        Kind::AnyOf { .. } => whole("must validate at least one schema (anyOf)"),
        Kind::OneOfNotValid { .. } => whole("must validate one and only one schema (oneOf). Found none valid"),
        Kind::OneOfMultipleValid { .. } => {
            whole("must validate one and only one schema (oneOf). Found 2 valid alternatives")
        }
        Kind::Not { .. } => whole("must not validate the schema (not)"),
        _ => vec![FieldError::invalid(&path, value, &error.to_string())],
    }
}

/// `/spec/items/0/name` as `spec.items[0].name`.
fn path(pointer: &str) -> String {
    pointer.split('/').skip(1).fold(String::new(), |path, step| {
        let step = step.replace("~1", "/").replace("~0", "~");
        if step.bytes().all(|byte| byte.is_ascii_digit()) && !path.is_empty() {
            format!("{path}[{step}]")
        } else {
            below(&path, &step)
        }
    })
}

/// The type that a schema wants where a JSON pointer leads.
fn expected(schema: &Value, pointer: &str) -> String {
    let step = |schema, name| schema_of(schema, name).or_else(|| schema.get("items")).unwrap_or(&Value::Null);
    let schema = pointer.split('/').skip(1).fold(schema, step);
    match schema["type"].as_str() {
        _ if schema[INT_OR_STRING] == true => "integer,string".to_owned(),
        Some(own) => own.to_owned(),
        None => "another".to_owned(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Schema;
    use serde_json::json;

    #[test]
    fn a_cause_names_the_field_as_the_real_server_does() {
        let schema = Schema::new(&json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "list": {"type": "array", "items": {"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string"}, "size": {"type": "integer", "minimum": 1},
            }}},
            "port": {"x-kubernetes-int-or-string": true},
        }}}}));
        let object = json!({"spec": {"list": [{"size": 0}, {"name": 7}], "port": true}});
        let mut found: Vec<String> =
            schema.unwrap().faults(&object).iter().map(|cause| cause.text().replace(" in body", "")).collect();
        found.sort();
        let expected = [
            "spec.list[0].name: Required value",
            "spec.list[0].size: Invalid value: 0: spec.list[0].size should be greater than or equal to 1",
            "spec.list[1].name: Invalid value: \"integer\": spec.list[1].name must be of type string: \"integer\"",
            "spec.port: Invalid value: \"boolean\": spec.port must be of type integer,string: \"boolean\"",
        ];
        assert_eq!(found, expected);
    }
}
