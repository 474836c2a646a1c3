//! Settings from YAML: a file's, or a flag's.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use super::values::Settings;
use crate::reconcile::inputs::proxy::redacted;
use crate::yaml;

/// What a field has that is written without a value.
const NOTHING: &str = "null";

/// Why a file has no settings.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error("failed to read {0}")]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// It is no YAML, or there is something in it that is no setting.
    #[error("failed to read {0} as settings: {1}")]
    Malformed(PathBuf, String),
}

/// The settings in a file, unchecked.
///
/// # Errors
/// If there are none; what is wrong is told with its field and line.
pub fn read(path: &std::path::Path) -> Result<Settings, ReadError> {
    let text = std::fs::read_to_string(path).map_err(|error| ReadError::Unreadable(path.into(), error))?;
    parse(&text).map_err(|error| ReadError::Malformed(path.into(), error))
}

/// What a text says; the default if it says nothing.
///
/// # Errors
/// What is wrong with it, with its field, value and line.
pub fn parse<T: DeserializeOwned + Default>(text: &str) -> Result<T, String> {
    // Lines of the text are not quoted: there may be a proxy's password in one.
    let options = serde_saphyr::options! { with_snippet: false };
    let mut place = None;
    let read = serde_saphyr::with_deserializer_from_str_with_options(text, options, |deserializer| {
        serde_path_to_error::deserialize::<_, Option<T>>(deserializer).map_err(|error| {
            place = Some(error.path().clone());
            error.into_inner()
        })
    });
    read.map(Option::unwrap_or_default).map_err(|error| explain(text, place.as_ref(), &error))
}

fn explain(text: &str, place: Option<&Path>, error: &serde_saphyr::Error) -> String {
    if matches!(error, serde_saphyr::Error::MultipleDocuments { .. }) {
        return "there is more than one document in it".to_owned();
    }
    let line = error.location().map(|at| format!(" at line {}, column {}", at.line(), at.column())).unwrap_or_default();
    let error = error.to_string();
    let Some(place) = place.filter(|place| place.iter().all(|part| !matches!(part, Segment::Unknown))) else {
        return error;
    };
    let why = error.strip_suffix(&line).unwrap_or(&error);
    let is_told = |value: &String| why.contains(value.as_str()) || why.starts_with("unknown ");
    let what = match value_at(text, place) {
        Some(value) if value == NOTHING => {
            format!("{NOTHING} cannot be used; leave it out, or say \"\", {{}} or []{line}")
        }
        Some(value) if !is_told(&value) => format!("{value} cannot be used: {error}"),
        _ => error,
    };
    // At the top, there is no field to name.
    if place.iter().next().is_none() { what } else { format!("{place}: {what}") }
}

/// What stands at this place, fit to be shown.
fn value_at(text: &str, place: &Path) -> Option<String> {
    let document = yaml::parse(text).ok()?.into_iter().next()?;
    let value = place.iter().try_fold(&document, |value, part| match part {
        Segment::Map { key } => value.get(key),
        Segment::Seq { index } => value.get(index),
        _ => None,
    })?;
    Some(match value {
        Value::String(text) => format!("{:?}", redacted(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
        scalar => scalar.to_string(),
    })
}
