//! One process of the daemon: it stands by until it leads, acts while it leads, and then ends.
//!
//! Reads and writes the Lease; the [`Daemon`] does everything else, and starts behind the fence once the process has
//! acquired the lease. A process leads at most once: a deposed leader ends, so that its successor starts from a clean
//! state.

mod tenure;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use ractor::SpawnErr;
use tokio::time;

use self::tenure::Tenure;
pub use self::tenure::{Home, LeaderElectionConfig};
use super::{Daemon, DaemonOptions, Inspector, user_agent};
use crate::actors::Overview;
use crate::cluster::lease::fence::Fence;
use crate::cluster::transport::{RequestService, Transport};
use crate::jitter::Jitter;
use crate::report::daemon::DaemonState;

/// How often it is looked how the daemon is: what is written with the lease is not much older than the lease.
const OBSERVED_EVERY: Duration = Duration::from_millis(500);

/// How a process came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
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
    options: DaemonOptions,
    candidacy: Option<LeaderElectionConfig>,
    /// The way of the requests about the lease.
    way: S,
    home: Home,
    /// The daemon's state, for clients that read the lease.
    state: Arc<Mutex<DaemonState>>,
}

/// A daemon that is aborted with the task that runs it, as it would end with its process.
struct Leadership(Option<Daemon>);

impl Drop for Leadership {
    fn drop(&mut self) {
        if let Some(daemon) = &self.0 {
            daemon.abort();
        }
    }
}

impl<S: RequestService> Replica<S> {
    /// A process that reaches its API server through `service`. Without a candidacy it acts from the start and takes no
    /// lease; with one, the elector controls the fence of `options`.
    pub fn new(service: S, candidacy: Option<LeaderElectionConfig>, options: DaemonOptions) -> Self {
        let fence = if candidacy.is_some() { Fence::closed() } else { Fence::open() };
        let home = Box::new(|task| drop(tokio::spawn(task)));
        let options = DaemonOptions { fence, ..options };
        Self { way: service.clone(), service, options, candidacy, home, state: Arc::default() }
    }

    /// The same, which keeps its lease by a way of its own and in a place of its own: neither requests nor work of the
    /// daemon's, however much there is of it, make a renewal late then.
    #[must_use]
    pub fn with_lease_apart(self, way: S, home: Home) -> Self {
        Self { way, home, ..self }
    }

    /// A client that is not behind the fence.
    pub fn client(&self) -> Client {
        let DaemonOptions { settings, metrics, seed, .. } = &self.options;
        let (jitter, meter) = (Jitter::seeded(*seed), metrics.requests.clone());
        let transport = Transport::new(self.service.clone(), jitter, &user_agent(), Fence::open(), meter);
        Client::new(transport, settings.decide.namespace.clone())
    }

    /// Runs until `stop` ends, or the process is deposed or crashes; `leads` is told once it acts.
    ///
    /// Dropped before that, it ends as a crash of its process would: at once, in the middle of whatever it does.
    ///
    /// # Errors
    /// If the daemon cannot be started.
    pub async fn run(
        self,
        stop: impl Future<Output = ()>,
        leads: impl FnOnce(Inspector),
    ) -> Result<ExitReason, SpawnErr> {
        let Self { service, options, candidacy, way, home, state } = self;
        let clock = options.clock;
        let mut stop = std::pin::pin!(stop);
        let mut tenure = candidacy.map(|candidacy| Tenure::begin(candidacy, way, &options, &state, home));
        if let Some(tenure) = &mut tenure {
            tokio::select! {
                biased;
                () = &mut stop => return Ok(ExitReason::Stopped),
                leads = tenure.leads() => if !leads { return Ok(ExitReason::Deposed) },
            }
        }
        let mut term = Leadership(Some(Daemon::start(service, options).await?));
        let Some(daemon) = &mut term.0 else { return Ok(ExitReason::Crashed) };
        leads(daemon.inspector());
        let observed = observe(daemon.inspector(), state, clock.now());
        let end = tokio::select! {
            biased;
            () = &mut stop => ExitReason::Stopped,
            () = daemon.ended() => ExitReason::Crashed,
            () = lost(&mut tenure, observed) => ExitReason::Deposed,
        };
        if end == ExitReason::Stopped {
            tracing::info!("stopping");
            if let Some(daemon) = term.0.take() {
                daemon.stop().await;
            }
            if let Some(tenure) = tenure {
                tenure.release().await;
            }
        }
        Ok(end)
    }
}

/// Waits until the lease is lost, where there is one to keep, while `observed` sees what is written with it.
async fn lost(tenure: &mut Option<Tenure>, observed: impl Future<Output = Infallible>) {
    let Some(tenure) = tenure else { return std::future::pending().await };
    tokio::select! {
        () = tenure.lost() => {}
        never = observed => match never {},
    }
}

/// Looks again and again how a daemon is that leads since then.
async fn observe(inspector: Inspector, state: Arc<Mutex<DaemonState>>, since: Timestamp) -> Infallible {
    loop {
        if let Some(overview) = inspector.overview().await {
            *state.lock().unwrap_or_else(PoisonError::into_inner) = told_of(&overview, since);
        }
        time::sleep(OBSERVED_EVERY).await;
    }
}

/// What is told of how a daemon is.
fn told_of(overview: &Overview, since: Timestamp) -> DaemonState {
    DaemonState {
        leader_since: Some(since),
        ready: overview.is_ready,
        stale_watches: overview.stale_watches.iter().map(|watch| watch.scope.to_string()).collect(),
        pools: overview.pools.len(),
        building: overview.building,
        waiting: overview.waiting,
    }
}
