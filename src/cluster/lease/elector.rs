//! Carries out the moves of a candidate: acquires, renews and releases the lease.
//!
//! A renewal may take until the renew deadline, and none waits for the one before it: the elector sends one each retry
//! period, answered or not, and a success counts from when it was sent. So neither a slow answer nor a lost one uses up
//! the time of the others. A renewal is a patch that tests the holder of the lease: it does not depend on earlier
//! answers, and does nothing if it arrives after another candidate has acquired the lease.

mod candidate;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use kube::api::Api;
use kube::runtime::watcher;
use kube::{Client, runtime};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

pub use self::candidate::{Annotations, LEASE_NAME};
use self::candidate::{Candidate, Known, Outcome, Tried};
use super::Timing;
use super::fence::Fence;
use crate::causes::with_causes;
use crate::clock::Clock;

/// Times that a renewal is tried before a term ends, should none be answered: one that is lost on its way must not use
/// up the time for all.
const RENEWALS_MIN: u32 = 3;
/// Renewals that are waited for at once; the closest that two are sent is this part of the renew deadline.
const RENEWALS_MAX: u32 = 32;

/// One candidate for leadership.
pub struct Elector {
    candidate: Candidate,
    fence: Fence,
    /// The lease as it was last seen, and when it was first seen so.
    known: Known,
    /// When the last renewal that succeeded was sent: leadership counts from there, as the lease may be as old as that.
    renewed: Instant,
    /// The renewals that are waited for.
    renewals: FuturesUnordered<BoxFuture<'static, Tried>>,
    /// When the last renewal was sent.
    sent: Instant,
    /// How long the last that succeeded took.
    latency: Duration,
    /// When the next is sent.
    next: Instant,
}

/// What a step on the way of a leader came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The lease is renewed.
    Renewed,
    /// Another candidate holds the lease.
    Lost,
    /// Nothing that matters.
    Nothing,
}

impl Elector {
    /// A candidate called `identity`, whose `fence` keeps the requests that need leadership.
    pub fn new(client: Client, namespace: &str, identity: String, timing: Timing, clock: Clock, fence: Fence) -> Self {
        let leases = Api::namespaced(client, namespace);
        let now = Instant::now();
        Self {
            candidate: Candidate { leases, identity, timing, clock, annotations: Arc::new(BTreeMap::new) },
            fence,
            known: None,
            renewed: now,
            renewals: FuturesUnordered::new(),
            sent: now,
            latency: Duration::ZERO,
            next: now,
        }
    }

    /// The same, which writes these annotations with the lease, and leaves all others alone.
    #[must_use]
    pub fn annotated(mut self, annotations: Annotations) -> Self {
        self.candidate.annotations = annotations;
        self
    }

    /// Waits until this candidate leads.
    pub async fn acquire(&mut self) {
        let (changed, mut changes) = watch::channel(());
        let leases = self.candidate.leases.clone();
        // Polling alone would find a released lease late; a watch alone could miss it.
        let mut watching = JoinSet::new();
        watching.spawn(async move {
            let config = watcher::Config::default().fields(&format!("metadata.name={LEASE_NAME}"));
            let mut events = std::pin::pin!(runtime::watcher(leases, config));
            while let Some(event) = events.next().await {
                if event.is_err() {
                    time::sleep(Duration::from_secs(1)).await;
                }
                changed.send_replace(());
            }
        });
        while !self.try_to_lead().await {
            let _ = time::timeout(self.candidate.timing.retry_period, changes.changed()).await;
        }
        drop(watching);
        tracing::info!(identity = self.candidate.identity, "this process leads");
    }

    /// One try to acquire the lease. A term that begins has a renewal on its way already where answers are slow, or its
    /// time would be up before the first could be answered.
    async fn try_to_lead(&mut self) -> bool {
        self.renewals.clear();
        let tried = self.candidate.clone().lead(self.known.clone()).await;
        if self.take_in(tried) != Step::Renewed {
            return false;
        }
        self.next = self.renewed + self.candidate.timing.retry_period;
        let is_late = |elector: &Self| elector.latency > elector.candidate.timing.renew_deadline / 2;
        let mut is_alone = is_late(self);
        while is_alone || self.has_run_out() {
            match self.step(None).await {
                Step::Lost => return false,
                Step::Renewed => is_alone = is_late(self) && self.renewals.is_empty(),
                Step::Nothing => {}
            }
        }
        true
    }

