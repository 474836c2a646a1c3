use serde_json::{Value, json};

use super::super::WAIT_FOR_DONE;
use super::super::classify::classify;
use super::*;
use crate::reconcile::observed::status::{self, BuildStatus, FailureCause};

fn pod(status: Value) -> Object {
    serde_json::from_value(json!({"metadata": {"name": "build-r"}, "status": status})).unwrap()
}

fn ended(name: &str, code: i32, reason: &str) -> Value {
    json!({"name": name, "state": {"terminated": {"exitCode": code, "reason": reason}}})
}

fn said(name: &str, code: i32, message: &str) -> Value {
    json!({"name": name, "state": {"terminated": {"exitCode": code, "reason": "Error", "message": message}}})
}

fn waiting(name: &str) -> Value {
    json!({"name": name, "state": {"waiting": {"reason": "PodInitializing"}}})
}

fn running(name: &str) -> Value {
    json!({"name": name, "state": {"running": {}}})
}

fn lost(status: Value) -> BuildFailure {
    status::lost(classify(&pod(status)))
}

fn failed(status: Value) -> BuildFailure {
    status::failed(classify(&pod(status)))
}

#[test]
fn a_container_that_a_restart_of_its_runtime_lost_is_lost() {
    for phase in ["Running", "Failed"] {
        for (build, push) in [(ended(IMAGE_BUILD, 255, "Unknown"), 255), (ended(IMAGE_BUILD, 0, "Completed"), 255)] {
            let containers = [build, ended(IMAGE_PUSH, push, "Unknown"), ended(WAIT_FOR_DONE, 255, "Unknown")];
            let loss = lost(json!({"phase": phase, "containerStatuses": containers}));
            assert_eq!(loss.reason.as_deref(), Some("Unknown"));
            assert_eq!(loss.output.expose(), "the node or its container runtime was restarted");
        }
    }
    let containers = [ended(IMAGE_BUILD, 20, "Error"), ended(IMAGE_PUSH, 255, "Unknown")];
    assert_eq!(failed(json!({"phase": "Failed", "containerStatuses": containers})).exit_code, Some(20));
}

#[test]
fn a_helper_of_which_nothing_is_known_is_why_the_pod_was_lost_where_the_build_did_not_end() {
    for (code, reason) in [(137, "ContainerStatusUnknown"), (255, "Unknown")] {
        let init = json!({
            "phase": "Failed", "containerStatuses": [waiting(IMAGE_BUILD)],
            "initContainerStatuses": [ended("istio-init", code, reason)],
        });
        assert_eq!(lost(init).reason.as_deref(), Some(reason));
        for other in [WAIT_FOR_DONE, "istio-proxy"] {
            let containers = [waiting(IMAGE_BUILD), waiting(IMAGE_PUSH), ended(other, code, reason)];
            let loss = lost(json!({"phase": "Failed", "containerStatuses": containers}));
            assert_eq!(loss.reason.as_deref(), Some(reason), "{other}");
        }
        let last = json!({"terminated": {"exitCode": code, "reason": reason}});
        let containers =
            [json!({"name": IMAGE_BUILD, "state": {"waiting": {"reason": "ContainerCreating"}}, "lastState": last})];
        assert_eq!(lost(json!({"phase": "Failed", "containerStatuses": containers})).reason.as_deref(), Some(reason));
        let containers = [running(IMAGE_BUILD), running(IMAGE_PUSH), ended(WAIT_FOR_DONE, code, reason)];
        let running = json!({"phase": "Running", "containerStatuses": containers});
        assert_eq!(classify(&pod(running)), BuildStatus::Running);
    }
}

#[test]
fn a_refusal_of_the_kubelet_counts_before_the_containers_that_it_ended() {
    for reason in ["UnexpectedAdmissionError", "NodeAffinity", "OutOfcpu"] {
        let loss = lost(json!({
            "phase": "Failed", "reason": reason, "message": "Pod was rejected",
            "containerStatuses": [waiting(IMAGE_BUILD)],
            "initContainerStatuses": [ended("istio-proxy", 137, "Error")],
        }));
        assert_eq!((loss.reason.as_deref(), loss.output.expose().as_str()), (Some(reason), "Pod was rejected"));
        for code in [137, 143] {
            let containers = [ended(IMAGE_BUILD, code, "Error"), ended(IMAGE_PUSH, code, "Error")];
            let loss = lost(json!({"phase": "Failed", "reason": reason, "containerStatuses": containers}));
            assert_eq!(loss.reason.as_deref(), Some(reason), "{code}");
        }
        let containers = [ended(IMAGE_BUILD, 137, "OOMKilled")];
        let failure = failed(json!({"phase": "Failed", "reason": reason, "containerStatuses": containers}));
        assert_eq!(failure.cause, FailureCause::OutOfMemory);
    }
}

