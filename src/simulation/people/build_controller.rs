//! The build controller of OpenShift. It carries Builds through their phases.
//!
//! It reads Builds and the ConfigMaps that they use as input, and writes their status. It records the images that it
//! "pushes", for comparison with the published ones. It carries the daemon's own Builds only: the sources of other
//! Builds do not exist here.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use kube::api::{Patch, PatchParams};
use kube::runtime::watcher::{self, Event};
use kube::{Client, ResourceExt as _};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time;

use super::registry::FakeRegistry;
use crate::api::{Kind, Object, keys, names};
use crate::reconcile::objects::openshift::PAYLOAD_DIRECTORY;
use crate::simulation::kubelet::timings::BuildTimings;
pub use crate::simulation::kubelet::timings::RealTime;
use crate::simulation::outcome::{BuildOutcome, BuildOutcomes};
use crate::simulation::random::stream;
use crate::simulation::{payload, seed};

/// The name under which the build controller sends its requests.
pub const USER_AGENT: &str = "build-controller";

/// The stream of random numbers that are the build controller's own.
const RANDOM_STREAM: u64 = 1;

/// Carries Builds through their phases.
pub struct BuildController {
    client: Client,
    random: ChaCha8Rng,
    ledger: FakeRegistry,
    real_time: Option<RealTime>,
    endings: Option<BuildOutcomes>,
}

impl BuildController {
    /// A controller whose Builds take as long as `seed` says; what they push stands in `ledger`.
    pub fn new(client: Client, seed: u64, ledger: FakeRegistry) -> Self {
        let random = stream(seed, RANDOM_STREAM);
        Self { client, random, ledger, real_time: None, endings: None }
    }

    /// A controller whose Builds take a given time; `seed` decides which of them fail.
    #[must_use]
    pub fn in_real_time(client: Client, seed: u64, real_time: RealTime) -> Self {
        Self { real_time: Some(real_time), ..Self::new(client, seed, FakeRegistry::default()) }
    }

    /// The same controller, whose Builds end as `endings` says.
    #[must_use]
    pub fn ending_as(self, endings: BuildOutcomes) -> Self {
        Self { endings: Some(endings), ..self }
    }

    /// Watches Builds, and runs each, until it is dropped.
    pub async fn run(mut self) {
        let config = watcher::Config::default().labels(keys::BUILD_POD);
        let mut events = std::pin::pin!(kube::runtime::watcher(seed::api(&self.client, Kind::Build), config));
        let mut running: BTreeMap<String, JoinSet<()>> = BTreeMap::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Apply(build) | Event::InitApply(build)) => {
                    let uid = build.uid().unwrap_or_default();
                    if build.metadata.deletion_timestamp.is_some() {
                        running.remove(&uid);
                    } else {
                        running.entry(uid).or_insert_with(|| self.start(build));
                    }
                }
                Ok(Event::Delete(build)) => drop(running.remove(&build.uid().unwrap_or_default())),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the build controller's watch failed"),
            }
        }
    }

    /// A task that runs a Build; it ends when this is dropped.
    fn start(&mut self, build: Object) -> JoinSet<()> {
        let pace = BuildTimings::next(self.real_time, &mut self.random);
        let fail_rate = self.real_time.map_or(0.0, |real_time| real_time.fail_rate.clamp(0.0, 1.0));
        let fails = self.random.random_bool(fail_rate);
        let ending = match &self.endings {
            Some(endings) => endings(),
            None if fails => BuildOutcome::Fails,
            None => BuildOutcome::Succeeds,
        };
        self.ledger.note_started(&build.uid().unwrap_or_default(), ending);
        let carrier = BuildRunner { client: self.client.clone(), ledger: self.ledger.clone(), build, pace, ending };
        let mut task = JoinSet::new();
        task.spawn(async move {
            if let Err(error) = carrier.carry().await {
                tracing::warn!(%error, build = carrier.build.name_any(), "failed to run a Build");
            }
        });
        task
    }
}

/// Carries one Build.
struct BuildRunner {
    client: Client,
    ledger: FakeRegistry,
    build: Object,
    pace: BuildTimings,
    ending: BuildOutcome,
}

