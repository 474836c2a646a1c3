//! The reasons why a pod does not start yet.

use std::io;

/// A reason why a pod does not start, in the kubelet's words where it has any.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{kind} {name:?} not found")]
    NotFound { kind: &'static str, name: String },
    #[error("references non-existent {kind} key: {key}")]
    NoKey { kind: &'static str, key: String },
    #[error("{0} is not a path within a volume")]
    Path(String),
    #[error("this node does not know {0}")]
    Unsupported(String),
    #[error("the container names no command, and this node pulls no image that would have one")]
    NoCommand,
    #[error("failed to fetch token: {0}")]
    Token(String),
    #[error("failed to ask the API server")]
    Api(#[source] kube::Error),
    #[error("failed to write")]
    Io(#[from] io::Error),
}