#[test]
fn a_container_that_a_signal_ended_is_lost_once_the_cluster_says_why() {
    for (code, others) in [
        (143, vec![running(IMAGE_PUSH), running(WAIT_FOR_DONE)]),
        (137, vec![running(IMAGE_PUSH), running(WAIT_FOR_DONE)]),
        (143, vec![ended(IMAGE_PUSH, 143, "Error"), running("istio-proxy")]),
        (143, vec![]),
    ] {
        let containers: Vec<Value> = [ended(IMAGE_BUILD, code, "Error")].into_iter().chain(others).collect();
        let mut status = json!({"phase": "Running", "containerStatuses": containers});
        assert!(
            matches!(classify(&pod(status.clone())), BuildStatus::Failed(_)),
            "every other end is a failure, at once"
        );
        status["conditions"] =
            json!([{"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}]);
        assert_eq!(lost(status.clone()).reason.as_deref(), Some("TerminationByKubelet"));
        status["conditions"] = Value::Null;
        status["phase"] = "Failed".into();
        status["reason"] = "Terminated".into();
        assert_eq!(lost(status).reason.as_deref(), Some("Terminated"));
    }
    let containers = [ended(IMAGE_BUILD, 137, "OOMKilled"), running(IMAGE_PUSH)];
    let failure = failed(json!({"phase": "Running", "containerStatuses": containers}));
    assert_eq!(failure.cause, FailureCause::OutOfMemory);
}

#[test]
fn a_build_that_was_killed_as_its_pod_was_deleted_is_lost() {
    let containers = [ended(IMAGE_BUILD, 137, "Error")];
    let mut deleted = pod(json!({"phase": "Failed", "containerStatuses": containers}));
    assert!(matches!(classify(&deleted), BuildStatus::Failed(_)));
    let now: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    deleted.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now));
    assert!(matches!(classify(&deleted), BuildStatus::Lost(_)));
}

#[test]
fn a_push_that_gave_up_on_a_build_that_runs_is_lost() {
    let silent = "the container that builds the image was killed; nothing is pushed";
    for phase in ["Running", "Failed"] {
        let containers = [running(IMAGE_BUILD), said(IMAGE_PUSH, 1, silent), said(WAIT_FOR_DONE, 1, "not pushed")];
        let loss = lost(json!({"phase": phase, "containerStatuses": containers}));
        assert_eq!((loss.exit_code, loss.output.expose().as_str()), (Some(1), silent));
    }
    let containers = [ended(IMAGE_BUILD, 137, "OOMKilled"), said(IMAGE_PUSH, 1, silent)];
    let failure = failed(json!({"phase": "Failed", "containerStatuses": containers}));
    assert_eq!(failure.cause, FailureCause::OutOfMemory);
    // The end of a build that has left its mark is about to be shown.
    let containers = [running(IMAGE_BUILD), said(IMAGE_PUSH, 1, "the image was not built; nothing is pushed")];
    assert_eq!(classify(&pod(json!({"phase": "Running", "containerStatuses": containers}))), BuildStatus::Running);
}

#[test]
fn a_full_disk_loses_the_build_in_whichever_container_it_is_met() {
    let full = "write /vault/secrets/x: no space left on device";
    let init = json!({
        "phase": "Failed", "containerStatuses": [waiting(IMAGE_BUILD)],
        "initContainerStatuses": [said("vault-agent-init", 1, full)],
    });
    let loss = lost(init);
    assert_eq!((loss.container.as_deref(), loss.hint), (Some("vault-agent-init"), None));
    let containers = [waiting(IMAGE_BUILD), said("istio-proxy", 1, full)];
    let sidecar = json!({"phase": "Failed", "containerStatuses": containers});
    assert_eq!(lost(sidecar).container.as_deref(), Some("istio-proxy"));
}
