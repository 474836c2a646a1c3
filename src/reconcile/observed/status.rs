//! The status of a build.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::VariantArray as _;

use super::digest::Digest;
use crate::api::Sensitive;

/// What a build object says of its build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildStatus {
    /// It has not started, for this reason; an [empty](BuildFailure::is_empty) one if its object names none.
    Pending(BuildFailure),
    /// It runs.
    Running,
    /// It has pushed an image, of this digest.
    Succeeded(Digest),
    /// It has succeeded, and its digest has to be read from the ConfigMap that it left.
    DigestInConfigMap,
    /// It has failed, and trying again would not help.
    Failed(BuildFailure),
    /// It ended for a reason that is not its inputs', and may be tried again.
    Lost(BuildFailure),
}

/// Why an attempt at a build did not succeed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildFailure {
    /// The step that failed, as a verb phrase: "building the image".
    pub step: String,
    /// The container whose end it was, where it was one's.
    pub container: Option<String>,
    /// The exit code of that container.
    pub exit_code: Option<i32>,
    /// The cluster's word for the end, where it says more than the exit code: `OOMKilled`, `Evicted`.
    pub reason: Option<String>,
    /// The last lines of output, or the cluster's message, as they came: they may contain anything that the build knew.
    pub output: Sensitive<String>,
    /// What a user may do about it, as an imperative: "raise build.resources.limits.memory".
    pub hint: Option<&'static str>,
    /// What kind of failure it is.
    pub cause: FailureCause,
}

impl BuildFailure {
    /// The loss of a build, of which `words` is all that there is to say.
    pub fn loss(step: &str, words: impl Into<String>) -> Self {
        Self {
            step: step.to_owned(),
            output: Sensitive::new(words.into()),
            cause: FailureCause::Lost,
            ..Self::default()
        }
    }

    /// Whether it says nothing but that it is so.
    pub fn is_empty(&self) -> bool {
        self.reason.is_none() && self.output.expose().is_empty()
    }
}

/// The kinds of failures: few, as each is a label value of a metric, and each has a mend of its own.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FailureCause {
    /// The build could not read its MachineConfig.
    BadPayload,
    /// The steps of the Containerfile failed.
    Build,
    /// The base image's registry denied access.
    PullDenied,
    /// The base image cannot be pulled, however often it is tried.
    PullFailed,
    /// The final image's registry denied access.
    PushDenied,
    /// The final image cannot be pushed, however often it is tried.
    PushFailed,
    /// A container needed more memory than it may use.
    OutOfMemory,
    /// An init container failed, which another controller has added to the pod.
    InitContainer,
    /// The image of a container cannot be pulled.
    ImagePull,
    /// A container cannot be started.
    ContainerStart,
    /// The API server refuses a write that the build needs.
    Refused,
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
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The word for it, as metrics and the build record have it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl BuildStatus {
    /// Whether the build has come to an end, whatever that was.
    pub const fn is_finished(&self) -> bool {
        !matches!(self, Self::Pending(_) | Self::Running)
    }
}

/// The failure that `status` is.
#[cfg(test)]
pub(crate) fn failed(status: BuildStatus) -> BuildFailure {
    if let BuildStatus::Failed(failure) = status { failure } else { panic!("a failure, not {status:?}") }
}

/// The loss that `status` is.
#[cfg(test)]
pub(crate) fn lost(status: BuildStatus) -> BuildFailure {
    if let BuildStatus::Lost(loss) = status { loss } else { panic!("a loss, not {status:?}") }
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
        for cause in FailureCause::ALL.iter().copied() {
            let written = serde_json::to_string(&cause).unwrap();
            assert_eq!(written, format!("{:?}", cause.as_str()));
            assert_eq!(serde_json::from_str::<FailureCause>(&written).unwrap(), cause);
        }
        assert_eq!(serde_json::from_str::<FailureCause>("\"new\"").unwrap(), FailureCause::Other);
    }
}
