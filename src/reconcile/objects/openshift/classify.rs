//! Classifies the status of a Build.

use serde_json::Value;

use crate::api::pool::field;
use crate::api::{Object, Sensitive};
use crate::reconcile::objects::answers::{Verdict, is_disk_full, verdict};
use crate::reconcile::observed::digest::Digest;
use crate::reconcile::observed::status::{BuildFailure, BuildStatus, FailureCause};

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

/// Reasons that may be an outage of a registry, unless it denied access or can never do what it is asked: with what the
/// build was about to do, and the causes of those two.
const REGISTRY_FAULTS: [(&str, &str, FailureCause, FailureCause); 3] = [
    ("PullBuilderImageFailed", "pulling the base image", FailureCause::PullDenied, FailureCause::PullFailed),
    ("FetchImageContentFailed", "pulling an image", FailureCause::PullDenied, FailureCause::PullFailed),
    ("PushImageToRegistryFailed", "pushing the image", FailureCause::PushDenied, FailureCause::PushFailed),
];

pub(in crate::reconcile::objects) fn classify(build: &Object) -> BuildStatus {
    let null = Value::Null;
    let status = build.data.get("status").unwrap_or(&null);
    match field(status, "phase") {
        "" | "New" | "Pending" => BuildStatus::Pending(delay(status)),
        "Complete" => complete(status),
        "Failed" | "Error" | "Cancelled" => ended(status),
        _ => BuildStatus::Running,
    }
}

fn delay(status: &Value) -> BuildFailure {
    match (field(status, "reason"), field(status, "message")) {
        ("", "") => BuildFailure::default(),
        (reason, message) => {
            BuildFailure { reason: named(reason), ..BuildFailure::loss("starting the Build", message) }
        }
    }
}

fn complete(status: &Value) -> BuildStatus {
    let digest = status.pointer("/output/to/imageDigest").and_then(Value::as_str).and_then(Digest::parse);
    let loss = || BuildFailure::loss("pushing the image", "the Build is complete, but bears no digest of an image");
    digest.map_or_else(|| BuildStatus::Lost(loss()), BuildStatus::Succeeded)
}

fn ended(status: &Value) -> BuildStatus {
    let reason = field(status, "reason");
    if LOSSES.contains(&reason) || is_disk_full(&words(status)) {
        return BuildStatus::Lost(failure(status, step_of(reason, "").0, FailureCause::Lost));
    }
    let Some((_, step, denied, hopeless)) = REGISTRY_FAULTS.into_iter().find(|(known, ..)| *known == reason) else {
        let (step, cause) = step_of(reason, field(status, "phase"));
        return BuildStatus::Failed(failure(status, step, cause));
    };
    match verdict(&last_error(status)) {
        Some(Verdict::Hopeless) => BuildStatus::Failed(failure(status, step, hopeless)),
        Some(Verdict::Denied) => BuildStatus::Failed(failure(status, &format!("{step}, which was denied"), denied)),
        None => BuildStatus::Lost(failure(status, step, FailureCause::Lost)),
    }
}

/// The last error that a Build tells of, to its end, on one line. What else it says, names of images included, is no
/// answer of a registry.
fn last_error(status: &Value) -> String {
    let words = words(status);
    let begins = ["build error: ", "\nerror: ", "\nError: "];
    let of = |begin: &&str| words.rfind(*begin).map(|at| &words[at + begin.len()..]);
    let error = begins.iter().find_map(of).or_else(|| words.lines().last()).unwrap_or_default();
    error.trim_start_matches("error: ").replace('\n', " ")
}

/// The step that a Build which ended for this reason was at, and what kind of failure that is.
fn step_of(reason: &str, phase: &str) -> (&'static str, FailureCause) {
    match reason {
        "DockerBuildFailed" => ("building the image", FailureCause::Build),
        "OutOfMemoryKilled" => ("building the image, which took more memory than there was", FailureCause::OutOfMemory),
        "ManageDockerfileFailed" => ("reading the Containerfile", FailureCause::Build),
        "CancelledBuild" => ("running the build, which was cancelled", FailureCause::Other),
        _ if phase == "Cancelled" => ("running the build, which was cancelled", FailureCause::Other),
        _ => ("running the build", FailureCause::Other),
    }
}

