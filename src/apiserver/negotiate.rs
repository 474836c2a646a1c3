//! Content negotiation: the format of an answer, and that of a request's body.

use bytes::Bytes;
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde_json::Value;

use super::protobuf;
use super::status::StatusError;
use crate::yaml;

/// The media type of JSON.
pub(super) const JSON: &str = "application/json";
/// The media type of YAML.
pub(super) const YAML: &str = "application/yaml";
/// The media type of Kubernetes' protobuf, which is read, and never sent.
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// The form of the objects in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// All of them.
    Full,
    /// Their metadata.
    Metadata,
    /// A table, with a row for each.
    Table,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Format {
    /// As JSON.
    #[default]
    Json,
    /// As YAML.
    Yaml,
}

/// One media range of an `Accept` header.
struct Range<'a> {
    media_type: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let pair = |part: &'a str| part.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
        Self { media_type, parameters: parts.filter_map(pair).collect() }
    }

    fn get(&self, name: &str) -> &'a str {
        self.parameters.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    fn format(&self) -> Option<Format> {
        match self.media_type {
            "" | "*/*" | "application/*" | JSON => Some(Format::Json),
            YAML => Some(Format::Yaml),
            _ => None,
        }
    }

    fn shape(&self) -> Option<Shape> {
        match (self.get("as"), self.get("g"), self.get("v")) {
            ("", _, _) => Some(Shape::Full),
            ("PartialObjectMetadata" | "PartialObjectMetadataList", _, _) => Some(Shape::Metadata),
            ("Table", "" | "meta.k8s.io", "" | "v1") => Some(Shape::Table),
            _ => None,
        }
    }

    /// How much the client likes this one; what it does not say is liked best.
    fn quality(&self) -> f32 {
        self.get("q").parse().unwrap_or(1.0)
    }
}

/// The media ranges that a client accepts, the ones that it likes best first.
fn ranges(headers: &HeaderMap) -> Vec<Range<'_>> {
    let texts = headers.get_all(ACCEPT).into_iter().filter_map(|accept| accept.to_str().ok());
    let mut ranges: Vec<Range<'_>> = texts.flat_map(|text| text.split(',')).map(Range::parse).collect();
    if ranges.is_empty() {
        ranges.push(Range::parse(JSON));
    }
    ranges.retain(|range| range.quality() > 0.0);
    ranges.sort_by(|one, other| other.quality().total_cmp(&one.quality()));
    ranges
}

/// The form that a client wants of an answer about objects.
pub(super) fn wanted(headers: &HeaderMap) -> Result<(Shape, Format), StatusError> {
    let fitting = ranges(headers).into_iter().find_map(|range| Some((range.shape()?, range.format()?)));
    fitting.ok_or_else(StatusError::not_acceptable)
}

/// How a client wants an answer written that has only one shape; as JSON, if there is no telling.
pub(super) fn format(headers: &HeaderMap) -> Format {
    ranges(headers).iter().find_map(Range::format).unwrap_or_default()
}

/// Whether a client would rather have discovery documents all at once.
pub(super) fn wants_aggregated_discovery(headers: &HeaderMap) -> bool {
    let first = ranges(headers).into_iter().find(|range| {
        let is_aggregated = range.get("g") == "apidiscovery.k8s.io" && range.get("v") == "v2";
        range.format() == Some(Format::Json) && (range.get("as").is_empty() || is_aggregated)
    });
    first.is_some_and(|range| !range.get("as").is_empty())
}

/// Whether a client likes an OpenAPI document of version 2 best in protobuf.
pub(super) fn wants_openapi_protobuf(headers: &HeaderMap) -> bool {
    ranges(headers).first().is_some_and(|range| {
        range.media_type.starts_with("application/com.github.proto-openapi.spec.v2")
            && range.media_type.ends_with("+protobuf")
    })
}

/// The media type of a request's body, without its parameters.
pub(super) fn content_type(headers: &HeaderMap) -> &str {
    let header = headers.get(CONTENT_TYPE).and_then(|header| header.to_str().ok()).unwrap_or_default();
    header.split(';').next().unwrap_or_default().trim()
}

/// The JSON in a request's body, which may be written as YAML or protobuf. `what` names what it should hold.
pub(super) fn decode(headers: &HeaderMap, body: &Bytes, what: &str) -> Result<Value, StatusError> {
    let unrecognized = |language: &str, error: String| {
        let why = format!("the object provided is unrecognized (must be of type {what}): {language} parse error: ");
        StatusError::bad_request(why + &error)
    };
    match content_type(headers) {
        "" | JSON => serde_json::from_slice(body).map_err(|error| unrecognized("json", error.to_string())),
        YAML => {
            let text = std::str::from_utf8(body).map_err(|error| unrecognized("yaml", error.to_string()))?;
            let documents = yaml::parse(text).map_err(|error| unrecognized("yaml", first_line(&error.to_string())))?;
            Ok(documents.into_iter().next().unwrap_or_default())
        }
        PROTOBUF => protobuf::decode(body).map_err(|error| unrecognized("protobuf", error)),
        _ => Err(StatusError::media_type(&format!("{JSON}, {YAML}, {PROTOBUF}"))),
    }
}

/// A YAML error without the excerpt below it, which no Status has room for.
fn first_line(error: &str) -> String {
    error.lines().next().unwrap_or_default().to_owned()
}
