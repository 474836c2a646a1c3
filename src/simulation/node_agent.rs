//! The node agent: scheduler, kubelet and registry in one. Carries build pods through their phases.
//!
//! Reads pods, and the ConfigMaps that they mount; writes their status, and the ConfigMap with the digest, just as
//! the pod's own helper container would. What it "pushes" is kept, to be compared with what is published.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::runtime::watcher::{self, Event};
use kube::{Client, ResourceExt as _};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::task::AbortHandle;
use tokio::time;

use super::seed;
use crate::api::names::{self, sha256_hex};
use crate::api::{DEFAULT_NAMESPACE, Key, Kind, Object, keys};
use crate::builders::pod::{IMAGE_BUILD, WAIT_FOR_DONE};
use crate::plan::payload::Payload;

/// The name under which the node agent sends its requests.
pub const USER_AGENT: &str = "node-agent";

/// An image that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedImage {
    /// Where to, with the tag.
    pub pullspec: String,
    /// The MachineConfig in it.
    pub machine_config: String,
}

/// What a node agent knows that nobody else does.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    pushed: BTreeMap<String, PushedImage>,
    complaints: Vec<String>,
    started: usize,
}

impl Ledger {
    /// The image of a digest.
    pub fn image(&self, digest: &str) -> Option<PushedImage> {
        self.entries(|entries| entries.pushed.get(digest).cloned())
    }

    /// How many images were pushed.
    pub fn pushed(&self) -> usize {
        self.entries(|entries| entries.pushed.len())
    }

    /// How many build pods were started.
    pub fn started(&self) -> usize {
        self.entries(|entries| entries.started)
    }

    /// What was wrong with the pods that it was given.
    pub fn complaints(&self) -> Vec<String> {
        self.entries(|entries| entries.complaints.clone())
    }

    fn entries<T>(&self, read: impl FnOnce(&mut Entries) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Carries build pods through their phases.
pub struct NodeAgent {
    client: Client,
    random: ChaCha8Rng,
    ledger: Ledger,
}

/// How long the phases of one pod take.
#[derive(Debug, Clone, Copy)]
struct Pace {
    pending: Duration,
    running: Duration,
}

impl NodeAgent {
    /// An agent whose pods take as long as `seed` says.
    pub fn new(client: Client, seed: u64) -> (Self, Ledger) {
        let ledger = Ledger::default();
        (Self { client, random: ChaCha8Rng::seed_from_u64(seed), ledger: ledger.clone() }, ledger)
    }

    /// Watches pods, and runs each, until it is dropped.
    pub async fn run(mut self) {
        let config = watcher::Config::default().labels(keys::BUILD_POD);
        let mut events = std::pin::pin!(kube::runtime::watcher(pods(&self.client), config));
        let mut running: BTreeMap<String, Running> = BTreeMap::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Apply(pod) | Event::InitApply(pod)) => {
                    let uid = pod.uid().unwrap_or_default();
                    if pod.metadata.deletion_timestamp.is_some() {
                        running.remove(&uid);
                        kill(&self.client, &pod).await;
                    } else {
                        running.entry(uid).or_insert_with(|| self.start(pod));
                    }
                }
                Ok(Event::Delete(pod)) => drop(running.remove(&pod.uid().unwrap_or_default())),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the node agent's watch failed"),
            }
        }
    }

    fn start(&mut self, pod: Pod) -> Running {
        let mut seconds = |range: std::ops::Range<u64>| Duration::from_millis(self.random.random_range(range));
        let pace = Pace { pending: seconds(1_000..20_000), running: seconds(120_000..600_000) };
        self.ledger.entries(|entries| entries.started += 1);
        let (client, ledger) = (self.client.clone(), self.ledger.clone());
        let task = tokio::spawn(async move {
            let name = pod.name_any();
            if let Err(error) = carry(&client, &ledger, &pod, pace).await {
                tracing::warn!(%error, pod = name, "failed to run a pod");
            }
        });
        Running(task.abort_handle())
    }
}

