//! What a Pod says of the build in it.

use serde_json::Value;

use super::IMAGE_BUILD;
use crate::api::pool::field;
use crate::api::{Object, Sensitive};
use crate::plan::digest::Digest;
use crate::plan::status::{BuildFailure, BuildStatus, FailureCause};

/// Reasons of a Pod's status that mean that the cluster ended it, not its containers.
const DISRUPTIONS: [&str; 7] =
    ["Evicted", "Preempting", "NodeLost", "NodeShutdown", "Shutdown", "Terminated", "UnexpectedAdmissionError"];

pub(super) fn classify(pod: &Object) -> BuildStatus {
    let phase = pod.data.pointer("/status/phase").and_then(Value::as_str).unwrap_or_default();
    let build = terminated(pod, IMAGE_BUILD);
    let exit_code = build.and_then(exit_code);
    // A pushed image is a pushed image, whatever became of the rest of the Pod.
    if exit_code == Some(0)
        && let Some(digest) = build.and_then(|state| Digest::parse(field(state, "message")))
    {
        return BuildStatus::Succeeded(digest);
    }
    if let Some(why) = disruption(pod) {
        return BuildStatus::Lost(why);
    }
    if is_overdue(pod) {
        return BuildStatus::Failed(overdue(pod, build));
    }
    match (exit_code, phase) {
        (Some(0), "Failed") | (_, "Succeeded") => BuildStatus::DigestInConfigMap,
        (Some(0), _) => BuildStatus::Running,
        (Some(30), _) => BuildStatus::Lost("the base image could not be pulled".into()),
        (Some(40), _) => BuildStatus::Lost("the image could not be pushed".into()),
        (Some(code), _) => BuildStatus::Failed(failure(code, build)),
        (None, "Failed") => BuildStatus::Failed(bare_failure(pod)),
        (None, "" | "Pending") => BuildStatus::Pending(waiting_for(pod)),
        (None, _) => BuildStatus::Running,
    }
}

fn terminated<'p>(pod: &'p Object, container: &str) -> Option<&'p Value> {
    let statuses = pod.data.pointer("/status/containerStatuses")?.as_array()?;
    statuses.iter().find(|status| field(status, "name") == container)?.pointer("/state/terminated")
}

fn exit_code(state: &Value) -> Option<i32> {
    state.get("exitCode")?.as_i64()?.try_into().ok()
}

