//! A daemon: the actors, and what they share, put together over any way to an API server.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use ractor::{Actor, ActorRef, SpawnErr};
use tokio::task::JoinHandle;
use tower::{BoxError, Service};

use crate::actors::{Arguments, Context, Overview, Settings, Supervisor, SupervisorMessage};
use crate::api::COMPONENT;
use crate::api::limits::STOP_TIMEOUT;
use crate::clock::Clock;
use crate::cluster::door::{Door, Interceptor};
use crate::cluster::transport::Transport;
use crate::jitter::Jitter;

/// What a daemon is started with.
pub struct Options {
    /// Settings of decisions and builds.
    pub settings: Settings,
    /// Where the time comes from.
    pub clock: Clock,
    /// Seed of all jitter.
    pub seed: u64,
    /// Called before each request, in the actor that sends it; for tests.
    pub interceptor: Option<Interceptor>,
}

impl Options {
    /// Options with nothing in the way of requests.
    pub const fn new(settings: Settings, clock: Clock, seed: u64) -> Self {
        Self { settings, clock, seed, interceptor: None }
    }
}

/// A running daemon.
pub struct Daemon {
    supervisor: ActorRef<SupervisorMessage>,
    task: JoinHandle<()>,
}

/// The name under which a daemon's requests are sent.
pub fn user_agent() -> String {
    format!("{COMPONENT}/{}", env!("CARGO_PKG_VERSION"))
}

impl Daemon {
    /// Starts a daemon that reaches its API server through `service`.
    pub async fn start<S, B>(service: S, options: Options) -> Result<Self, SpawnErr>
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError> + Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let Options { settings, clock, seed, interceptor } = options;
        let jitter = Jitter::seeded(seed);
        let namespace = settings.decide.namespace.clone();
        let client = Client::new(Transport::new(service, jitter.clone(), &user_agent()), namespace.clone());
        let context = Context {
            door: Door::new(client.clone(), &namespace, interceptor),
            settings: Arc::new(settings),
            clock,
            jitter,
        };
        let (supervisor, task) = Actor::spawn(None, Supervisor, Arguments { context, client }).await?;
        Ok(Self { supervisor, task })
    }

    /// How things are; `None` if the daemon has ended.
    pub async fn overview(&self) -> Option<Overview> {
        ractor::call!(self.supervisor, SupervisorMessage::Inspect).ok()
    }

    /// Stops the daemon; builds under way go on without it.
    pub async fn stop(self) {
        let _ = self.supervisor.cast(SupervisorMessage::Drain);
        let _ = self.supervisor.stop_children_and_wait(None, Some(STOP_TIMEOUT)).await;
        let _ = self.supervisor.stop_and_wait(None, Some(STOP_TIMEOUT)).await;
        let _ = self.task.await;
    }
}
