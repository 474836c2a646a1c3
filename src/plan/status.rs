//! How a build is doing.

use std::fmt;

use serde::{Deserialize, Serialize};

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
    /// What kind of failure it is.
    pub cause: FailureCause,
}

/// The kinds of failures: few, and each for somebody else to mend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCause {
    /// The build could not read its MachineConfig.
    BadPayload,
    /// The steps of the Containerfile failed.
    Build,
    /// The base image's registry said no.
    PullDenied,
    /// The final image's registry said no.
    PushDenied,
    /// The build was lost as often as it may be.
    Lost,
    /// The build took longer than it may.
    Deadline,
    /// Anything else, what a newer program wrote down included.
    #[default]
    #[serde(other)]
    Other,
}

impl FailureCause {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::BadPayload, Self::Build, Self::PullDenied, Self::PushDenied, Self::Lost, Self::Deadline, Self::Other];

    /// The word for it, as metrics and the build record have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadPayload => "bad_payload",
            Self::Build => "build",
            Self::PullDenied => "pull_denied",
            Self::PushDenied => "push_denied",
            Self::Lost => "lost",
            Self::Deadline => "deadline",
            Self::Other => "other",
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_written_down_by_its_word_and_an_unknown_one_is_another() {
        for cause in FailureCause::ALL {
            let written = serde_json::to_string(&cause).unwrap();
            assert_eq!(written, format!("{:?}", cause.as_str()));
            assert_eq!(serde_json::from_str::<FailureCause>(&written).unwrap(), cause);
        }
        assert_eq!(serde_json::from_str::<FailureCause>("\"new\"").unwrap(), FailureCause::Other);
    }
}
