//! A daemon: the actors and their shared context, over any connection to an API server.

pub mod admin;
pub mod metrics;
pub mod replica;

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use kube::Client;
use ractor::{Actor, ActorRef, SpawnErr};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;

use self::metrics::Metrics;
use crate::actors::{ActorSettings, Arguments, Computation, Context, Emitter, Overview, Supervisor, SupervisorMessage};
use crate::api::COMPONENT;
use crate::api::limits::{PAYLOADS_MAX, REQUESTS_UNDER_WAY_MAX, STOP_TIMEOUT};
use crate::clock::Clock;
use crate::cluster::client::{ClusterClient, RequestHook};
use crate::cluster::lease::fence::Fence;
use crate::cluster::transport::{RequestService, Transport};
use crate::cluster::watch_health::WatchHealth;
use crate::jitter::Jitter;
use crate::reconcile::machine::MachineContext;

/// What a daemon is started with.
pub struct DaemonOptions {
    /// Settings of decisions and builds.
    pub settings: ActorSettings,
    /// Where the time comes from.
    pub clock: Clock,
    /// Seed of all jitter.
    pub seed: u64,
    /// Keeps requests from leaving while another process leads.
    pub fence: Fence,
    /// Counts what happens.
    pub metrics: Metrics,
    /// Called before each request, in the actor that sends it; for tests.
    pub request_hook: Option<RequestHook>,
    /// Where MachineConfigs are compressed.
    pub computation: Computation,
}

impl DaemonOptions {
    /// Options with nothing in the way of requests.
    pub fn new(settings: ActorSettings, clock: Clock, seed: u64) -> Self {
        let metrics = Metrics::new(clock.now());
        Self {
            settings,
            clock,
            seed,
            fence: Fence::open(),
            metrics,
            request_hook: None,
            computation: Computation::InPlace,
        }
    }
}

/// A running daemon.
pub struct Daemon {
    supervisor: watch::Receiver<ActorRef<SupervisorMessage>>,
    task: JoinHandle<()>,
}

/// Asks a daemon how things are, for as long as it runs.
#[derive(Debug, Clone)]
pub struct Inspector(watch::Receiver<ActorRef<SupervisorMessage>>);

impl Inspector {
    /// How things are; `None` if the daemon has ended.
    pub async fn overview(&self) -> Option<Overview> {
        let supervisor = self.0.borrow().clone();
        ractor::call!(supervisor, SupervisorMessage::Inspect).ok()
    }
}

/// A supervisor, and its task.
type Started = (ActorRef<SupervisorMessage>, JoinHandle<()>);

/// The name under which a daemon's requests are sent.
pub fn user_agent() -> String {
    format!("{COMPONENT}/{}", env!("CARGO_PKG_VERSION"))
}

impl Daemon {
    /// Starts a daemon that reaches its API server through `service`.
    pub async fn start(service: impl RequestService, options: DaemonOptions) -> Result<Self, SpawnErr> {
        let anew = Arc::new(Notify::new());
        let start = starter(service, options, anew.clone());
        let (supervisor, mut task) = start().await?;
        let (shows, current) = watch::channel(supervisor);
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    biased;
                    _ = &mut task => return,
                    () = anew.notified() => {}
                }
                let before = shows.borrow().clone();
                stop(&before).await;
                let _ = task.await;
                match start().await {
                    Ok((supervisor, next)) => {
                        shows.send_replace(supervisor);
                        task = next;
                    }
                    Err(error) => return tracing::error!(%error, "failed to start anew"),
                }
            }
        });
        Ok(Self { supervisor: current, task })
    }

    /// How things are; `None` if the daemon has ended.
    pub async fn overview(&self) -> Option<Overview> {
        self.inspector().overview().await
    }

    /// A way to ask how things are.
    pub fn inspector(&self) -> Inspector {
        Inspector(self.supervisor.clone())
    }

    /// Waits for the daemon to end by itself, which it does not do unless something is very wrong.
    pub async fn ended(&mut self) {
        let _ = (&mut self.task).await;
    }

    /// Ends the daemon as a crash of its process would: at once, in the middle of whatever it does.
    pub async fn kill(self) {
        self.abort();
        let supervisor = self.supervisor.borrow().clone();
        let _ = supervisor.wait(None).await;
    }

    /// The same, without waiting until it has ended.
    fn abort(&self) {
        self.task.abort();
        self.supervisor.borrow().kill();
    }

    /// Stops the daemon: no new work, writes under way are finished, and builds go on without it.
    pub async fn stop(self) {
        self.task.abort();
        let supervisor = self.supervisor.borrow().clone();
        stop(&supervisor).await;
        let _ = supervisor.wait(None).await;
    }
}

/// What starts a supervisor, and after it another.
fn starter(
    service: impl RequestService,
    options: DaemonOptions,
    anew: Arc<Notify>,
) -> impl Fn() -> BoxFuture<'static, Result<Started, SpawnErr>> + Send + 'static {
    let DaemonOptions { mut settings, clock, seed, fence, metrics, request_hook, computation } = options;
    settings.decide.digest_handoff = settings.build.digest_handoff;
    let namespace = settings.decide.namespace.clone();
    let (jitter, settings) = (Jitter::seeded(seed), Arc::new(settings));
    let machine = MachineContext { settings: Arc::new(settings.decide.clone()), jitter: jitter.clone() };
    let transport = Transport::new(service, jitter.clone(), &user_agent(), fence, metrics.requests);
    let transport = transport.with_places(REQUESTS_UNDER_WAY_MAX);
    move || {
        let health = WatchHealth::default();
        let client = Client::new(transport.clone().telling(health.clone()), namespace.clone());
        let context = Context {
            cluster: ClusterClient::new(client.clone(), &namespace, request_hook.clone()),
            settings: settings.clone(),
            clock,
            jitter: jitter.clone(),
            meter: metrics.builds.clone(),
            emitter: Emitter::default(),
            machine: machine.clone(),
            payloads: Arc::new(Semaphore::new(PAYLOADS_MAX)),
            computation,
        };
        let arguments = Arguments { context, client, health, anew: anew.clone() };
        Actor::spawn(None, Supervisor, arguments).boxed()
    }
}

/// Stops a supervisor: no new work, and writes under way are finished.
async fn stop(supervisor: &ActorRef<SupervisorMessage>) {
    let _ = ractor::call!(supervisor, SupervisorMessage::Drain);
    supervisor.drain_children_and_wait(Some(STOP_TIMEOUT)).await;
    let _ = supervisor.stop_and_wait(None, Some(STOP_TIMEOUT)).await;
}
