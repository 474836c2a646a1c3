//! A pod that a kubelet carries: what its spec says, and the statuses of its containers.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, Pod};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use super::requests::time;
use crate::apiserver::PodLogs;
use crate::reconcile::objects::pod::{IMAGE_BUILD, IMAGE_PUSH};
use crate::simulation::kubelet::timings::BuildTimings;
use crate::simulation::outcome::BuildOutcome;
use crate::simulation::people::registry::FakeRegistry;

/// The reason in the status of a pod whose node is gone.
pub(super) const NODE_LOST: &str = "NodeLost";

/// Carries one pod.
pub(super) struct PodRunner {
    pub(super) client: Client,
    pub(super) ledger: FakeRegistry,
    pub(super) pod: Pod,
    pub(super) pace: BuildTimings,
    /// How the build ends.
    pub(super) ending: BuildOutcome,
    /// Whether the pod is put on a node.
    pub(super) is_bound: bool,
    /// Where the containers write to, on a whole node.
    pub(super) logs: Option<PodLogs>,
}

impl PodRunner {
    pub(super) fn log(&self, container: &str, line: &str) {
        if let Some(logs) = &self.logs {
            logs.append(&self.pod.uid().unwrap_or_default(), container, line);
        }
    }

    pub(super) fn all_running(&self) -> Vec<Value> {
        self.containers().iter().map(|container| self.running(&container.name)).collect()
    }

    /// The container `of` has ended so, and any other with it: where that pushes, the image was built before.
    pub(super) fn all_ended(&self, of: &str, exit_code: i32, message: &str) -> Vec<Value> {
        let ended = |container: &Container| match container.name.as_str() {
            name if name == of => self.ended(name, (exit_code, word(exit_code), message)),
            name @ IMAGE_BUILD if of == IMAGE_PUSH => self.ended(name, (0, word(0), "")),
            other => self.ended(other, (exit_code.min(1), word(exit_code), "")),
        };
        self.containers().iter().map(ended).collect()
    }

    /// The container that pushes, and leaves the digest.
    pub(super) fn pusher(&self) -> &'static str {
        let is_apart = self.containers().iter().any(|container| container.name == IMAGE_PUSH);
        if is_apart { IMAGE_PUSH } else { IMAGE_BUILD }
    }

    pub(super) fn running(&self, container: &str) -> Value {
        let since = if self.logs.is_some() { json!({"startedAt": time(Timestamp::now())}) } else { json!({}) };
        self.container_status(container, true, &json!({"running": since}))
    }

    pub(super) fn ended(&self, container: &str, (exit_code, reason, message): (i32, &str, &str)) -> Value {
        let mut end = json!({"exitCode": exit_code, "reason": reason});
        if !message.is_empty() {
            end["message"] = message.into();
        }
        if self.logs.is_some() {
            end["finishedAt"] = time(Timestamp::now()).into();
        }
        self.container_status(container, false, &json!({"terminated": end}))
    }

    pub(super) fn container_status(&self, name: &str, ready: bool, state: &Value) -> Value {
        let container = self.containers().iter().find(|container| container.name == name);
        let image = container.and_then(|container| container.image.as_deref()).unwrap_or_default();
        json!({"name": name, "image": image, "imageID": "", "ready": ready, "restartCount": 0, "state": state})
    }

    pub(super) fn containers(&self) -> &[Container] {
        self.pod.spec.as_ref().map_or(&[], |spec| spec.containers.as_slice())
    }

    pub(super) fn environment(&self, container: &str, name: &str) -> Option<String> {
        let container = self.containers().iter().find(|c| c.name == container)?;
        container.env.as_ref()?.iter().find(|variable| variable.name == name)?.value.clone()
    }

    /// The ConfigMap that a volume is made from.
    pub(super) fn volume(&self, name: &str) -> Option<String> {
        let volume = self.pod.spec.as_ref()?.volumes.as_ref()?.iter().find(|volume| volume.name == name)?;
        Some(volume.config_map.as_ref()?.name.clone())
    }
}

/// Whether the pod's node is lost, so no kubelet can end the pod when it is deleted.
pub(super) fn is_on_lost_node(pod: &Pod) -> bool {
    pod.status.as_ref().and_then(|status| status.reason.as_deref()) == Some(NODE_LOST)
}

/// The reason with which a container ends whose program has.
const fn word(exit_code: i32) -> &'static str {
    if exit_code == 0 { "Completed" } else { "Error" }
}
