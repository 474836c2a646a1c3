//! The structural schemas of custom resources: pruning, defaulting, and validation.

mod causes;
mod convert;
mod fill;
mod keywords;
mod lists;
mod structure;

use jsonschema::Validator;
use serde_json::Value;

use super::status::FieldError;
use convert::validator;
use keywords::PRESERVE;
pub(super) use structure::faults;

/// The schema of one version of a custom resource.
#[derive(Debug)]
pub(super) struct Schema {
    value: Value,
    validator: Validator,
}

impl Schema {
    /// The schema that is written so in a definition; none if it lets everything pass, or cannot be used.
    pub(super) fn new(value: &Value) -> Option<Self> {
        let fields = value.as_object()?;
        // A schema that only preserves unknown fields needs no validator.
        let says_something = |key: &String| !matches!(key.as_str(), "type" | "description" | PRESERVE);
        if value[PRESERVE] == true && !fields.keys().any(says_something) {
            return None;
        }
        let validator = validator(value).ok()?;
        Some(Self { value: value.clone(), validator })
    }

    /// Takes from `object` what the schema does not know, fills in what it has a value for, and tells what was taken.
    pub(super) fn complete(&self, object: &mut Value) -> Vec<String> {
        let mut unknown = Vec::new();
        fill::prune_root(&self.value, object, &mut unknown);
        fill::set_defaults(&self.value, object);
        unknown
    }

    /// Everything that is wrong with `object`.
    pub(super) fn faults(&self, object: &Value) -> Vec<FieldError> {
        let mut causes: Vec<FieldError> =
            self.validator.iter_errors(object).flat_map(|error| causes::of(&error, &self.value)).collect();
        lists::duplicates(&self.value, object, "", &mut causes);
        causes
    }
}
