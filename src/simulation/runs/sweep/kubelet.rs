//! The simulated builder of the sweep: each build object starts after a delay, runs, and ends as its scenario says.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::select;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::runtime::watcher::{self, Event};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::scenario::{BuildEnd, Scenario};
use crate::api::{DEFAULT_NAMESPACE, Kind, Object, keys, names};
use crate::reconcile::objects::pod::IMAGE_BUILD;
use crate::simulation::kubelet::simulated::bind_to;
use crate::simulation::people::registry::FakeRegistry;
use crate::simulation::seed;

const PENDING: Duration = Duration::from_secs(5);
/// Longer than a request may take to be given up and sent again.
const RUNNING: Duration = Duration::from_secs(60);
/// The time that a deleted pod takes to end.
const ENDING: Duration = Duration::from_secs(2);

/// Carries the build objects of `scenario`, until it is dropped.
pub(super) async fn run(client: Client, ledger: FakeRegistry, scenario: Scenario) {
    let config = watcher::Config::default().labels(keys::BUILD_POD);
    let watch = |kind| kube::runtime::watcher(seed::api(&client, kind), config.clone()).map(move |event| (kind, event));
    let mut events = std::pin::pin!(select(watch(Kind::Pod), watch(Kind::Build)));
    let mut seen: BTreeMap<String, bool> = BTreeMap::new();
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    let mut tasks = JoinSet::new();
    while let Some((kind, event)) = events.next().await {
        let Ok(Event::Apply(object) | Event::InitApply(object)) = event else { continue };
        let is_leaving = object.metadata.deletion_timestamp.is_some();
        let was_leaving = seen.insert(object.uid().unwrap_or_default(), is_leaving);
        let hash = object.annotations().get(keys::INPUT_HASH).cloned().unwrap_or_default();
        let carrier = SweepPodRunner { client: client.clone(), ledger: ledger.clone(), kind, object };
        match (was_leaving, is_leaving) {
            (None, false) => {
                let number = made.entry(hash).or_default();
                *number += 1;
                let end = scenario.end_of(carrier.rendered(), *number);
                tasks.spawn(async move { drop(carrier.carry(end).await) });
            }
            (None | Some(false), true) => drop(tasks.spawn(async move { drop(carrier.end().await) })),
            _ => {}
        }
    }
}

/// Carries one build object. It stops at the first request that fails: the object is gone.
struct SweepPodRunner {
    client: Client,
    ledger: FakeRegistry,
    kind: Kind,
    object: Object,
}

impl SweepPodRunner {
    fn rendered(&self) -> &str {
        self.object.metadata.name.as_deref().and_then(names::rendered_of).unwrap_or_default()
    }

    async fn carry(&self, end: BuildEnd) -> kube::Result<()> {
        if self.kind == Kind::Pod {
            bind_to(&self.client, "node-1", DEFAULT_NAMESPACE, &self.object.name_any()).await?;
        }
        sleep(PENDING).await;
        self.set_status(json!({"phase": "Running"})).await?;
        sleep(RUNNING).await;
        // A pod that was deleted meanwhile does not succeed.
        let now = seed::api(&self.client, self.kind).get(&self.object.name_any()).await?;
        if now.metadata.deletion_timestamp.is_some() || now.metadata.uid != self.object.metadata.uid {
            return Ok(());
        }
        match end {
            BuildEnd::Success => self.set_status(self.success(&self.push())).await,
            BuildEnd::DigestLeft => self.leave_digest(&self.push()).await,
            BuildEnd::Failure => self.set_status(self.failure()).await,
            BuildEnd::Loss => self.set_status(self.loss()).await,
        }
    }

    fn push(&self) -> String {
        let pullspec = match self.kind {
            Kind::Build => self.object.data.pointer("/spec/output/to/name"),
            _ => self.environment("FINAL_IMAGE"),
        };
        let pullspec = pullspec.and_then(Value::as_str).unwrap_or_default();
        self.ledger.push(pullspec, self.rendered().to_owned(), &self.object.uid().unwrap_or_default())
    }

    fn environment(&self, name: &str) -> Option<&Value> {
        let containers = self.object.data.pointer("/spec/containers")?.as_array()?;
        let container = containers.iter().find(|container| container["name"] == IMAGE_BUILD)?;
        let variables = container.get("env")?.as_array()?;
        variables.iter().find(|variable| variable["name"] == name)?.get("value")
    }

    fn success(&self, digest: &str) -> Value {
        match self.kind {
            Kind::Build => json!({"phase": "Complete", "output": {"to": {"imageDigest": digest}}}),
            _ => json!({"phase": "Succeeded", "containerStatuses": [terminated(0, digest)]}),
        }
    }

    fn failure(&self) -> Value {
        let message = "no such package: tmuxx";
        match self.kind {
            Kind::Build => json!({"phase": "Failed", "reason": "DockerBuildFailed", "logSnippet": message}),
            _ => json!({"phase": "Failed", "containerStatuses": [terminated(20, message)]}),
        }
    }

    fn loss(&self) -> Value {
        let reason = if self.kind == Kind::Build { "BuildPodEvicted" } else { "Evicted" };
        json!({"phase": "Failed", "reason": reason, "message": "the node ran out of disk"})
    }

    /// Leaves the digest in a ConfigMap as the helper container does, and not in the pod.
    async fn leave_digest(&self, digest: &str) -> kube::Result<()> {
        let config_map = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": names::digest(self.rendered())},
            "data": {names::DIGEST_KEY: digest},
        });
        let config_map: Object = serde_json::from_value(config_map).map_err(kube::Error::SerdeError)?;
        seed::api(&self.client, Kind::ConfigMap).create(&PostParams::default(), &config_map).await?;
        self.set_status(json!({"phase": "Succeeded"})).await
    }

    async fn set_status(&self, status: Value) -> kube::Result<()> {
        let patch = Patch::Merge(json!({"metadata": {"uid": self.object.uid()}, "status": status}));
        let (api, name) = (seed::api(&self.client, self.kind), self.object.name_any());
        match self.kind {
            Kind::Build => api.patch(&name, &PatchParams::default(), &patch).await?,
            _ => api.patch_status(&name, &PatchParams::default(), &patch).await?,
        };
        Ok(())
    }

    /// Ends a deleted pod.
    async fn end(&self) -> kube::Result<()> {
        sleep(ENDING).await;
        let uid = Preconditions { uid: self.object.uid(), resource_version: None };
        let params = DeleteParams::default().grace_period(0).preconditions(uid);
        seed::api(&self.client, self.kind).delete(&self.object.name_any(), &params).await?;
        Ok(())
    }
}

fn terminated(code: i32, message: &str) -> Value {
    json!({"name": IMAGE_BUILD, "state": {"terminated": {"exitCode": code, "message": message}}})
}
