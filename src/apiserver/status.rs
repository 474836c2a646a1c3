//! Refusals: the error of a request, as the `Status` object that the client gets.

use serde_json::{Map, Value, json};

pub(super) use super::field_error::FieldError;
use super::kinds::ResourceKind;

/// A request that is refused.
#[derive(Debug, Clone)]
pub(super) struct StatusError {
    /// The HTTP status code.
    pub code: u16,
    reason: &'static str,
    message: String,
    details: Option<Value>,
}

/// The details that name an object, or only its kind where `name` is empty.
pub(super) fn details(kind: &ResourceKind, name: &str) -> Map<String, Value> {
    named(kind.group(), kind.plural, name)
}

fn named(group: &str, kind: &str, name: &str) -> Map<String, Value> {
    [("name", name), ("group", group), ("kind", kind)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect()
}

impl StatusError {
    /// A refusal in words of its own.
    pub(super) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None }
    }

    /// The same refusal, with these details.
    #[must_use]
    pub(super) fn with(self, details: impl Into<Value>) -> Self {
        Self { details: Some(details.into()), ..self }
    }

    /// The same refusal under another code, with the reason that goes with it.
    #[must_use]
    pub(super) fn with_code(self, code: u16, reason: &'static str) -> Self {
        Self { code, reason, ..self }
    }

    /// The request makes no sense.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// The client has not proven its identity.
    pub(super) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// The server is at fault.
    pub(super) fn internal(why: &str) -> Self {
        Self::new(500, "InternalError", format!("Internal error occurred: {why}"))
    }

    /// The user may not do this.
    pub(super) fn forbidden(kind: &ResourceKind, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", kind.qualified(kind.plural));
        Self::new(403, "Forbidden", message).with(details(kind, name))
    }

    /// The namespace is on its way out.
    pub(super) fn namespace_terminating(kind: &ResourceKind, name: &str, namespace: &str) -> Self {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let message = format!("namespace {namespace} is being terminated");
        let cause = json!({"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"});
        let mut details = details(kind, name);
        details.insert("causes".into(), json!([cause]));
        Self::forbidden(kind, name, &why).with(details)
    }

    /// No rule allows this; `message` says who wanted to do what.
    pub(super) fn denied(group: &str, resource: &str, name: &str, message: &str) -> Self {
        let qualified = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        let message = match (resource, name) {
            ("", _) => format!("forbidden: {message}"),
            (_, "") => format!("{qualified} is forbidden: {message}"),
            _ => format!("{qualified} {name:?} is forbidden: {message}"),
        };
        Self::new(403, "Forbidden", message).with(named(group, resource, name))
    }

    /// There is no such path.
    pub(super) fn unknown_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource").with(Map::new())
    }

    /// There is no such object.
    pub(super) fn not_found(kind: &ResourceKind, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", kind.qualified(kind.plural));
        Self::new(404, "NotFound", message).with(details(kind, name))
    }

    /// The path, which is of a kind or a document, is there, and cannot be used so.
    pub(super) fn method_not_allowed(kind: Option<&ResourceKind>) -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message).with(kind.map(|kind| details(kind, "")).unwrap_or_default())
    }

    /// No form that the client accepts can be produced.
    pub(super) fn not_acceptable() -> Self {
        let message = "only the following media types are accepted: application/json, application/yaml";
        Self::new(406, "NotAcceptable", message)
    }

    /// There is an object of this name already, or still.
    pub(super) fn already_exists(kind: &ResourceKind, name: &str, is_being_deleted: bool) -> Self {
        let fate = if is_being_deleted { "object is being deleted: " } else { "" };
        let message = format!("{fate}{} \"{name}\" already exists", kind.qualified(kind.plural));
        Self::new(409, "AlreadyExists", message).with(details(kind, name))
    }

    /// The object is not what the request was made from.
    pub(super) fn conflict(kind: &ResourceKind, name: &str, why: &str) -> Self {
        Self::conflict_of(kind, kind.plural, name, why)
    }

    /// The object is not what a deletion is for. Unlike other conflicts, this one names the kind.
    pub(super) fn precondition(kind: &ResourceKind, name: &str, why: &str) -> Self {
        Self::conflict_of(kind, kind.name, name, why)
    }

    fn conflict_of(kind: &ResourceKind, of: &str, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", kind.qualified(of));
        Self::new(409, "Conflict", message).with(named(kind.group(), of, name))
    }

    /// The object was changed since the version that the request was made from.
    pub(super) fn modified(kind: &ResourceKind, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(kind, name, why)
    }

    /// The version asked for is no longer kept.
    pub(super) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// The body is larger than `max` bytes.
    pub(super) fn too_large(max: usize) -> Self {
        Self::new(413, "RequestEntityTooLarge", format!("Request entity too large: limit is {max}"))
    }

    /// The body is of a type that is not understood here.
    pub(super) fn media_type(accepted: &str) -> Self {
        let message =
            format!("the body of the request was in an unknown format - accepted media types include: {accepted}");
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// The patch does not apply.
    pub(super) fn patch_rejected() -> Self {
        let message = "the server rejected our request due to an error in our request";
        Self::new(422, "Invalid", message).with(Map::new())
    }

    /// The object is not valid; there is at least one cause.
    pub(super) fn invalid(kind: &ResourceKind, name: &str, causes: &[FieldError]) -> Self {
        Self::invalid_named(kind.group(), &kind.qualified(kind.name), kind.name, name, causes)
    }

    /// An update lacks the version that it was made from.
    pub(super) fn version_missing(kind: &ResourceKind, name: &str) -> Self {
        let cause = FieldError::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
        Self::invalid_named(kind.group(), &kind.qualified(kind.plural), kind.plural, name, &[cause])
    }

    /// The parameters of a request make no sense, or none together.
    pub(super) fn invalid_options(options: &str, cause: &FieldError) -> Self {
        let causes = std::slice::from_ref(cause);
        Self::invalid_named("meta.k8s.io", &format!("{options}.meta.k8s.io"), options, "", causes)
    }

    fn invalid_named(group: &str, qualified: &str, kind: &str, name: &str, causes: &[FieldError]) -> Self {
        let texts: Vec<String> = causes.iter().map(FieldError::text).collect();
        let text = if let [text] = texts.as_slice() { text.clone() } else { format!("[{}]", texts.join(", ")) };
        let mut details = named(group, kind, name);
        details.insert("causes".into(), causes.iter().map(FieldError::json).collect());
        Self::new(422, "Invalid", format!("{qualified} \"{name}\" is invalid: {text}")).with(details)
    }

    /// No free name was found for a generated one.
    pub(super) fn no_free_name(kind: &ResourceKind, name: &str) -> Self {
        let mut failure = Self::already_exists(kind, name, false);
        failure.message.push_str(", the server was not able to generate a unique name for the object");
        failure
    }

    /// The version asked for is not there yet.
    pub(super) fn version_too_large(asked: u64, current: u64) -> Self {
        let message = format!("Too large resource version: {asked}, current: {current}");
        let cause = json!({"reason": "ResourceVersionTooLarge", "message": "Too large resource version"});
        let details = json!({"causes": [cause], "retryAfterSeconds": 1});
        Self::new(504, "Timeout", format!("Timeout: {message}")).with(details)
    }

    /// The seconds after which a client may ask again, if that is known.
    pub(super) fn retry_after(&self) -> Option<u64> {
        self.details.as_ref()?["retryAfterSeconds"].as_u64().filter(|seconds| *seconds > 0)
    }

    /// The `Status` object.
    pub(super) fn body(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status
    }
}
