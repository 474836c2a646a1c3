//! The lease of one process, from the first attempt to acquire it until its release or loss: a task of its own.

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use kube::Client;
use tokio::sync::{oneshot, watch};

use crate::cluster::lease::Timing;
use crate::cluster::lease::elector::Elector;
use crate::cluster::lease::fence::Fence;
use crate::cluster::transport::{RequestService, Transport};
use crate::daemon::{DaemonOptions, user_agent};
use crate::jitter::Jitter;
use crate::report::daemon::{DaemonSettings, DaemonState, annotations};

/// Where a lease is kept: what runs the task that it is given, to its end.
pub type Home = Box<dyn FnOnce(BoxFuture<'static, ()>) + Send>;

/// How a process takes part in the election of the one that acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaderElectionConfig {
    /// A name that no other process has.
    pub identity: String,
    /// The timing of the lease.
    pub timing: Timing,
}

/// How a process stands with regard to the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It waits for it.
    Waits,
    /// It holds it.
    Leads,
    /// It has lost it, or given it back.
    Over,
}

/// A process's hold on the lease. Dropped, no more requests are sent for it.
pub(super) struct Tenure {
    standing: watch::Receiver<Standing>,
    release: oneshot::Sender<()>,
}

impl Tenure {
    /// Asks for the lease by `way`, in a task of `home`'s.
    ///
    /// What is written with it is how the daemon is by then, as `state` tells.
    pub(super) fn begin(
        candidacy: LeaderElectionConfig,
        way: impl RequestService,
        options: &DaemonOptions,
        state: &Arc<Mutex<DaemonState>>,
        home: Home,
    ) -> Self {
        let LeaderElectionConfig { identity, timing } = candidacy;
        let DaemonOptions { settings, metrics, clock, fence, .. } = options;
        let (jitter, meter) = (Jitter::seeded(options.seed), metrics.requests.clone());
        // Leadership itself is not behind the fence.
        let transport = Transport::new(way, jitter, &user_agent(), Fence::open(), meter);
        let transport = transport.with_patience(timing.renew_deadline);
        let (namespace, clock, fence) = (settings.decide.namespace.clone(), *clock, fence.clone());
        let (told_settings, state) =
            (DaemonSettings::of(&settings.decide, settings.build.digest_handoff), Arc::clone(state));
        let annotations =
            Arc::new(move || annotations(&told_settings, &state.lock().unwrap_or_else(PoisonError::into_inner)));
        let (shows, standing) = watch::channel(Standing::Waits);
        let (release, told) = oneshot::channel();
        let task = async move {
            // Part of a client runs where the client is made.
            let client = Client::new(transport, namespace.clone());
            let elector = Elector::new(client, &namespace, identity, timing, clock, fence).annotated(annotations);
            hold(elector, &shows, told).await;
            shows.send_replace(Standing::Over);
        };
        home(task.boxed());
        Self { standing, release }
    }

    /// Waits until the process leads; false if it never will.
    pub(super) async fn leads(&mut self) -> bool {
        let standing = self.standing.wait_for(|standing| *standing != Standing::Waits).await;
        standing.is_ok_and(|standing| *standing == Standing::Leads)
    }

    /// Waits until the lease is lost.
    pub(super) async fn lost(&mut self) {
        let _ = self.standing.wait_for(|standing| *standing == Standing::Over).await;
    }

    /// Gives the lease back, so that another process can take it at once.
    pub(super) async fn release(mut self) {
        let _ = self.release.send(());
        let _ = self.standing.wait_for(|standing| *standing == Standing::Over).await;
    }
}

/// Acquires the lease and keeps it, until it is lost, given back as `told`, or the tenure is dropped.
async fn hold(mut elector: Elector, shows: &watch::Sender<Standing>, mut told: oneshot::Receiver<()>) {
    let told = tokio::select! {
        biased;
        told = &mut told => told,
        () = async {
            elector.acquire().await;
            shows.send_replace(Standing::Leads);
            elector.keep().await;
        } => return,
    };
    if told.is_ok() {
        elector.release().await;
    }
}
