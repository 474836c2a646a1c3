//! A request whose parts can still be mutated.

use std::fmt;

use bytes::Bytes;
use form_urlencoded::Serializer;
use http::Request;
use serde_json::Value;

pub(super) const JSON: &str = "application/json";
pub(super) const YAML: &str = "application/yaml";

/// A request. What it is made of need not make sense.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub method: &'static str,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
}

#[derive(Debug, Clone)]
pub(super) enum Body {
    /// JSON, which is sent as YAML if the request says so.
    Value(Value),
    Bytes(Vec<u8>),
}

impl Asked {
    pub(super) fn new(method: &'static str, path: impl Into<String>, body: Body) -> Self {
        Self { method, path: path.into(), query: Vec::new(), headers: Vec::new(), body }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path, Body::Bytes(Vec::new()))
    }

    pub(super) fn json(method: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self::new(method, path, Body::Value(body)).with("content-type", JSON)
    }

    #[must_use]
    pub(super) fn with(mut self, header: &'static str, value: &str) -> Self {
        self.headers.retain(|(name, _)| *name != header);
        self.headers.push((header, value.to_owned()));
        self
    }

    #[must_use]
    pub(super) fn and(mut self, parameter: &str, value: impl Into<String>) -> Self {
        self.query.push((parameter.to_owned(), value.into()));
        self
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// The values of a parameter.
    pub(super) fn parameter<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn body(&self) -> Vec<u8> {
        match &self.body {
            Body::Value(value) if self.header("content-type") == YAML => {
                serde_saphyr::to_string(value).unwrap_or_default().into_bytes()
            }
            Body::Value(value) => value.to_string().into_bytes(),
            Body::Bytes(bytes) => bytes.clone(),
        }
    }

    fn uri(&self) -> String {
        let query = Serializer::new(String::new()).extend_pairs(&self.query).finish();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{mark}{query}", self.path)
    }

    /// The request; none if it is none that HTTP knows, and no server gets to see it.
    pub(super) fn request(&self) -> Option<Request<Bytes>> {
        let mut request = Request::builder().method(self.method).uri(self.uri());
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(self.body().into()).ok()
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body()).chars().take(3000).collect::<String>();
        write!(f, "{} {}\n{:?}\n{body}", self.method, self.uri(), self.headers)
    }
}
