//! The status of a pod.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Container;
use serde_json::{Value, json};

use super::container::ContainerEnd;
use crate::simulation::kubelet::simulated::time;

/// Where a container is.
#[derive(Debug, Clone)]
pub(super) enum ContainerState {
    /// It has not started.
    Waiting {
        reason: &'static str,
        message: String,
    },
    Running {
        started_at: Timestamp,
    },
    Ended {
        started_at: Timestamp,
        end: ContainerEnd,
    },
}

/// The statuses of containers, in the order of the spec.
pub(super) fn containers(specs: &[Container], states: &[ContainerState]) -> Value {
    specs.iter().zip(states).map(|(spec, state)| container(spec, state)).collect()
}

fn container(spec: &Container, state: &ContainerState) -> Value {
    let is_running = matches!(state, ContainerState::Running { .. });
    let state = match state {
        ContainerState::Waiting { reason, message } if message.is_empty() => json!({"waiting": {"reason": reason}}),
        ContainerState::Waiting { reason, message } => json!({"waiting": {"reason": reason, "message": message}}),
        ContainerState::Running { started_at } => json!({"running": {"startedAt": time(*started_at)}}),
        ContainerState::Ended { started_at, end } => json!({"terminated": {
            "exitCode": end.exit_code,
            "reason": if end.exit_code == 0 { "Completed" } else { "Error" },
            "message": end.message,
            "startedAt": time(*started_at),
            "finishedAt": time(end.finished_at),
        }}),
    };
    json!({
        "name": spec.name, "image": spec.image.as_deref().unwrap_or_default(), "imageID": "",
        "ready": is_running, "started": is_running, "restartCount": 0, "state": state,
    })
}

/// The phase that containers make together.
pub(super) fn phase(states: &[ContainerState]) -> &'static str {
    let has_failed = |state: &ContainerState| matches!(state, ContainerState::Ended { end, .. } if end.exit_code != 0);
    if states.iter().all(|state| matches!(state, ContainerState::Waiting { .. })) {
        "Pending"
    } else if !states.iter().all(|state| matches!(state, ContainerState::Ended { .. })) {
        "Running"
    } else if states.iter().any(has_failed) {
        "Failed"
    } else {
        "Succeeded"
    }
}

/// Whether all containers run.
pub(super) fn is_ready(states: &[ContainerState]) -> bool {
    states.iter().all(|state| matches!(state, ContainerState::Running { .. }))
}
