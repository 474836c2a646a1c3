//! The error of one field.

use serde_json::{Value, json};

/// One field's fault, as it stands in a Status's `details.causes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldError {
    reason: &'static str,
    field: String,
    message: String,
}

impl FieldError {
    /// The field's `value` is not allowed.
    pub(super) fn invalid(field: impl Into<String>, value: &Value, why: &str) -> Self {
        Self { reason: "FieldValueInvalid", field: field.into(), message: format!("Invalid value: {value}: {why}") }
    }

    /// The field has to be there.
    pub(super) fn required(field: impl Into<String>, why: &str) -> Self {
        let message = if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
        Self { reason: "FieldValueRequired", field: field.into(), message }
    }

    /// The field may not be written so.
    pub(super) fn forbidden(field: impl Into<String>, why: &str) -> Self {
        Self { reason: "FieldValueForbidden", field: field.into(), message: format!("Forbidden: {why}") }
    }

    /// The field's value is of a type that its schema does not have, which is said in place of the value, or is a text
    /// of another form.
    pub(super) fn mistyped(field: &str, expected: &str, value: &Value) -> Self {
        let message = format!("Invalid value: {value}: {field} in body must be of type {expected}: {value}");
        Self { reason: "FieldValueTypeInvalid", field: field.to_owned(), message }
    }

    /// The field's `value` is none of `options`.
    pub(super) fn unsupported<'a>(
        field: impl Into<String>,
        value: &Value,
        options: impl IntoIterator<Item = &'a Value>,
    ) -> Self {
        let options: Vec<String> = options.into_iter().map(Value::to_string).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", options.join(", "));
        Self { reason: "FieldValueNotSupported", field: field.into(), message }
    }

    /// The field's `value` is there already.
    pub(super) fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self { reason: "FieldValueDuplicate", field: field.into(), message: format!("Duplicate value: {value}") }
    }

    /// The field's `value` names what is not there.
    pub(super) fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Self { reason: "FieldValueNotFound", field: field.into(), message: format!("Not found: {value}") }
    }

    /// The field has more than `max` entries.
    pub(super) fn too_many(field: impl Into<String>, count: usize, max: u64) -> Self {
        let message = format!("Too many: {count}: must have at most {max} items");
        Self { reason: "FieldValueTooMany", field: field.into(), message }
    }

    /// The cause, as it stands in a Status.
    pub(super) fn json(&self) -> Value {
        json!({"reason": self.reason, "message": self.message, "field": self.field})
    }

    /// The field and what is wrong with it.
    pub(super) fn text(&self) -> String {
        format!("{}: {}", self.field, self.message)
    }

    /// The field holds more than `max` bytes.
    pub(super) fn too_long(field: impl Into<String>, max: usize) -> Self {
        let message = format!("Too long: may not be more than {max} bytes");
        Self { reason: "FieldValueTooLong", field: field.into(), message }
    }
}
