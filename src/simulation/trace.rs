//! The trace of a run: a line for each request that the API server handled, and one for each change that it made.
//!
//! ```text
//! 2026-01-01T00:00:00.512Z machine-os-builder/0.1.0 create openshift-machine-config-operator/pods build-rendered-worker-1 201
//!   + Pod build-rendered-worker-1 uid=… version=37 fb1c3a…
//! ```
//!
//! A change is `+` for a new object, `~` for a changed one, and `-` for a deleted one. The hash after its version
//! covers the whole object. The same run writes the same bytes.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::api::names::sha256_hex;
use crate::apiserver::{AuditedChange, Auditor, LogEntry};

/// Digits of a hash that are shown: enough to tell any two versions of an object apart.
const HASH_DIGITS: usize = 16;

/// Writes a trace. Clones write the same one.
#[derive(Clone)]
pub struct Trace(Arc<Mutex<Sink>>);

struct Sink {
    out: Box<dyn io::Write + Send>,
    /// Set by the first write that fails; nothing is written after it.
    failed: Option<io::Error>,
}

impl Trace {
    /// A trace that goes to `out`.
    pub fn new(out: impl io::Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Sink { out: Box::new(out), failed: None })))
    }

    /// The auditor that writes the trace.
    pub fn auditor(&self) -> Auditor {
        let trace = self.clone();
        Arc::new(move |entry, changes| trace.write(&lines(entry, changes)))
    }

    /// Writes the buffered lines.
    ///
    /// # Errors
    /// If this or anything before it could not be written.
    pub fn finish(&self) -> io::Result<()> {
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match sink.failed.take() {
            Some(error) => Err(error),
            None => sink.out.flush(),
        }
    }

    fn write(&self, lines: &str) {
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sink.failed.is_none()
            && let Err(error) = sink.out.write_all(lines.as_bytes())
        {
            sink.failed = Some(error);
        }
    }
}

fn lines(entry: &LogEntry, changes: &[AuditedChange<'_>]) -> String {
    let LogEntry { at, agent, verb, resource, subresource, namespace, name, code } = entry;
    let place = namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let part = subresource.as_ref().map(|subresource| format!("/{subresource}")).unwrap_or_default();
    let name = name.as_deref().unwrap_or("-");
    let mut lines = format!("{at:.3} {agent} {} {place}{resource}{part} {name} {code}\n", verb.as_str());
    for change in changes {
        let sign = match (change.is_deletion, change.previous) {
            (true, _) => '-',
            (false, Some(_)) => '~',
            (false, None) => '+',
        };
        let metadata = |field: &str| change.object["metadata"].get(field).and_then(Value::as_str).unwrap_or("-");
        let (name, uid, version) = (metadata("name"), metadata("uid"), metadata("resourceVersion"));
        let hash = &sha256_hex(change.object.to_string())[..HASH_DIGITS];
        // Writing to a string does not fail.
        let _ = writeln!(lines, "  {sign} {} {name} uid={uid} version={version} {hash}", change.kind);
    }
    lines
}
