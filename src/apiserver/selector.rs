//! Label and field selectors.

use serde_json::Value;

use super::kinds::ResourceKind;
use super::meta;
use super::status::StatusError;
use crate::api::labels::{is_label_key, is_label_value};

/// One condition on a label or a field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    /// There, with one of these values.
    In(Vec<String>),
    /// Not there, or with none of these values.
    NotIn(Vec<String>),
    /// There.
    Exists,
    /// Not there.
    Absent,
    /// There, with a number above this one.
    Above(i64),
    /// There, with a number below this one.
    Below(i64),
}

impl Test {
    fn passes(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::In(values) => value.is_some_and(|value| values.iter().any(|v| v == value)),
            Self::NotIn(values) => !value.is_some_and(|value| values.iter().any(|v| v == value)),
            Self::Exists => value.is_some(),
            Self::Absent => value.is_none(),
            Self::Above(least) => number().is_some_and(|number| number > *least),
            Self::Below(most) => number().is_some_and(|number| number < *most),
        }
    }
}

/// Which objects of a kind a request is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Only objects in this namespace.
    pub namespace: Option<String>,
    /// Only the object of this name.
    pub name: Option<String>,
    labels: Vec<(String, Test)>,
    fields: Vec<(String, Test)>,
}

impl Filter {
    /// The objects that both selectors, as they stand in a query, let pass.
    pub(super) fn parse(kind: &ResourceKind, labels: &str, fields: &str) -> Result<Self, StatusError> {
        let refuse = |why: String| {
            let resource = format!("{}, Resource={}", slashed(kind), kind.plural);
            StatusError::bad_request(format!(
                "Unable to find {resource:?} that match label selector {labels:?}, field selector {fields:?}: {why}"
            ))
        };
        let mut filter = Self { labels: parse_labels(labels).map_err(refuse)?, ..Self::default() };
        for (path, test) in parse_fields(fields).map_err(refuse)? {
            match (path.as_str(), test) {
                ("metadata.name", Test::In(values)) if filter.name.is_none() => filter.name = values.into_iter().next(),
                (_, test) if is_known(kind, &path) => filter.fields.push((path, test)),
                _ => return Err(refuse(unknown_field(kind, &path))),
            }
        }
        Ok(filter)
    }

    /// Whether a selector was given, be it only for a name.
    pub(super) fn selects(&self) -> bool {
        self.name.is_some() || !self.labels.is_empty() || !self.fields.is_empty()
    }

    /// Whether `object` is one of those.
    pub(super) fn passes(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let is =
            |field: &str, wanted: &Option<String>| wanted.as_ref().is_none_or(|v| meta::text(metadata, field) == v);
        is("namespace", &self.namespace)
            && is("name", &self.name)
            && self.labels.iter().all(|(key, test)| test.passes(metadata["labels"].get(key).and_then(Value::as_str)))
            && self.fields.iter().all(|(path, test)| {
                let value = path.split('.').try_fold(object, |value, key| value.get(key));
                // A field that is absent reads as empty: so do the server's typed objects.
                test.passes(Some(value.and_then(Value::as_str).unwrap_or_default()))
            })
    }
}

fn slashed(kind: &ResourceKind) -> String {
    if kind.group().is_empty() { format!("/{}", kind.api_version) } else { kind.api_version.to_owned() }
}

fn is_known(kind: &ResourceKind, path: &str) -> bool {
    path == "metadata.name" || path == "metadata.namespace" || kind.fields.contains(&path)
}

fn unknown_field(kind: &ResourceKind, path: &str) -> String {
    if kind.fields.is_empty() && !kind.is_custom() {
        format!("{path:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
    } else {
        format!("field label not supported: {path}")
    }
}

/// `a=b,c!=d`.
fn parse_fields(text: &str) -> Result<Vec<(String, Test)>, String> {
    text.split(',')
        .filter(|part| !part.is_empty())
        .map(|part| equality(part).ok_or_else(|| format!("invalid selector: '{text}'; can't understand '{part}'")))
        .collect()
}

fn equality(part: &str) -> Option<(String, Test)> {
    if let Some((key, value)) = part.split_once("!=") {
        return Some((key.trim().to_owned(), Test::NotIn(vec![value.trim().to_owned()])));
    }
    let (key, value) = part.split_once("==").or_else(|| part.split_once('='))?;
    Some((key.trim().to_owned(), Test::In(vec![value.trim().to_owned()])))
}

/// Equality based and set based conditions, with commas between them.
fn parse_labels(text: &str) -> Result<Vec<(String, Test)>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    split_outside_parentheses(text)
        .into_iter()
        .map(str::trim)
        .map(|part| label(part).ok_or_else(|| format!("unable to parse requirement: {part:?}")))
        .collect()
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn label(part: &str) -> Option<(String, Test)> {
    let (key, test) = if let Some(key) = part.strip_prefix('!') {
        (key.trim().to_owned(), Test::Absent)
    } else if let Some((head, values)) = part.strip_suffix(')').and_then(|part| part.split_once('(')) {
        let (key, operator) = head.trim().rsplit_once(char::is_whitespace).filter(|_| !values.trim().is_empty())?;
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        match operator {
            "in" => (key.trim().to_owned(), Test::In(values)),
            "notin" => (key.trim().to_owned(), Test::NotIn(values)),
            _ => return None,
        }
    } else if let Some((key, number)) = part.split_once('>') {
        (key.trim().to_owned(), Test::Above(number.trim().parse().ok()?))
    } else if let Some((key, number)) = part.split_once('<') {
        (key.trim().to_owned(), Test::Below(number.trim().parse().ok()?))
    } else {
        equality(part).unwrap_or_else(|| (part.to_owned(), Test::Exists))
    };
    let has_values = match &test {
        Test::In(values) | Test::NotIn(values) => values.iter().all(|value| is_label_value(value)),
        Test::Exists | Test::Absent | Test::Above(_) | Test::Below(_) => true,
    };
    (is_label_key(&key) && has_values).then_some((key, test))
}
