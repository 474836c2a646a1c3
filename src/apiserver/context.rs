//! The target and the options of a write.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::admission::Gate;
use super::kinds::ResourceKind;
use super::status::StatusError;
use super::store::{Key, Object, Store};

/// The target and the options of a write.
#[derive(Clone, Copy)]
pub(super) struct WriteContext<'a> {
    /// The collection's index.
    pub collection: usize,
    /// The collection's kind.
    pub kind: &'static ResourceKind,
    /// The namespace that was addressed; empty for what lives in none.
    pub namespace: &'a str,
    /// The name that was addressed; empty for a creation.
    pub name: &'a str,
    /// Whether only the status is written.
    pub is_status: bool,
    /// The time.
    pub now: Timestamp,
    /// Whether the write is only tried.
    pub dry_run: bool,
    /// Whether a field that is not known is refused.
    pub is_strict: bool,
    /// The admission of the write; none for a write that another one causes.
    pub gate: Option<Gate<'a>>,
}

impl WriteContext<'_> {
    /// The key of the object that was addressed.
    pub(super) fn key(&self) -> Key {
        Key::new(self.namespace, self.name)
    }

    /// The object that was addressed.
    pub(super) fn find<'s>(&self, store: &'s Store) -> Result<&'s Arc<Object>, StatusError> {
        store.get(self.collection, &self.key()).ok_or_else(|| StatusError::not_found(self.kind, self.name))
    }

    /// Refuses what is not admitted: that `old`, of this name, becomes `object`.
    pub(super) fn admit(&self, name: &str, object: Option<&Value>, old: Option<&Value>) -> Result<(), StatusError> {
        self.gate.map_or(Ok(()), |gate| gate.pass(self.kind, (self.namespace, name), object, old))
    }
}