fn disruption(pod: &Object) -> Option<String> {
    let status = pod.data.get("status")?;
    let conditions = status.get("conditions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_disrupted = |c: &&Value| field(c, "type") == "DisruptionTarget" && field(c, "status") == "True";
    let by_condition = conditions.iter().find(is_disrupted).map(|c| (field(c, "reason"), field(c, "message")));
    let by_reason = (DISRUPTIONS.contains(&field(status, "reason")) && field(status, "phase") != "Succeeded")
        .then(|| (field(status, "reason"), field(status, "message")));
    let (reason, message) = by_reason.or(by_condition.filter(|_| field(status, "phase") == "Failed"))?;
    Some(format!("{reason}: {message}").trim_end_matches([':', ' ']).to_owned())
}

/// Whether the cluster ended a Pod because it took longer than it may.
fn is_overdue(pod: &Object) -> bool {
    pod.data.pointer("/status/reason").and_then(Value::as_str) == Some("DeadlineExceeded")
}

fn overdue(pod: &Object, build: Option<&Value>) -> BuildFailure {
    let output = build.map(|state| field(state, "message")).filter(|text| !text.is_empty());
    BuildFailure {
        step: "running the build, which took longer than its deadline".into(),
        exit_code: build.and_then(exit_code),
        output: output.map_or_else(|| bare_failure(pod).output, |text| Sensitive::new(text.to_owned())),
        cause: FailureCause::Deadline,
    }
}

fn failure(code: i32, state: Option<&Value>) -> BuildFailure {
    let (step, cause) = match code {
        10 => ("reading the MachineConfig", FailureCause::BadPayload),
        20 => ("building the image", FailureCause::Build),
        31 => ("pulling the base image, which was denied", FailureCause::PullDenied),
        41 => ("pushing the image, which was denied", FailureCause::PushDenied),
        _ => ("running the build", FailureCause::Other),
    };
    let output = state.map(|state| field(state, "message")).unwrap_or_default();
    BuildFailure { step: step.into(), exit_code: Some(code), output: Sensitive::new(output.into()), cause }
}

/// What keeps a Pod from starting: a container that cannot start, or a scheduler that has no place for it.
fn waiting_for(pod: &Object) -> String {
    let list = |pointer: &str| pod.data.pointer(pointer).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let of_container = list("/status/containerStatuses").iter().find_map(|status| {
        let waiting = status.pointer("/state/waiting")?;
        // Ordinary stations on the way to a start.
        let is_ordinary = matches!(field(waiting, "reason"), "" | "ContainerCreating" | "PodInitializing");
        (!is_ordinary).then_some(waiting)
    });
    let of_scheduler = list("/status/conditions")
        .iter()
        .find(|condition| field(condition, "type") == "PodScheduled" && field(condition, "status") == "False");
    let Some(cause) = of_container.or(of_scheduler) else { return String::new() };
    format!("{}: {}", field(cause, "reason"), field(cause, "message")).trim_end_matches([':', ' ']).to_owned()
}

/// A Pod that failed without a word of its containers.
fn bare_failure(pod: &Object) -> BuildFailure {
    let status = pod.data.get("status").cloned().unwrap_or_default();
    let words = [field(&status, "reason"), field(&status, "message")];
    let output = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(": ");
    let (step, cause) = ("running the pod".into(), FailureCause::Other);
    BuildFailure { step, exit_code: None, output: Sensitive::new(output), cause }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(status: Value) -> Object {
        serde_json::from_value(json!({"metadata": {"name": "build-r"}, "status": status})).unwrap()
    }

    fn container(name: &str, code: i32, message: &str) -> Value {
        json!({"name": name, "state": {"terminated": {"exitCode": code, "message": message}}})
    }

    fn status(phase: &str, containers: Vec<Value>) -> BuildStatus {
        classify(&pod(json!({"phase": phase, "containerStatuses": containers})))
    }

    fn digest() -> String {
        format!("sha256:{}", "ab".repeat(32))
    }

    #[test]
    fn phases_are_told_apart() {
        assert_eq!(classify(&pod(Value::Null)), BuildStatus::Pending(String::new()));
        assert_eq!(status("Pending", vec![]), BuildStatus::Pending(String::new()));
        assert_eq!(status("Running", vec![]), BuildStatus::Running);
        assert_eq!(status("Succeeded", vec![]), BuildStatus::DigestInConfigMap);
        assert!(matches!(status("Failed", vec![]), BuildStatus::Failed(_)));
    }

    #[test]
    fn l15_what_keeps_a_pod_from_starting_is_told() {
        let waiting = json!({"reason": "ImagePullBackOff", "message": "no such image"});
        let found = classify(&pod(json!({
            "phase": "Pending", "containerStatuses": [{"name": IMAGE_BUILD, "state": {"waiting": waiting}}],
        })));
        assert_eq!(found, BuildStatus::Pending("ImagePullBackOff: no such image".into()));
        let unscheduled =
            json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}]);
        let found = classify(&pod(json!({"phase": "Pending", "conditions": unscheduled})));
        assert_eq!(found, BuildStatus::Pending("Unschedulable: 0/3 nodes".into()));
    }

    #[test]
    fn a_digest_as_termination_message_is_success_whatever_became_of_the_helper() {
        for phase in ["Running", "Succeeded", "Failed"] {
            let containers = vec![container(IMAGE_BUILD, 0, &digest()), container("wait-for-done", 1, "")];
            assert_eq!(status(phase, containers), BuildStatus::Succeeded(Digest::parse(&digest()).unwrap()));
        }
    }

    #[test]
    fn l41_an_exit_without_a_digest_is_no_success_yet() {
        assert_eq!(status("Running", vec![container(IMAGE_BUILD, 0, "sha256:no")]), BuildStatus::Running);
        assert_eq!(status("Failed", vec![container(IMAGE_BUILD, 0, "")]), BuildStatus::DigestInConfigMap);
    }

    #[test]
    fn l13_a_dead_build_container_is_a_failed_build_while_the_pod_still_runs() {
        let found = status("Running", vec![container(IMAGE_BUILD, 20, "no such package")]);
        let expected = BuildFailure {
            step: "building the image".into(),
            exit_code: Some(20),
            output: Sensitive::new("no such package".into()),
            cause: FailureCause::Build,
        };
        assert_eq!(found, BuildStatus::Failed(expected));
    }

    #[test]
    fn exit_codes_tell_what_may_be_tried_again() {
        for (code, is_lost) in
            [(10, false), (20, false), (30, true), (31, false), (40, true), (41, false), (137, false)]
        {
            let found = status("Failed", vec![container(IMAGE_BUILD, code, "")]);
            assert_eq!(matches!(found, BuildStatus::Lost(_)), is_lost, "{code}");
        }
    }

    #[test]
    fn each_failure_has_its_cause() {
        let cause =
            |status| if let BuildStatus::Failed(failure) = status { failure.cause } else { panic!("{status:?}") };
        for (code, expected) in [
            (10, FailureCause::BadPayload),
            (20, FailureCause::Build),
            (31, FailureCause::PullDenied),
            (41, FailureCause::PushDenied),
            (137, FailureCause::Other),
        ] {
            assert_eq!(cause(status("Failed", vec![container(IMAGE_BUILD, code, "")])), expected, "{code}");
        }
        assert_eq!(cause(status("Failed", vec![])), FailureCause::Other);
        let late = json!({"phase": "Failed", "reason": "DeadlineExceeded"});
        assert_eq!(cause(classify(&pod(late))), FailureCause::Deadline);
    }

    #[test]
    fn l14_what_the_cluster_took_away_is_lost_not_failed() {
        for reason in DISRUPTIONS {
            let found = classify(&pod(json!({"phase": "Failed", "reason": reason, "message": "node is going"})));
            assert_eq!(found, BuildStatus::Lost(format!("{reason}: node is going")));
        }
        let condition = json!([{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]);
        let found = classify(&pod(json!({
            "phase": "Failed", "conditions": condition, "containerStatuses": [container(IMAGE_BUILD, 137, "")],
        })));
        assert_eq!(found, BuildStatus::Lost("PreemptionByScheduler".into()));
    }
}
