//! Answers, before they are responses.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde_json::Value;

use super::body::ResponseBody;
use super::negotiate::{Format, JSON, YAML};
use super::status::StatusError;
use crate::yaml;

/// The answer to a request.
pub(super) type Answer = Result<Reply, StatusError>;

/// An answer that is no refusal.
#[derive(Debug)]
pub(super) struct Reply {
    code: u16,
    body: ResponseBody,
    media_type: &'static str,
}

impl Reply {
    /// JSON, which may be sent as YAML.
    pub(super) fn full(code: u16, json: impl Into<Bytes>) -> Self {
        Self::json(code, ResponseBody::full(json))
    }

    /// A body with JSON in it.
    pub(super) fn json(code: u16, body: ResponseBody) -> Self {
        Self { code, body, media_type: JSON }
    }

    /// A text.
    pub(super) fn text(text: impl Into<Bytes>) -> Self {
        Self { code: 200, body: ResponseBody::full(text), media_type: "text/plain" }
    }

    /// A document of a media type of its own.
    pub(super) fn document(json: impl Into<Bytes>, media_type: &'static str) -> Self {
        Self { code: 200, body: ResponseBody::full(json), media_type }
    }
}

/// The response with this answer.
pub(super) fn respond(answer: Answer, format: Format) -> Response<ResponseBody> {
    let retry_after = answer.as_ref().err().and_then(StatusError::retry_after);
    let refused = |failure: StatusError| Reply::full(failure.code, failure.body().to_string());
    let Reply { code, mut body, mut media_type } = answer.unwrap_or_else(refused);
    if format == Format::Yaml
        && media_type == JSON
        && let Some(json) = body.known().and_then(|json| serde_json::from_slice::<Value>(json).ok())
    {
        body = ResponseBody::full(yaml::print(&json));
        media_type = YAML;
    }
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}
