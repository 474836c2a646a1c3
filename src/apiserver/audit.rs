//! Auditing: observers get every request and all its changes, as they happen.

use std::sync::Arc;

use serde_json::Value;

use super::log::LogEntry;
use super::store::Change;

/// One change that a request made.
#[derive(Debug, Clone, Copy)]
pub struct AuditedChange<'a> {
    /// The kind of the object.
    pub kind: &'static str,
    /// The object after the change; for a deletion, its last state.
    pub object: &'a Value,
    /// The object before it, if there was one.
    pub previous: Option<&'a Value>,
    /// Whether the object went.
    pub is_deletion: bool,
}

/// Called after each request for a resource, before anything else happens, with all that it changed.
pub type Auditor = Arc<dyn Fn(&LogEntry, &[AuditedChange<'_>]) + Send + Sync>;

/// Shows the changes of one request to `auditor`.
pub(super) fn audit(auditor: &Auditor, entry: &LogEntry, changes: &[(&'static str, Arc<Change>)]) {
    let shown: Vec<AuditedChange<'_>> = changes
        .iter()
        .map(|(kind, change)| AuditedChange {
            kind,
            object: &change.object.value,
            previous: change.previous.as_ref().map(|previous| &previous.value),
            is_deletion: change.is_deletion,
        })
        .collect();
    auditor(entry, &shown);
}
