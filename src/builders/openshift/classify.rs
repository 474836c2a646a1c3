//! What a Build says of itself.

use serde_json::Value;

use crate::api::pool::field;
use crate::api::{Object, Sensitive};
use crate::plan::digest::Digest;
use crate::plan::status::{BuildFailure, BuildStatus, FailureCause};

/// Reasons of a Build's end that mean that the cluster took its pod, or never gave it one.
const LOSSES: [&str; 7] = [
    "BuildPodDeleted",
    "BuildPodEvicted",
    // The pod of an earlier Build of this name is not gone yet.
    "BuildPodExists",
    "CannotCreateBuildPod",
    "CannotRetrieveServiceAccount",
    "ExceededRetryTimeout",
    // The pod ended before any of its containers began.
    "NoBuildContainerStatus",
];

/// Reasons that may be a registry's bad day, unless it said no: with what the build was about to do, and what it is
/// then.
const REGISTRY_FAULTS: [(&str, &str, FailureCause); 3] = [
    ("PullBuilderImageFailed", "pulling the base image", FailureCause::PullDenied),
    ("FetchImageContentFailed", "pulling an image", FailureCause::PullDenied),
    ("PushImageToRegistryFailed", "pushing the image", FailureCause::PushDenied),
];

/// What a registry says to those whom it does not let in, in lower case: the words that the pod builder goes by too.
const DENIALS: [&str; 5] = ["unauthorized", "authentication required", "denied", "forbidden", "invalid username"];

pub(super) fn classify(build: &Object) -> BuildStatus {
    let null = Value::Null;
    let status = build.data.get("status").unwrap_or(&null);
    match field(status, "phase") {
        "" | "New" | "Pending" => BuildStatus::Pending(words(status, ["reason", "message"], ": ")),
        "Complete" => complete(status),
        "Failed" | "Error" | "Cancelled" => ended(status),
        _ => BuildStatus::Running,
    }
}

fn complete(status: &Value) -> BuildStatus {
    let digest = status.pointer("/output/to/imageDigest").and_then(Value::as_str).and_then(Digest::parse);
    digest.map_or_else(
        || BuildStatus::Lost("it is complete, but bears no digest of an image".into()),
        BuildStatus::Succeeded,
    )
}

fn ended(status: &Value) -> BuildStatus {
    let reason = field(status, "reason");
    if LOSSES.contains(&reason) {
        return BuildStatus::Lost(words(status, ["reason", "message"], ": "));
    }
    match REGISTRY_FAULTS.into_iter().find(|(known, ..)| *known == reason) {
        Some((_, step, cause)) if is_denied(status) => failed(status, &format!("{step}, which was denied"), cause),
        Some(_) => BuildStatus::Lost(words(status, ["reason", "message"], ": ")),
        None => failed(status, step_of(reason, field(status, "phase")), cause_of(reason)),
    }
}

fn is_denied(status: &Value) -> bool {
    let said = words(status, ["message", "logSnippet"], "\n").to_lowercase();
    DENIALS.into_iter().any(|denial| said.contains(denial))
}

fn step_of(reason: &str, phase: &str) -> &'static str {
    match reason {
        "DockerBuildFailed" => "building the image",
        "OutOfMemoryKilled" => "building the image, which took more memory than there was",
        "ManageDockerfileFailed" => "reading the Containerfile",
        "CancelledBuild" => "running the build, which was cancelled",
        _ if phase == "Cancelled" => "running the build, which was cancelled",
        _ => "running the build",
    }
}

fn cause_of(reason: &str) -> FailureCause {
    match reason {
        "DockerBuildFailed" | "OutOfMemoryKilled" | "ManageDockerfileFailed" => FailureCause::Build,
        _ => FailureCause::Other,
    }
}

fn failed(status: &Value, step: &str, cause: FailureCause) -> BuildStatus {
    let reason = field(status, "reason");
    let step = if reason.is_empty() { step.to_owned() } else { format!("{step} ({reason})") };
    let output = words(status, ["message", "logSnippet"], "\n");
    BuildStatus::Failed(BuildFailure { step, exit_code: None, output: Sensitive::new(output), cause })
}

