//! The lifecycle of one pod.

use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use kube::api::{Api, PostParams};
use kube::{Client, ResourceExt as _};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{self, Instant};

use super::container::{Container, ContainerEnd, Plan, Process};
use super::node::Node;
use super::objects::Objects;
use super::prepare::{self, Prepared};
use super::status::{self, ContainerState};
use crate::api::DEFAULT_NAMESPACE;
use crate::causes::with_causes;
use crate::simulation::kubelet::simulated::{self, NODE};

/// The interval at which a waiting pod checks for missing objects.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// How long containers may take to end, once their pod is past its deadline, that do not say.
const GRACE_PERIOD_DEFAULT_S: i64 = 30;

/// Carries one pod.
pub(super) struct RealPodRunner {
    node: Node,
    client: Client,
    pod: Pod,
    spec: PodSpec,
    stop: watch::Receiver<Option<Duration>>,
    states: Vec<ContainerState>,
    /// Why the pod failed, whatever its containers say.
    verdict: Option<(&'static str, String)>,
    bound_at: Timestamp,
}

/// The processes of a pod's containers, and their ends.
#[derive(Default)]
struct Processes<'a> {
    /// By container; none for one that has ended.
    running: Vec<Option<Process>>,
    ends: FuturesUnordered<BoxFuture<'a, (usize, ContainerEnd)>>,
    /// When they are killed that are still there.
    kill_at: Option<Instant>,
}

impl Processes<'_> {
    /// Tells all to end, by this time.
    fn terminate(&mut self, grace_period: Duration) {
        let kill_at = Instant::now() + grace_period;
        if self.kill_at.is_none() {
            self.running.iter().flatten().for_each(|process| process.terminate());
        }
        self.kill_at = Some(self.kill_at.map_or(kill_at, |known| known.min(kill_at)));
    }

    fn kill(&mut self) {
        self.running.iter().flatten().for_each(|process| process.kill());
        self.kill_at = None;
    }
}

impl RealPodRunner {
    pub(super) fn new(node: Node, client: Client, pod: Pod, stop: watch::Receiver<Option<Duration>>) -> Self {
        let spec = pod.spec.clone().unwrap_or_default();
        let creating = ContainerState::Waiting { reason: "ContainerCreating", message: String::new() };
        let states = vec![creating; spec.containers.len()];
        Self { node, client, pod, spec, stop, states, verdict: None, bound_at: Timestamp::now() }
    }

    /// Runs the pod, and removes it once it was asked to stop.
    pub(super) async fn carry(mut self) {
        if let Err(error) = self.run().await {
            tracing::warn!(pod = self.pod.name_any(), error = with_causes(error.as_ref()), "failed to run a pod");
        }
        let _ = self.stop.wait_for(Option::is_some).await;
        simulated::kill(&self.client, &self.pod).await;
    }

    async fn run(&mut self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        simulated::bind(&self.client, &self.pod).await?;
        if self.spec.init_containers.as_ref().is_some_and(|containers| !containers.is_empty()) {
            self.verdict = Some(("UnexpectedAdmissionError", "this node runs no init containers".to_owned()));
            return Ok(self.show().await?);
        }
        self.show().await?;
        let directories = self.node.host.pod(&self.pod.uid().unwrap_or_default())?;
        let outcome = match self.prepared(&directories).await? {
            Some(prepared) => self.run_containers(&prepared).await,
            None => Ok(()),
        };
        // Deleting a build's files can take a disk seconds, and the API server runs in this process.
        tokio::task::spawn_blocking(|| drop(directories)).await?;
        Ok(outcome?)
    }

    /// Waits until all objects exist that the containers need; none if the pod was asked to stop before.
    async fn prepared(&mut self, directories: &super::host::PodDirectories) -> kube::Result<Option<Prepared>> {
        let mut known = String::new();
        loop {
            let objects = Objects { client: &self.client, pod: &self.pod };
            let obstacle = match prepare::prepare(&self.node, &self.spec, &objects, directories).await {
                Ok(prepared) => return Ok(Some(prepared)),
                Err(obstacle) => obstacle,
            };
            if obstacle.message != known {
                known.clone_from(&obstacle.message);
                let waiting = ContainerState::Waiting { reason: obstacle.reason, message: obstacle.message.clone() };
                self.states.fill(waiting);
                self.show().await?;
                self.tell(obstacle.event, &obstacle.message).await?;
            }
            tokio::select! {
                () = time::sleep(LOOK_INTERVAL) => {}
                _ = self.stop.wait_for(Option::is_some) => return Ok(None),
            }
        }
    }