fn failure(status: &Value, step: &str, cause: FailureCause) -> BuildFailure {
    let words = words(status);
    let hint = match cause {
        FailureCause::OutOfMemory => Some("raise build.resources.limits.memory"),
        // So ends a command that was killed, which is most often for memory.
        FailureCause::Build if words.contains("exit status 137") => {
            Some("raise build.resources.limits.memory, if it was killed for memory")
        }
        _ => None,
    };
    let output = Sensitive::new(words);
    BuildFailure {
        step: step.to_owned(),
        reason: named(field(status, "reason")),
        output,
        hint,
        cause,
        ..BuildFailure::default()
    }
}

fn named(reason: &str) -> Option<String> {
    (!reason.is_empty()).then(|| reason.to_owned())
}

/// The message and the end of the log, as far as there are any.
fn words(status: &Value) -> String {
    let words = ["message", "logSnippet"].map(|name| field(status, name).trim());
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::observed::status::{failed, lost};
    use serde_json::json;

    fn status(status: Value) -> BuildStatus {
        classify(&serde_json::from_value(json!({"metadata": {"name": "build-r"}, "status": status})).unwrap())
    }

    #[test]
    fn phases_are_told_apart() {
        let pending = || BuildStatus::Pending(BuildFailure::default());
        assert_eq!(status(Value::Null), pending());
        for phase in ["", "New", "Pending"] {
            assert_eq!(status(json!({"phase": phase})), pending(), "{phase}");
        }
        assert_eq!(status(json!({"phase": "Running"})), BuildStatus::Running);
        for (phase, step) in [
            ("Failed", "running the build"),
            ("Error", "running the build"),
            ("Cancelled", "running the build, which was cancelled"),
        ] {
            let failure = failed(status(json!({"phase": phase})));
            assert_eq!((failure.step.as_str(), failure.cause), (step, FailureCause::Other), "{phase}");
        }
    }

    #[test]
    fn l15_what_keeps_a_build_from_starting_is_told() {
        let found = status(json!({"phase": "New", "reason": "CannotCreateBuildPod", "message": "quota exceeded"}));
        let BuildStatus::Pending(why) = found else { panic!("{found:?}") };
        assert_eq!(
            (why.reason.as_deref(), why.output.expose().as_str()),
            (Some("CannotCreateBuildPod"), "quota exceeded")
        );
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
                let loss = lost(found);
                assert_eq!((loss.reason.as_deref(), loss.output.expose().as_str()), (Some(reason), "node is going"));
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
            let failure = failed(status(json!({"phase": "Failed", "reason": reason})));
            assert_eq!(failure.reason.as_deref(), Some(reason));
        }
    }

    #[test]
    fn l43_a_failure_says_what_the_build_said() {
        let found = status(json!({
            "phase": "Failed", "reason": "DockerBuildFailed", "message": "Dockerfile build strategy has failed.",
            "logSnippet": "STEP 4: RUN dnf install tmuxx\nNo match\n",
        }));
        let failure = failed(found);
        let output = "Dockerfile build strategy has failed.\nSTEP 4: RUN dnf install tmuxx\nNo match";
        assert_eq!((failure.output.expose().as_str(), failure.cause), (output, FailureCause::Build));
    }

    #[test]
    fn a_build_that_needed_too_much_memory_says_which_setting_gives_more() {
        let failure = failed(status(json!({"phase": "Failed", "reason": "OutOfMemoryKilled"})));
        assert_eq!(failure.cause, FailureCause::OutOfMemory);
        assert_eq!(failure.hint, Some("raise build.resources.limits.memory"));
        let log = "error: build error: building at STEP \"RUN make\": while running runtime: exit status 137";
        let failure = failed(status(json!({"phase": "Failed", "reason": "DockerBuildFailed", "logSnippet": log})));
        assert_eq!(failure.cause, FailureCause::Build);
        assert!(failure.hint.is_some_and(|hint| hint.starts_with("raise build.resources.limits.memory")));
    }

    #[test]
    fn l42_a_registry_is_asked_again_unless_it_denied_access_or_can_never_do_it() {
        for (reason, step, denied, permanent) in REGISTRY_FAULTS {
            let said = |said: &str| status(json!({"phase": "Failed", "reason": reason, "logSnippet": said}));
            let loss = lost(said("connection refused"));
            assert_eq!((loss.step.as_str(), loss.output.expose().as_str()), (step, "connection refused"));
            let failure = failed(said("error: Unauthorized: access to the resource is not allowed"));
            assert_eq!((failure.step, failure.cause), (format!("{step}, which was denied"), denied));
            for words in [
                "name unknown: repository fleet/os not found",
                "MANIFEST_UNKNOWN",
                "tls: failed to verify certificate: x509: certificate signed by unknown authority",
                "denied: tag is immutable",
            ] {
                assert_eq!(failed(said(words)).cause, permanent, "{words}");
            }
        }
        let message = json!({"phase": "Failed", "reason": "PushImageToRegistryFailed", "message": "error: DENIED: no"});
        assert_eq!(failed(status(message)).cause, FailureCause::PushDenied);
    }

    #[test]
    fn only_the_last_error_is_read_and_no_name_in_it() {
        let begin = "Pushing image registry.test/denied/immutable-os:x509 ...\nWarning: unauthorized: try 1 failed\n";
        for (reason, error, expected) in [
            (
                "PushImageToRegistryFailed",
                "Failed to push image: writing blob: uploading layer to registry.test/v2/fleet/immutable-os: received \
                 unexpected HTTP status: 503 Service Unavailable",
                FailureCause::Lost,
            ),
            (
                "PullBuilderImageFailed",
                "reading manifest 9 in docker.io/fleet/os: toomanyrequests: You have reached your pull rate limit; \
                 access denied until reset",
                FailureCause::Lost,
            ),
            (
                "PushImageToRegistryFailed",
                "Failed to push image: writing blob: initiating layer upload: StatusCode: 403, \"\"",
                FailureCause::PushDenied,
            ),
            (
                "PushImageToRegistryFailed",
                "Failed to push image: pinging container registry r.test: Get \"https://r.test/v2/\": Proxy \
                 Authentication Required",
                FailureCause::PushDenied,
            ),
            (
                "PushImageToRegistryFailed",
                "Failed to push image: writing blob: uploading layer chunked: StatusCode: 413, \"\"",
                FailureCause::PushFailed,
            ),
            (
                "PushImageToRegistryFailed",
                "Failed to push image: uploading manifest: unknown: Repository does not allow updating assets: hosted",
                FailureCause::PushFailed,
            ),
            (
                "PullBuilderImageFailed",
                "no image found in image index for architecture arm64, variant \"v8\", OS linux",
                FailureCause::PullFailed,
            ),
            (
                "PullBuilderImageFailed",
                "reading manifest 9 in r.test/os: StatusCode: 404, \"<html>\"",
                FailureCause::PullFailed,
            ),
        ] {
            let log = format!("{begin}error: build error: {error}\n");
            let found = status(json!({"phase": "Failed", "reason": reason, "logSnippet": log, "message": "Failed."}));
            let cause = match found {
                BuildStatus::Lost(failure) | BuildStatus::Failed(failure) => failure.cause,
                found => panic!("{found:?}"),
            };
            assert_eq!(cause, expected, "{error}");
        }
    }

    #[test]
    fn a_node_whose_disk_is_full_loses_the_build() {
        for reason in ["DockerBuildFailed", "GenericBuildFailed", "PushImageToRegistryFailed"] {
            let status =
                status(json!({"phase": "Failed", "reason": reason, "logSnippet": "write x: no space left on device"}));
            assert_eq!(lost(status).cause, FailureCause::Lost);
        }
    }
}
