//! Admission: refuses valid and authorized writes, as quotas, policies and webhooks do in a cluster.
//!
//! Nothing is refused until an [`Admitter`] is set. The server calls it where the real server runs admission: after
//! authorization, defaulting and validation, and before it stores anything. Objects that are deleted with their owner
//! or their namespace are not subject to admission.

mod refusal;

use std::sync::Arc;

use serde_json::Value;

pub use refusal::Refusal;

use super::kinds::ResourceKind;
use super::log::Verb;
use super::status::StatusError;

/// A write, as those see it that may refuse it.
#[derive(Debug, Clone, Copy)]
pub struct AdmissionRequest<'a> {
    /// The client's `User-Agent`; empty if it sent none.
    pub agent: &'a str,
    /// The user as whom the request is sent.
    pub user: &'a str,
    /// The verb: create, update, patch, delete or deletecollection.
    pub verb: Verb,
    /// The API group; empty for the core one.
    pub group: &'a str,
    /// The resource's plural name.
    pub resource: &'a str,
    /// The subresource, if one is addressed.
    pub subresource: Option<&'a str>,
    /// The namespace; empty for what lives in none.
    pub namespace: &'a str,
    /// The object's name.
    pub name: &'a str,
    /// The object as it would be stored; none for a deletion.
    pub object: Option<&'a Value>,
    /// The object as it is stored; none for a creation.
    pub old: Option<&'a Value>,
}

/// Says what a write is refused with, if it is. It must not send requests to the server that asks it.
pub type Admitter = Arc<dyn Fn(&AdmissionRequest<'_>) -> Option<Refusal> + Send + Sync>;

/// The admitter for one request, with the attributes of the request that do not depend on the object.
#[derive(Clone, Copy)]
pub(super) struct Gate<'a> {
    /// The admitter.
    pub admitter: &'a Admitter,
    /// The client's `User-Agent`.
    pub agent: &'a str,
    /// The user as whom the request is sent.
    pub user: &'a str,
    /// The verb of the request.
    pub verb: Verb,
    /// The subresource that is addressed.
    pub subresource: Option<&'a str>,
}

impl Gate<'_> {
    /// Refuses what the admitter refuses: that `old` becomes `object`.
    pub(super) fn pass(
        &self,
        kind: &ResourceKind,
        (namespace, name): (&str, &str),
        object: Option<&Value>,
        old: Option<&Value>,
    ) -> Result<(), StatusError> {
        let Self { admitter, agent, user, verb, subresource } = *self;
        let (group, resource) = (kind.group(), kind.plural);
        let request =
            AdmissionRequest { agent, user, verb, group, resource, subresource, namespace, name, object, old };
        admitter(&request).map_or(Ok(()), |refusal| Err(refusal.failure(kind, name)))
    }
}
