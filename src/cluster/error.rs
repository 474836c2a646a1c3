//! Errors of requests.

use std::time::Duration;

use super::idle_body::fell_silent;
use super::transport::Busy;
use crate::api::Key;
use crate::causes::{self, with_causes};
use crate::reconcile::machine::{Failure, FailureKind};

/// The error of a request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state that the write was decided from has changed.
    #[error("the object has changed since it was read")]
    Conflict,
    /// There is an object of this name already.
    #[error("the object exists already")]
    AlreadyExists,
    /// There is no such object.
    #[error("the object does not exist")]
    NotFound,
    /// Anything else.
    #[error("failed to {verb} {key}")]
    Failed {
        /// What was tried.
        verb: &'static str,
        /// On which object.
        key: Key,
        /// What the client has to say.
        #[source]
        source: Box<kube::Error>,
    },
    /// The actor that was to send the request is gone.
    #[error("the build's actor is not there to do it")]
    ActorGone,
}

impl Error {
    /// What was answered about `key` is no JSON.
    pub fn unreadable(key: &Key, error: serde_json::Error) -> Self {
        Self::Failed { verb: "get", key: key.clone(), source: Box::new(kube::Error::SerdeError(error)) }
    }

    /// What went wrong, and why.
    pub fn with_source(&self) -> String {
        with_causes(self)
    }

    /// Whether the server refused the request and will refuse it again: it is forbidden, invalid, or its namespace or
    /// kind is missing.
    pub fn is_refusal(&self) -> bool {
        self.status().is_some_and(|status| matches!(status.code, 400 | 403 | 404 | 405 | 413 | 415 | 422))
    }

    /// Whether the server answered with a failure of its own or of admission: a webhook that is down, or a policy that
    /// it cannot evaluate. It counts as a refusal once it lasts.
    pub fn is_server_trouble(&self) -> bool {
        match self.status() {
            Some(status) => status.code >= 500 || matches!(status.code, 401 | 409 | 429),
            None => self.is_silence() || self.busy().is_some(),
        }
    }

    /// Whether there was no answer at all: a webhook may hang for longer than is waited for.
    pub fn is_silence(&self) -> bool {
        self.status().is_none()
            && self.busy().is_none()
            && matches!(self, Self::Failed { source, .. } if !fell_silent(source.as_ref()))
    }

    /// How long the server asks the client to wait.
    pub fn retry_after(&self) -> Duration {
        self.busy().map_or(Duration::ZERO, |busy| busy.after)
    }

    fn busy(&self) -> Option<&Busy> {
        let error: &(dyn std::error::Error + 'static) = self;
        std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref())
    }

    /// The server's own message if it answered; else the error that prevented an answer.
    pub fn words(&self) -> String {
        match (self, self.status()) {
            (_, Some(status)) if causes::is_said(status) => status.message.trim().to_owned(),
            (Self::Failed { source, .. }, Some(_)) => with_causes(source.as_ref()),
            _ => self.with_source(),
        }
    }

    fn status(&self) -> Option<&kube::core::Status> {
        let Self::Failed { source, .. } = self else { return None };
        if let kube::Error::Api(status) = source.as_ref() { Some(status) } else { None }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let words = error.words();
        let kind = match &error {
            Error::Conflict | Error::NotFound | Error::AlreadyExists => FailureKind::Stale,
            error if error.is_refusal() => FailureKind::Refused,
            // A webhook is called before anything is written.
            error if error.is_server_trouble() => FailureKind::Trouble {
                is_certain: words.contains("failed calling webhook"),
                is_silent: error.is_silence(),
            },
            _ => FailureKind::Other,
        };
        Self { kind, words, text: error.with_source(), retry_after: error.retry_after() }
    }
}
