//! The refusals of writes, in the words of the real server.

use serde_json::{Value, json};

use crate::apiserver::body::BODY_BYTES_MAX;
use crate::apiserver::kinds::ResourceKind;
use crate::apiserver::status::{FieldError, StatusError, details};

/// Why a write is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// An admission plugin, a quota or a security context constraint forbids it, and says why.
    Forbidden(String),
    /// A ValidatingAdmissionPolicy denies it.
    Policy {
        /// The policy's name.
        policy: String,
        /// The name of the binding that makes it hold.
        binding: String,
        /// The policy's message.
        message: String,
    },
    /// A webhook denies it.
    Webhook {
        /// The webhook's name.
        webhook: String,
        /// The webhook's message.
        message: String,
    },
    /// A webhook that has to be asked cannot be reached.
    WebhookDown {
        /// The webhook's name.
        webhook: String,
        /// The error of the call.
        error: String,
    },
    /// A field has a value that is not valid.
    Invalid {
        /// The path of the field.
        field: String,
        /// Its value.
        value: Value,
        /// The error.
        why: String,
    },
    /// The request is larger than the server, or what is in front of it, takes.
    TooLarge,
    /// The server has too much to do, and says for how many seconds to stay away.
    TooManyRequests(u32),
}

impl Refusal {
    /// A ResourceQuota of this name that has room for `limit` pods, all of which are there.
    pub fn quota(name: &str, limit: u32) -> Self {
        Self::Forbidden(format!("exceeded quota: {name}, requested: pods=1, used: pods={limit}, limited: pods={limit}"))
    }

    /// PodSecurity, where the namespace enforces `level`; `container` does not meet it.
    pub fn pod_security(level: &str, container: &str) -> Self {
        Self::Forbidden(format!(
            "violates PodSecurity \"{level}:latest\": allowPrivilegeEscalation != false (container \"{container}\" must \
             set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"{container}\" \
             must set securityContext.capabilities.drop=[\"ALL\"])"
        ))
    }

    /// OpenShift's security context constraints, none of which a pod meets.
    pub fn security_context_constraints() -> Self {
        let providers = "[provider \"anyuid\": Forbidden: not usable by user or serviceaccount, provider restricted-v2: \
                         .containers[0].runAsUser: Invalid value: 1000: must be in the ranges: [1000680000, 1000689999]]";
        Self::Forbidden(format!("unable to validate against any security context constraint: {providers}"))
    }

    /// A webhook of a Service that has no endpoint that listens.
    pub fn webhook_down(webhook: &str, service: &str) -> Self {
        let error = format!(
            "failed to call webhook: Post \"https://{service}.svc:443/validate?timeout=10s\": dial tcp 10.96.0.17:443: \
             connect: connection refused"
        );
        Self::WebhookDown { webhook: webhook.to_owned(), error }
    }

    /// The refusal of a write of the object `name`.
    pub(in crate::apiserver) fn failure(&self, kind: &ResourceKind, name: &str) -> StatusError {
        match self {
            Self::Forbidden(why) => StatusError::forbidden(kind, name, why),
            Self::Policy { policy, binding, message } => {
                let why =
                    format!("ValidatingAdmissionPolicy '{policy}' with binding '{binding}' denied request: {message}");
                let mut details = details(kind, name);
                details.insert("causes".into(), json!([{"message": message}]));
                StatusError::forbidden(kind, name, &why).with(details).with_code(422, "Invalid")
            }
            Self::Webhook { webhook, message } => StatusError::new(
                403,
                "Forbidden",
                format!("admission webhook {webhook:?} denied the request: {message}"),
            ),
            Self::WebhookDown { webhook, error } => {
                let error = format!("failed calling webhook {webhook:?}: {error}");
                StatusError::internal(&error).with(json!({"causes": [{"message": error}]}))
            }
            Self::Invalid { field, value, why } => {
                StatusError::invalid(kind, name, &[FieldError::invalid(field.as_str(), value, why.as_str())])
            }
            Self::TooLarge => StatusError::too_large(BODY_BYTES_MAX),
            Self::TooManyRequests(seconds) => {
                let message = "the server has received too many requests and has asked us to try again later";
                StatusError::new(429, "TooManyRequests", message).with(json!({"retryAfterSeconds": seconds}))
            }
        }
    }
}
