//! The lifecycle of one pod.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::api::PostParams;
use serde_json::{Value, json};
use tokio::time;

use super::pod::PodRunner;
use super::requests;
use crate::api::{Kind, Object};
use crate::reconcile::objects::pod::{IMAGE_BUILD, WAIT_FOR_DONE};
use crate::simulation::outcome::BuildOutcome;
use crate::simulation::{payload, seed};

/// How many times as long as others a pod takes to start whose images cannot be pulled at first.
const BACK_OFF_FACTOR: u32 = 10;
/// How long the containers of a pod go on of which one has ended.
const BETWEEN_ENDS: Duration = Duration::from_secs(3);

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
                let status = json!({"phase": "Pending", "conditions": [condition]});
                requests::patch_status(&self.client, &self.pod, status).await?;
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
        if self.is_bound { requests::bind(&self.client, &self.pod).await } else { Ok(()) }
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
                status["conditions"] = requests::conditions(phase == "Running", Timestamp::now());
            }
            if phase == "Running" {
                status["startTime"] = requests::time(Timestamp::now()).into();
            }
        }
        requests::patch_status(&self.client, &self.pod, status).await
    }
}