/// What two fields say, as far as they say anything.
fn words(status: &Value, fields: [&str; 2], separator: &str) -> String {
    let words = fields.map(|name| field(status, name).trim());
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(status: Value) -> BuildStatus {
        classify(&serde_json::from_value(json!({"metadata": {"name": "build-r"}, "status": status})).unwrap())
    }

    fn failure(step: &str, output: &str, cause: FailureCause) -> BuildStatus {
        let output = Sensitive::new(output.into());
        BuildStatus::Failed(BuildFailure { step: step.into(), exit_code: None, output, cause })
    }

    #[test]
    fn phases_are_told_apart() {
        let pending = || BuildStatus::Pending(String::new());
        assert_eq!(status(Value::Null), pending());
        for (phase, expected) in [
            ("", pending()),
            ("New", pending()),
            ("Pending", pending()),
            ("Running", BuildStatus::Running),
            ("Failed", failure("running the build", "", FailureCause::Other)),
            ("Error", failure("running the build", "", FailureCause::Other)),
            ("Cancelled", failure("running the build, which was cancelled", "", FailureCause::Other)),
        ] {
            assert_eq!(status(json!({"phase": phase})), expected, "{phase}");
        }
    }

    #[test]
    fn l15_what_keeps_a_build_from_starting_is_told() {
        let found = status(json!({"phase": "New", "reason": "CannotCreateBuildPod", "message": "quota exceeded"}));
        assert_eq!(found, BuildStatus::Pending("CannotCreateBuildPod: quota exceeded".into()));
    }

    #[test]
    fn l41_only_a_complete_build_with_a_valid_digest_is_a_success() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let with =
            |phase: &str, digest: &str| status(json!({"phase": phase, "output": {"to": {"imageDigest": digest}}}));
        assert_eq!(with("Complete", &digest), BuildStatus::Succeeded(Digest::parse(&digest).unwrap()));
        assert!(matches!(with("Complete", "sha256:short"), BuildStatus::Lost(_)));
        assert!(matches!(status(json!({"phase": "Complete"})), BuildStatus::Lost(_)));
        assert_eq!(with("Running", &digest), BuildStatus::Running);
        assert!(matches!(with("Failed", &digest), BuildStatus::Failed(_)));
    }

    #[test]
    fn l14_what_the_cluster_took_away_is_lost_not_failed() {
        for reason in LOSSES {
            for phase in ["Failed", "Error"] {
                let found = status(json!({"phase": phase, "reason": reason, "message": "node is going"}));
                assert_eq!(found, BuildStatus::Lost(format!("{reason}: node is going")));
            }
        }
    }

    #[test]
    fn every_other_reason_is_the_users_failure() {
        for reason in [
            "DockerBuildFailed",
            "GenericBuildFailed",
            "ManageDockerfileFailed",
            "OutOfMemoryKilled",
            "CancelledBuild",
            "InvalidContextDirectory",
            "UnresolvableEnvironmentVariable",
            "InvalidOutputReference",
            "FailedContainer",
            "MissingPushSecret",
            "PostCommitHookFailed",
            "CannotCreateBuildPodSpec",
            "InvalidImageReference",
            "FetchSourceFailed",
            "CancelBuildFailed",
            "Error",
            "SomethingNew",
        ] {
            let BuildStatus::Failed(failure) = status(json!({"phase": "Failed", "reason": reason})) else {
                panic!("{reason} is a failure");
            };
            assert!(failure.step.ends_with(&format!("({reason})")), "{}", failure.step);
        }
    }

    #[test]
    fn l43_a_failure_says_what_the_build_said() {
        let found = status(json!({
            "phase": "Failed", "reason": "DockerBuildFailed", "message": "Dockerfile build strategy has failed.",
            "logSnippet": "STEP 4: RUN dnf install tmuxx\nNo match\n",
        }));
        let output = "Dockerfile build strategy has failed.\nSTEP 4: RUN dnf install tmuxx\nNo match";
        assert_eq!(found, failure("building the image (DockerBuildFailed)", output, FailureCause::Build));
    }

    #[test]
    fn l42_a_registry_is_asked_again_unless_it_said_no() {
        for (reason, step, cause) in REGISTRY_FAULTS {
            let said = |said: &str| status(json!({"phase": "Failed", "reason": reason, "logSnippet": said}));
            assert_eq!(said("connection refused"), BuildStatus::Lost(reason.into()));
            let denied = "error: Unauthorized: access to the resource is not allowed";
            assert_eq!(said(denied), failure(&format!("{step}, which was denied ({reason})"), denied, cause));
        }
        let message = json!({"phase": "Failed", "reason": "PushImageToRegistryFailed", "message": "access DENIED"});
        assert!(matches!(status(message), BuildStatus::Failed(_)));
    }
}
