//! The outcome of an effect: an answer, or a failure.

use std::time::Duration;

use crate::api::Sensitive;
use crate::reconcile::inputs::fault::InputFault;
use crate::reconcile::objects::payload::Payload;
use crate::reconcile::observed::cache::Change;

/// The result of an effect that succeeded.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The object of the effect, in its current version.
    Object(Change),
    /// The Event exists.
    Told,
    /// The MachineConfig, compressed, or why it cannot be used.
    Payload(Result<Payload, InputFault>),
    /// Diagnostics about a build; empty if the read found nothing in time.
    Found(Sensitive<String>),
}

/// Why an effect failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// The API server's own message if it answered; else the error that prevented an answer.
    pub words: String,
    /// The same, with the request that failed.
    pub text: String,
    /// How long the API server asks the client to wait.
    pub retry_after: Duration,
}

/// The kinds of failures, by what follows from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The state that the effect was decided from has changed.
    Stale,
    /// The API server refused the request, and will refuse it again.
    Refused,
    /// The API server, or a webhook that it calls before a write, has a failure of its own.
    Trouble {
        /// Whether it is certain that nothing was written.
        is_certain: bool,
        /// Whether there was no answer at all.
        is_silent: bool,
    },
    /// Anything else.
    Other,
}
