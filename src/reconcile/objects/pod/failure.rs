//! Classifies the end of a container as a failed or a lost build, with a hint for the user.

use crate::reconcile::objects::answers::is_disk_full;
use crate::reconcile::observed::status::{BuildFailure, BuildStatus, FailureCause};

/// The runtimes' word for a container that was killed for memory.
pub(super) const OUT_OF_MEMORY: &str = "OOMKilled";
/// The setting that gives a build more of it.
pub(super) const MORE_MEMORY: &str = "raise build.resources.limits.memory";

/// How a program ends that is killed.
const KILLED: i32 = 137;

/// A container's reason, unless it says no more than the exit code does.
pub(super) fn named(reason: &str) -> Option<String> {
    (!matches!(reason, "" | "Error" | "Completed")).then(|| reason.to_owned())
}

/// Whether a runtime could not start a container in the memory that it may use: in the words of runc and of crun.
pub(super) fn lacks_memory(message: &str) -> bool {
    let message = message.to_lowercase();
    ["oom-killed", "memory limit too low", "memory limit could be too low"].iter().any(|words| message.contains(words))
}

/// The failure with what a user may do about it, going by its reason, its cause, or what it says.
pub(super) fn explained(failure: BuildFailure) -> BuildFailure {
    let output = failure.output.expose();
    let is_killed = failure.exit_code == Some(KILLED)
        || (failure.cause == FailureCause::Build && output.contains("exit status 137"));
    let hint = match failure.cause {
        _ if output.contains("x509:") => Some("set build.trustedCaConfigMap"),
        FailureCause::PullDenied => Some("check the Secret that baseImagePullSecretName names"),
        FailureCause::PushDenied => Some("check the Secret that finalImagePushSecretName names"),
        _ if is_killed => Some("raise build.resources.limits.memory, if it was killed for memory"),
        _ => None,
    };
    let lacks_memory = lacks_memory(output);
    let failure = BuildFailure { hint, ..failure };
    match failure.reason.as_deref() {
        Some(OUT_OF_MEMORY) => BuildFailure { hint: Some(MORE_MEMORY), cause: FailureCause::OutOfMemory, ..failure },
        Some("ContainerCannotRun" | "StartError" | "RunContainerError" | "CreateContainerError") => BuildFailure {
            step: "starting the container".into(),
            hint: Some(if lacks_memory {
                MORE_MEMORY
            } else {
                "check build.builderImage, and what the nodes' container runtime can run"
            }),
            cause: if lacks_memory { FailureCause::OutOfMemory } else { FailureCause::ContainerStart },
            ..failure
        },
        _ => failure,
    }
}

/// Whether a container that failed is a failed build, or a lost one.
pub(super) fn end(failure: BuildFailure) -> BuildStatus {
    let is_full = is_disk_full(failure.output.expose());
    if failure.cause != FailureCause::Lost && !is_full {
        return BuildStatus::Failed(failure);
    }
    // Nothing of the build, or of those who add containers to its pod, mends a node.
    let hint = failure.hint.filter(|_| !is_full);
    BuildStatus::Lost(BuildFailure { cause: FailureCause::Lost, hint, ..failure })
}
