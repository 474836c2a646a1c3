//! The node agent: scheduler, kubelet and registry in one. It carries build pods through their phases.
//!
//! It reads pods and the ConfigMaps that they mount. It writes their status, and the ConfigMap with the digest, as the
//! pod's own helper container would. It records the images that it "pushes", for comparison with the published ones.
//!
//! In a [local cluster](crate::cli) it is a whole node: it binds pods to itself, writes their logs, and also runs pods
//! that are not builds, until they are deleted. There it may have an [`Executor`], which runs pods as real containers.

mod carry;
mod ends;
mod pod;
mod requests;

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use kube::runtime::watcher::{self, Event};
use kube::{Client, ResourceExt as _};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;

pub(in crate::simulation) use self::requests::{NODE, bind, bind_to, conditions, kill, patch_status, time};

use self::pod::{PodRunner, is_on_lost_node};
use crate::api::{DEFAULT_NAMESPACE, keys};
use crate::apiserver::PodLogs;
use crate::simulation::kubelet::real::{self, Executor};
use crate::simulation::kubelet::timings::{BuildTimings, RealTime};
use crate::simulation::outcome::{BuildOutcome, BuildOutcomes};
use crate::simulation::people::registry::FakeRegistry;

/// The name under which the node agent sends its requests.
pub const USER_AGENT: &str = "node-agent";

/// Carries build pods through their phases.
pub struct NodeAgent {
    client: Client,
    random: ChaCha8Rng,
    ledger: FakeRegistry,
    real_time: Option<RealTime>,
    /// Where the containers of a whole node write to.
    logs: Option<PodLogs>,
    executor: Option<Executor>,
    endings: Option<BuildOutcomes>,
}

impl NodeAgent {
    /// An agent whose pods take as long as `seed` says; what they push stands in `ledger`.
    pub fn new(client: Client, seed: u64, ledger: FakeRegistry) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        Self { client, random, ledger, real_time: None, logs: None, executor: None, endings: None }
    }

    /// An agent that is a whole node, for the pods of every namespace; `seed` says which builds fail.
    #[must_use]
    pub fn whole(client: Client, seed: u64, real_time: RealTime, logs: PodLogs) -> Self {
        let (real_time, logs) = (Some(real_time), Some(logs));
        Self { real_time, logs, ..Self::new(client, seed, FakeRegistry::default()) }
    }

    /// An agent that is a whole node too, and has `real` run the pods for real.
    #[must_use]
    pub fn real(client: Client, executor: Executor) -> Self {
        Self { executor: Some(executor), ..Self::new(client, 0, FakeRegistry::default()) }
    }

    /// The same agent, whose builds end as `endings` says, on nodes that pods are bound to.
    #[must_use]
    pub fn ending_as(self, endings: BuildOutcomes) -> Self {
        Self { endings: Some(endings), ..self }
    }

    /// Watches pods, and runs each, until it is dropped.
    pub async fn run(mut self) {
        let is_whole = self.logs.is_some() || self.executor.is_some();
        let (pods, config) = if is_whole {
            (Api::all(self.client.clone()), watcher::Config::default())
        } else {
            let builds = watcher::Config::default().labels(keys::BUILD_POD);
            (Api::<Pod>::namespaced(self.client.clone(), DEFAULT_NAMESPACE), builds)
        };
        let mut events = std::pin::pin!(kube::runtime::watcher(pods, config));
        let mut running: BTreeMap<String, Running> = BTreeMap::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Apply(pod) | Event::InitApply(pod)) => {
                    let uid = pod.uid().unwrap_or_default();
                    if pod.metadata.deletion_timestamp.is_some() {
                        self.end(&mut running, &pod).await;
                    } else {
                        running.entry(uid).or_insert_with(|| self.start(pod));
                    }
                }
                Ok(Event::Delete(pod)) => self.forget(&mut running, &pod),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the node agent's watch failed"),
            }
        }
    }

    /// Ends a deleted pod.
    async fn end(&self, running: &mut BTreeMap<String, Running>, pod: &Pod) {
        let uid = pod.uid().unwrap_or_default();
        if let Some(Running::Real(carried)) = running.get(&uid) {
            let seconds = pod.metadata.deletion_grace_period_seconds.and_then(|seconds| u64::try_from(seconds).ok());
            carried.stop(Duration::from_secs(seconds.unwrap_or(0)));
            return;
        }
        running.remove(&uid);
        if !is_on_lost_node(pod) {
            kill(&self.client, pod).await;
        }
    }

    fn forget(&self, running: &mut BTreeMap<String, Running>, pod: &Pod) {
        let uid = pod.uid().unwrap_or_default();
        if let Some(Running::Real(carried)) = running.remove(&uid) {
            carried.stop(Duration::ZERO);
        }
        if let Some(logs) = &self.logs {
            logs.forget(&uid);
        }
        if let Some(executor) = &self.executor {
            executor.forget(&uid);
        }
    }

    fn start(&mut self, pod: Pod) -> Running {
        match &self.executor {
            Some(executor) => Running::Real(executor.start(&self.client, pod)),
            None => self.simulate(pod),
        }
    }

    fn simulate(&mut self, pod: Pod) -> Running {
        let pace = BuildTimings::next(self.real_time, &mut self.random);
        let fails = self.real_time.is_some_and(|time| self.random.random_bool(time.fail_rate.clamp(0.0, 1.0)));
        let logs = self.logs.clone();
        let is_build =
            pod.labels().contains_key(keys::BUILD_POD) && pod.namespace().as_deref() == Some(DEFAULT_NAMESPACE);
        let ending = match &self.endings {
            Some(endings) if is_build => endings(),
            _ if fails => BuildOutcome::Fails,
            _ => BuildOutcome::Succeeds,
        };
        if is_build {
            self.ledger.note_started(&pod.uid().unwrap_or_default(), ending);
        }
        let is_bound = logs.is_some() || self.endings.is_some();
        let carrier =
            PodRunner { client: self.client.clone(), ledger: self.ledger.clone(), pod, pace, ending, is_bound, logs };
        let mut task = JoinSet::new();
        task.spawn(async move {
            let outcome = if is_build { carrier.build().await } else { carrier.stand().await };
            if let Err(error) = outcome {
                tracing::warn!(%error, pod = carrier.pod.name_any(), "failed to run a pod");
            }
        });
        Running::Simulated(task)
    }
}

/// The runner of a pod.
enum Running {
    Simulated(#[expect(dead_code, reason = "it is held, and its task ends with this")] JoinSet<()>),
    Real(real::Running),
}