    /// Starts all containers, and waits until they have ended.
    async fn run_containers(&mut self, prepared: &[(Plan, PathBuf)]) -> kube::Result<()> {
        let deadline = self.deadline();
        let mut processes = self.start(prepared);
        self.show().await?;
        while !processes.ends.is_empty() {
            tokio::select! {
                Some((index, end)) = processes.ends.next() => {
                    processes.running[index] = None;
                    self.end(index, end);
                    self.show().await?;
                }
                Some(grace_period) = told_to_end(&mut self.stop) => processes.terminate(grace_period),
                () = time::sleep_until(processes.kill_at.unwrap_or(deadline)), if processes.kill_at.is_some() => {
                    processes.kill();
                }
                () = time::sleep_until(deadline), if self.verdict.is_none() => {
                    let message = "Pod was active on the node longer than the specified deadline";
                    self.verdict = Some(("DeadlineExceeded", message.to_owned()));
                    let seconds = self.spec.termination_grace_period_seconds.unwrap_or(GRACE_PERIOD_DEFAULT_S);
                    processes.terminate(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
                }
            }
        }
        Ok(())
    }

    fn start<'a>(&mut self, prepared: &[(Plan, PathBuf)]) -> Processes<'a> {
        let mut processes = Processes::default();
        for (index, (plan, directory)) in prepared.iter().enumerate() {
            let started_at = Timestamp::now();
            self.states[index] = ContainerState::Running { started_at };
            processes.running.push(None);
            match Container::start(plan, directory) {
                Ok(container) => {
                    processes.running[index] = container.process();
                    let (logs, uid) = (self.node.logs.clone(), self.pod.uid().unwrap_or_default());
                    let name = plan.name.clone();
                    processes.ends.push(Box::pin(async move {
                        let end = container.ended(&logs, &uid, &name).await;
                        (index, end.unwrap_or_else(|error| ContainerEnd::failed(&error)))
                    }));
                }
                Err(error) => self.end(index, ContainerEnd::failed(&error)),
            }
        }
        processes
    }

    fn end(&mut self, index: usize, end: ContainerEnd) {
        if let ContainerState::Running { started_at } = self.states[index] {
            self.states[index] = ContainerState::Ended { started_at, end };
        }
    }

    /// When the pod has to have ended; in a far future, if it does not say.
    fn deadline(&self) -> Instant {
        const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
        let seconds = self.spec.active_deadline_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        Instant::now() + seconds.map_or(FAR, Duration::from_secs)
    }

    /// Writes the status; nothing, where the pod is gone.
    async fn show(&self) -> kube::Result<()> {
        let mut status = json!({
            "phase": status::phase(&self.states),
            "startTime": simulated::time(self.bound_at),
            "conditions": simulated::conditions(status::is_ready(&self.states), self.bound_at),
            "containerStatuses": status::containers(&self.spec.containers, &self.states),
        });
        if let Some((reason, message)) = &self.verdict {
            (status["phase"], status["reason"], status["message"]) =
                ("Failed".into(), (*reason).into(), message.as_str().into());
        }
        match simulated::patch_status(&self.client, &self.pod, status).await {
            Err(kube::Error::Api(refusal)) if [404, 409].contains(&refusal.code) => Ok(()),
            other => other,
        }
    }

    /// Tells of what keeps the pod from starting.
    async fn tell(&self, reason: &str, message: &str) -> kube::Result<()> {
        let (name, now) = (self.pod.name_any(), simulated::time(Timestamp::now()));
        let event = json!({
            "metadata": {"generateName": format!("{name}."), "namespace": self.namespace()},
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": name, "namespace": self.namespace(),
                "uid": self.pod.uid()},
            "type": "Warning", "reason": reason, "message": message, "count": 1,
            "firstTimestamp": now, "lastTimestamp": now, "source": {"component": "kubelet", "host": NODE},
        });
        let event = serde_json::from_value(event).map_err(kube::Error::SerdeError)?;
        let events: Api<k8s_openapi::api::core::v1::Event> = Api::namespaced(self.client.clone(), &self.namespace());
        events.create(&PostParams::default(), &event).await.map(drop)
    }

    fn namespace(&self) -> String {
        self.pod.namespace().unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned())
    }
}

/// Waits until the pod is asked to stop; returns the grace period.
async fn told_to_end(stop: &mut watch::Receiver<Option<Duration>>) -> Option<Duration> {
    loop {
        if stop.changed().await.is_err() {
            // The sender is gone, so no request to stop can come any more.
            return std::future::pending().await;
        }
        if let Some(grace_period) = *stop.borrow_and_update() {
            return Some(grace_period);
        }
    }
}
