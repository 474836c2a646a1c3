//! One process of the daemon: it stands by until it leads, acts while it leads, and then ends.
//!
//! Reads and writes the Lease; everything else is the [`Daemon`]'s, which is started behind the fence once the lease is
//! acquired. A process leads once at most: whoever is deposed ends, and a clean start is its successor's.

use bytes::Bytes;
use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use ractor::SpawnErr;
use tower::{BoxError, Service};

use super::{Daemon, Inspector, Options, user_agent};
use crate::cluster::lease::Timing;
use crate::cluster::lease::elector::Elector;
use crate::cluster::lease::fence::Fence;
use crate::cluster::transport::Transport;
use crate::jitter::Jitter;

/// How a process takes part in the election of the one that acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidacy {
    /// A name that no other process has.
    pub identity: String,
    /// The timing of the lease.
    pub timing: Timing,
}

/// How a process came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was told to stop, and has finished what was under way and released the lease.
    Stopped,
    /// Another process leads, or the lease could not be renewed in time.
    Deposed,
    /// The supervisor ended, which it does not do unless something is very wrong.
    Crashed,
}

/// One process of the daemon.
pub struct Replica<S> {
    service: S,
    client: Client,
    options: Options,
    elector: Option<Elector>,
}

/// A daemon that ends with whoever runs it, as with its process.
struct Term(Option<Daemon>);

impl Drop for Term {
    fn drop(&mut self) {
        if let Some(daemon) = &self.0 {
            daemon.abort();
        }
    }
}

impl<S, B> Replica<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError> + Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    /// A process that reaches its API server through `service`. Without a candidacy it acts from the start, and asks
    /// nobody; with one, the fence of `options` is the elector's.
    pub fn new(service: S, candidacy: Option<Candidacy>, options: Options) -> Self {
        let fence = if candidacy.is_some() { Fence::closed() } else { Fence::open() };
        let options = Options { fence, ..options };
        // Leadership itself is not behind the fence.
        let (jitter, meter) = (Jitter::seeded(options.seed), options.metrics.requests.clone());
        let transport = Transport::new(service.clone(), jitter, &user_agent(), Fence::open(), meter);
        let namespace = &options.settings.decide.namespace;
        let client = Client::new(transport, namespace.clone());
        let elector = candidacy.map(|Candidacy { identity, timing }| {
            Elector::new(client.clone(), namespace, identity, timing, options.clock, options.fence.clone())
        });
        Self { service, client, options, elector }
    }

    /// The client that the process asks for the lease with: not behind the fence.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Runs until `stop` ends, or the process is deposed or crashes; `leads` is told once it acts.
    ///
    /// Dropped before that, it ends as a crash of its process would: at once, in the middle of whatever it does.
    ///
    /// # Errors
    /// If the daemon cannot be started.
    pub async fn run(self, stop: impl Future<Output = ()>, leads: impl FnOnce(Inspector)) -> Result<End, SpawnErr> {
        let Self { service, options, mut elector, .. } = self;
        let mut stop = std::pin::pin!(stop);
        if let Some(elector) = &mut elector {
            tokio::select! {
                biased;
                () = &mut stop => return Ok(End::Stopped),
                () = elector.acquire() => {}
            }
        }
        let mut term = Term(Some(Daemon::start(service, options).await?));
        let Some(daemon) = &mut term.0 else { return Ok(End::Crashed) };
        leads(daemon.inspector());
        let end = tokio::select! {
            biased;
            () = &mut stop => End::Stopped,
            () = daemon.ended() => End::Crashed,
            () = keep(&mut elector) => End::Deposed,
        };
        if end == End::Stopped {
            tracing::info!("stopping");
            if let Some(daemon) = term.0.take() {
                daemon.stop().await;
            }
            if let Some(elector) = &mut elector {
                elector.release().await;
            }
        }
        Ok(end)
    }
}

/// Keeps the lease, where there is one to keep; returns once it is lost.
async fn keep(elector: &mut Option<Elector>) {
    match elector {
        Some(elector) => elector.keep().await,
        None => std::future::pending().await,
    }
}