impl BuildRunner {
    async fn carry(&self) -> kube::Result<()> {
        self.set_status(json!({"phase": "New"})).await?;
        time::sleep(self.pace.pending / 2).await;
        match self.ending {
            BuildOutcome::NeverStarts => return Ok(()),
            BuildOutcome::PullBackOff => time::sleep(self.pace.pending * 10).await,
            _ => {}
        }
        self.set_status(json!({"phase": "Pending"})).await?;
        time::sleep(self.pace.pending / 2).await;
        self.set_status(json!({"phase": "Running"})).await?;
        let machine_config = self.read_inputs().await?;
        time::sleep(self.pace.running).await;
        if let Some(status) = bad_end(self.ending) {
            return self.set_status(status).await;
        }
        let Some(pullspec) = self.build.data.pointer("/spec/output/to/name").and_then(Value::as_str) else {
            self.ledger.complain(format!("Build {} does not say what to push", self.build.name_any()));
            return self.set_status(json!({"phase": "Error", "reason": "InvalidOutputReference"})).await;
        };
        let digest = self.ledger.push(pullspec, machine_config, &self.build.uid().unwrap_or_default());
        self.set_status(json!({"phase": "Complete", "output": {"to": {"imageDigest": digest}}})).await
    }

    /// Reads the ConfigMaps as the build system would lay them out, and names the MachineConfig that is in them.
    async fn read_inputs(&self) -> kube::Result<String> {
        let containerfile = self.config_map_in("");
        let config_map = seed::api(&self.client, Kind::ConfigMap).get(&containerfile).await?;
        if config_map.data["data"][names::CONTAINERFILE_KEY] != self.build.data["spec"]["source"]["dockerfile"] {
            self.ledger.complain(format!("{containerfile} and Build {} differ", self.build.name_any()));
        }
        payload::machine_config_in(&self.client, &self.config_map_in(PAYLOAD_DIRECTORY), &self.ledger).await
    }

    /// The ConfigMap whose keys become files in a directory of the build's context.
    fn config_map_in(&self, directory: &str) -> String {
        let sources = self.build.data.pointer("/spec/source/configMaps").and_then(Value::as_array);
        let source = sources.into_iter().flatten().find(|source| source["destinationDir"] == directory);
        source.and_then(|source| source["configMap"]["name"].as_str()).unwrap_or_default().to_owned()
    }

    async fn set_status(&self, status: Value) -> kube::Result<()> {
        let patch = json!({"metadata": {"uid": self.build.uid()}, "status": status});
        let builds = seed::api(&self.client, Kind::Build);
        builds.patch(&self.build.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }
}

/// The status of a Build that ends without an image.
fn bad_end(ending: BuildOutcome) -> Option<Value> {
    const GENERIC: (&str, &str) = ("GenericBuildFailed", "Generic Build failure - check logs for details.");
    const STRATEGY: (&str, &str) = ("DockerBuildFailed", "Dockerfile build strategy has failed.");
    const DELETED: (&str, &str) = ("BuildPodDeleted", "The pod for this build was deleted before the build completed.");
    let (reason, message) = match ending {
        BuildOutcome::Succeeds | BuildOutcome::PullBackOff | BuildOutcome::NeverStarts => return None,
        BuildOutcome::Fails | BuildOutcome::DiskFull => STRATEGY,
        BuildOutcome::BadPayload | BuildOutcome::InitFails | BuildOutcome::CannotRun | BuildOutcome::Overruns => {
            GENERIC
        }
        BuildOutcome::Bare => ("", ""),
        BuildOutcome::PullFails => ("PullBuilderImageFailed", "connection reset by peer"),
        BuildOutcome::PullDenied => ("PullBuilderImageFailed", "unauthorized"),
        BuildOutcome::PullImpossible => ("PullBuilderImageFailed", "manifest unknown"),
        BuildOutcome::PushFails => ("PushImageToRegistryFailed", "connection reset by peer"),
        BuildOutcome::PushDenied => ("PushImageToRegistryFailed", "denied"),
        BuildOutcome::PushImpossible => ("PushImageToRegistryFailed", "x509: certificate signed by unknown authority"),
        BuildOutcome::OutOfMemory => {
            ("OutOfMemoryKilled", "The build pod was killed due to an out of memory condition.")
        }
        BuildOutcome::Rejected(_) => ("NoBuildContainerStatus", "The pod for this build has no container statuses."),
        BuildOutcome::Evicted => ("BuildPodEvicted", "The node was low on ephemeral storage."),
        BuildOutcome::NodeLost | BuildOutcome::Unknown => DELETED,
    };
    let phase = if reason == DELETED.0 { "Error" } else { "Failed" };
    let mut status = json!({"phase": phase, "reason": reason, "message": message});
    match ending {
        BuildOutcome::Fails => {
            status["logSnippet"] = "Error: building at STEP \"RUN ignition-apply\": exit status 1".into();
        }
        BuildOutcome::DiskFull => {
            status["logSnippet"] = "committing container: write /layer: no space left on device".into();
        }
        BuildOutcome::Bare => status = json!({"phase": phase}),
        _ => {}
    }
    Some(status)
}
