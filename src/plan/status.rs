//! How a build is doing.

use std::fmt;

use super::digest::Digest;
use crate::api::Sensitive;

/// What a build object says of its build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildStatus {
    /// It has not started, for this reason, if there is a word of one.
    Pending(String),
    /// It runs.
    Running,
    /// It has pushed an image, of this digest.
    Succeeded(Digest),
    /// It has succeeded, and its digest has to be read from the ConfigMap that it left.
    DigestInConfigMap,
    /// It has failed, and trying again would not help.
    Failed(BuildFailure),
    /// It was taken away by something else than its inputs, and may be tried again.
    Lost(String),
}

/// Why a build failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildFailure {
    /// The step that failed, as a verb phrase: "building the image".
    pub step: String,
    /// The exit code of the container that failed, where there is one.
    pub exit_code: Option<i32>,
    /// The last of what it had to say, as it said it: whatever it knew may be in there.
    pub output: Sensitive<String>,
}

impl BuildStatus {
    /// Whether the build has come to an end, whatever that was.
    pub const fn is_finished(&self) -> bool {
        !matches!(self, Self::Pending(_) | Self::Running)
    }
}

/// Without the words of containers, and of others, that may say too much.
impl fmt::Display for BuildStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending(_) => f.write_str("pending"),
            Self::Running => f.write_str("running"),
            Self::Succeeded(digest) => write!(f, "succeeded with {}", digest.as_str()),
            Self::DigestInConfigMap => f.write_str("succeeded"),
            Self::Failed(BuildFailure { step, exit_code: Some(code), .. }) => {
                write!(f, "failed with exit code {code} at {step}")
            }
            Self::Failed(failure) => write!(f, "failed at {}", failure.step),
            Self::Lost(_) => f.write_str("lost"),
        }
    }
}