    /// Keeps the lease for as long as it can be renewed. Returns once this candidate leads no more; by then no
    /// request that needs leadership leaves this process.
    pub async fn keep(&mut self) {
        while !self.has_run_out() && self.step(Some(self.deadline())).await != Step::Lost {}
        self.fence.close();
        self.renewals.clear();
        tracing::error!(identity = self.candidate.identity, "this process leads no more");
    }

    /// Gives the lease back, so that another candidate can take it at once.
    pub async fn release(&mut self) {
        self.fence.close();
        // A renewal may have been under way when this candidate was told to stop. It finds that the lease is not its own
        // any more, should it arrive after this.
        self.renewals.clear();
        match self.candidate.look(self.known.clone()).await {
            Ok(known) => self.known = known,
            Err(error) => tracing::warn!(error = with_causes(&error), "failed to read the lease"),
        }
        let Some((lease, _)) = self.known.clone().filter(|_| self.candidate.holds(&self.known)) else { return };
        if self.fence.writes.last().is_some_and(|sent| sent.elapsed() < self.candidate.timing.lease_duration) {
            tracing::warn!(
                "a write of this process may still arrive: the lease is not released, it runs out by itself"
            );
            return;
        }
        if let Err(error) = self.candidate.release(&lease).await {
            tracing::warn!(error = with_causes(&error), "failed to release the lease; it runs out by itself");
        }
    }

    /// Until when requests may leave, as it is now.
    fn deadline(&self) -> Instant {
        self.renewed + self.candidate.timing.renew_deadline
    }

    fn has_run_out(&self) -> bool {
        self.deadline() <= Instant::now()
    }

    /// Waits for the first of what is due: an answer, the next renewal, or the deadline.
    async fn step(&mut self, deadline: Option<Instant>) -> Step {
        let is_full = self.renewals.len() >= RENEWALS_MAX as usize;
        let run_out = async {
            match deadline {
                Some(deadline) => time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(tried) = self.renewals.next() => self.take_in(tried),
            () = run_out => Step::Nothing,
            () = time::sleep_until(self.next), if !is_full => {
                self.send();
                Step::Nothing
            }
        }
    }

    /// Sends a renewal; it is waited for as long as its success would be of use.
    fn send(&mut self) {
        let renew_deadline = self.candidate.timing.renew_deadline;
        let now = Instant::now();
        let renewal = self.candidate.clone().renew(self.known.clone());
        let renewal = time::timeout_at(now + renew_deadline, renewal);
        let renewal = renewal.map(move |tried| tried.unwrap_or_else(|_| Tried::failed(now)));
        self.renewals.push(renewal.boxed());
        self.sent = now;
        self.next = now + self.pause().min(renew_deadline / RENEWALS_MIN);
    }

    /// Applies the result of a try.
    fn take_in(&mut self, tried: Tried) -> Step {
        let Tried { asked, known, outcome } = tried;
        if let Some(known) = known {
            self.known = known;
        }
        match outcome {
            Outcome::Led => {
                self.renewed = self.renewed.max(asked);
                self.latency = asked.elapsed();
                self.next = self.sent + self.pause();
                self.fence.move_to(self.deadline());
                Step::Renewed
            }
            Outcome::NotLed if !self.candidate.holds(&self.known) => Step::Lost,
            Outcome::NotLed | Outcome::Failed => Step::Nothing,
        }
    }

    /// The time between two renewals: the retry period, unless renewals that far apart would not be answered before the
    /// deadline of the one before them, where answers take as long as the last did.
    fn pause(&self) -> Duration {
        let Timing { renew_deadline, retry_period, .. } = self.candidate.timing;
        let left = renew_deadline.saturating_sub(self.latency) / 2;
        retry_period.min(left.max(renew_deadline / RENEWALS_MAX))
    }
}

/// A name that no other candidate has: where this process runs, and which of the processes there it is.
pub fn identity(host: &str, process: u32, started: Timestamp) -> String {
    format!("{host}_{process}_{}", started.as_millisecond())
}
