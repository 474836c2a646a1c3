//! The lifecycle of one pod.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, Pod};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};
use tokio::time;

use crate::api::{Kind, Object};
use crate::apiserver::PodLogs;
use crate::reconcile::objects::pod::{IMAGE_BUILD, IMAGE_PUSH, WAIT_FOR_DONE};
use crate::simulation::kubelet::simulated::ends::NODE_LOST;
use crate::simulation::kubelet::timings::BuildTimings;
use crate::simulation::outcome::BuildOutcome;
use crate::simulation::people::registry::FakeRegistry;
use crate::simulation::{payload, seed};

/// How many times as long as others a pod takes to start whose images cannot be pulled at first.
const BACK_OFF_FACTOR: u32 = 10;
/// How long the containers of a pod go on of which one has ended.
const BETWEEN_ENDS: Duration = Duration::from_secs(3);

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
    /// Runs a build.
    pub(super) async fn build(&self) -> kube::Result<()> {
        self.bind().await?;
        time::sleep(self.pace.pending).await;
        if self.is_kept_from_starting().await? {
            return Ok(());
        }
        self.log(IMAGE_BUILD, "building the image");
        self.set_status("Running", &self.all_running()).await?;
        let mounted = self.volume("machineconfig").unwrap_or_default();
        let machine_config = payload::machine_config_in(&self.client, &mounted, &self.ledger).await?;
        self.log(IMAGE_BUILD, &format!("applying {machine_config} to the base OS image"));
        time::sleep(self.pace.running).await;
        if self.ends_badly().await? {
            return Ok(());
        }
        let pusher = self.pusher();
        let Some(pullspec) = self.environment(pusher, "FINAL_IMAGE") else {
            self.ledger.complain(format!("{} does not say what to push", self.pod.name_any()));
            return self.set_status("Failed", &[]).await;
        };
        let digest = self.ledger.push(&pullspec, machine_config, &self.pod.uid().unwrap_or_default());
        self.log(pusher, &format!("pushed {pullspec} as {digest}"));
        if let Some(manifest) = self.environment(WAIT_FOR_DONE, "DIGEST_MANIFEST") {
            self.hand_over(&manifest.replace("@DIGEST@", &digest)).await?;
        }
        self.set_status("Succeeded", &self.all_ended(pusher, 0, &digest)).await
    }

    /// Whether the pod never starts; one that starts late is waited for.
    async fn is_kept_from_starting(&self) -> kube::Result<bool> {
        match self.ending {
            BuildOutcome::NeverStarts => {
                let condition = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                    "message": "0/3 nodes are available"});
                self.patch_status(json!({"phase": "Pending", "conditions": [condition]})).await?;
                return Ok(true);
            }
            BuildOutcome::PullBackOff => {
                let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": "the registry is busy"}});
                self.set_status("Pending", &[self.container_status(IMAGE_BUILD, false, &waiting)]).await?;
                time::sleep(self.pace.pending * BACK_OFF_FACTOR).await;
            }
            _ => {}
        }
        let Some(end) = self.end_before_start() else { return Ok(false) };
        self.write_status(end).await?;
        Ok(true)
    }

    /// Whether the build ends without an image, which its pod shows then.
    async fn ends_badly(&self) -> kube::Result<bool> {
        let ends = self.bad_ends();
        for (number, status) in ends.iter().enumerate() {
            if number > 0 {
                time::sleep(BETWEEN_ENDS).await;
            }
            self.write_status(status.clone()).await?;
        }
        Ok(!ends.is_empty())
    }

    /// Runs a pod that is not a build: it runs until it is deleted.
    pub(super) async fn stand(&self) -> kube::Result<()> {
        self.bind().await?;
        for container in self.containers() {
            self.log(&container.name, "started");
        }
        self.set_status("Running", &self.all_running()).await
    }

    /// Gives the pod its node, where it is on one.
    async fn bind(&self) -> kube::Result<()> {
        if self.is_bound { super::bind(&self.client, &self.pod).await } else { Ok(()) }
    }

    pub(super) fn log(&self, container: &str, line: &str) {
        if let Some(logs) = &self.logs {
            logs.append(&self.pod.uid().unwrap_or_default(), container, line);
        }
    }

    async fn hand_over(&self, manifest: &str) -> kube::Result<()> {
        let config_map: Object = serde_json::from_str(manifest).map_err(kube::Error::SerdeError)?;
        seed::api(&self.client, Kind::ConfigMap).create(&PostParams::default(), &config_map).await?;
        Ok(())
    }

    async fn set_status(&self, phase: &str, containers: &[Value]) -> kube::Result<()> {
        let mut status = json!({"phase": phase});
        if !containers.is_empty() {
            status["containerStatuses"] = containers.into();
        }
        self.write_status(status).await
    }

    /// Writes a status, on a whole node with what such a one adds.
    async fn write_status(&self, mut status: Value) -> kube::Result<()> {
        if self.logs.is_some() {
            let phase = status["phase"].as_str().unwrap_or_default().to_owned();
            if status["conditions"].is_null() {
                status["conditions"] = conditions(&phase);
            }
            if phase == "Running" {
                status["startTime"] = now();
            }
        }
        self.patch_status(status).await
    }

    async fn patch_status(&self, status: Value) -> kube::Result<()> {
        let patch = json!({"metadata": {"uid": self.pod.uid()}, "status": status});
        let pods = super::pods(&self.client, &self.pod);
        pods.patch_status(&self.pod.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    fn all_running(&self) -> Vec<Value> {
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
        let since = if self.logs.is_some() { json!({"startedAt": now()}) } else { json!({}) };
        self.container_status(container, true, &json!({"running": since}))
    }

    pub(super) fn ended(&self, container: &str, (exit_code, reason, message): (i32, &str, &str)) -> Value {
        let mut end = json!({"exitCode": exit_code, "reason": reason});
        if !message.is_empty() {
            end["message"] = message.into();
        }
        if self.logs.is_some() {
            end["finishedAt"] = now();
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

    fn environment(&self, container: &str, name: &str) -> Option<String> {
        let container = self.containers().iter().find(|c| c.name == container)?;
        container.env.as_ref()?.iter().find(|variable| variable.name == name)?.value.clone()
    }

    /// The ConfigMap that a volume is made from.
    fn volume(&self, name: &str) -> Option<String> {
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

/// The conditions of a pod in a phase, on a whole node.
fn conditions(phase: &str) -> Value {
    let ready = if phase == "Running" { "True" } else { "False" };
    let since = now();
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastTransitionTime": since});
    json!([
        condition("PodScheduled", "True"),
        condition("Initialized", "True"),
        condition("ContainersReady", ready),
        condition("Ready", ready),
    ])
}

fn now() -> Value {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default().to_string().into()
}