/// A pod's processes, which end with it.
struct Running(AbortHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs one pod from beginning to end.
async fn carry(client: &Client, ledger: &Ledger, pod: &Pod, pace: Pace) -> kube::Result<()> {
    time::sleep(pace.pending).await;
    set_status(
        client,
        pod,
        json!({"phase": "Running", "containerStatuses": [running(IMAGE_BUILD), running(WAIT_FOR_DONE)]}),
    )
    .await?;
    let machine_config = mounted_machine_config(client, ledger, pod).await?;
    time::sleep(pace.running).await;
    let Some(pullspec) = environment(pod, IMAGE_BUILD, "FINAL_IMAGE") else {
        ledger.entries(|entries| entries.complaints.push(format!("{} does not say what to push", pod.name_any())));
        return set_status(client, pod, json!({"phase": "Failed"})).await;
    };
    let digest = format!("sha256:{}", sha256_hex(format!("{pullspec} {:?}", pod.uid())));
    let image = PushedImage { pullspec, machine_config };
    ledger.entries(|entries| entries.pushed.insert(digest.clone(), image));
    if let Some(manifest) = environment(pod, WAIT_FOR_DONE, "DIGEST_MANIFEST") {
        hand_over(client, &manifest.replace("@DIGEST@", &digest)).await?;
    }
    let ended = [terminated(IMAGE_BUILD, &digest), terminated(WAIT_FOR_DONE, "")];
    set_status(client, pod, json!({"phase": "Succeeded", "containerStatuses": ended})).await
}

/// Reads the MachineConfig as the build would, and compares it with the one in the cluster, field for field.
async fn mounted_machine_config(client: &Client, ledger: &Ledger, pod: &Pod) -> kube::Result<String> {
    let mounted = volume(pod, "machineconfig").unwrap_or_default();
    let config_map = seed::api(client, Kind::ConfigMap).get(&mounted).await?;
    let text = config_map.data["data"][names::PAYLOAD_KEY].as_str().unwrap_or_default();
    let decoded = Payload::decode(text).unwrap_or_default();
    let name = decoded["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let key = Key::new(Kind::MachineConfig, &name);
    let url = format!("/apis/{}/machineconfigs/{name}", key.kind.api_version());
    let request = http::Request::get(url).body(Vec::new()).map_err(kube::Error::HttpError)?;
    let original: Value = client.request(request).await?;
    if decoded != original {
        ledger.entries(|entries| entries.complaints.push(format!("{mounted} holds another config than {key}")));
    }
    Ok(name)
}

async fn hand_over(client: &Client, manifest: &str) -> kube::Result<()> {
    let config_map: Object = serde_json::from_str(manifest).map_err(kube::Error::SerdeError)?;
    seed::api(client, Kind::ConfigMap).create(&PostParams::default(), &config_map).await?;
    Ok(())
}

async fn set_status(client: &Client, pod: &Pod, status: Value) -> kube::Result<()> {
    let patch = json!({"metadata": {"uid": pod.uid()}, "status": status});
    pods(client).patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await?;
    Ok(())
}

/// Ends a pod that was told to end.
async fn kill(client: &Client, pod: &Pod) {
    let params = kube::api::DeleteParams {
        grace_period_seconds: Some(0),
        preconditions: Some(kube::api::Preconditions { uid: pod.uid(), resource_version: None }),
        ..Default::default()
    };
    if let Err(error) = pods(client).delete(&pod.name_any(), &params).await {
        tracing::debug!(%error, pod = pod.name_any(), "failed to end a pod");
    }
}

fn pods(client: &Client) -> Api<Pod> {
    Api::namespaced(client.clone(), DEFAULT_NAMESPACE)
}

fn running(container: &str) -> Value {
    json!({"name": container, "state": {"running": {}}})
}

fn terminated(container: &str, message: &str) -> Value {
    json!({"name": container, "state": {"terminated": {"exitCode": 0, "message": message}}})
}

fn environment(pod: &Pod, container: &str, name: &str) -> Option<String> {
    let container = pod.spec.as_ref()?.containers.iter().find(|c| c.name == container)?;
    container.env.as_ref()?.iter().find(|variable| variable.name == name)?.value.clone()
}

/// The ConfigMap that a volume is made from.
fn volume(pod: &Pod, name: &str) -> Option<String> {
    let volume = pod.spec.as_ref()?.volumes.as_ref()?.iter().find(|volume| volume.name == name)?;
    Some(volume.config_map.as_ref()?.name.clone())
}
