//! Carries the moves out: acquires the lease, keeps it, and lets it go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::api::{Api, ObjectMeta, PostParams};
use kube::runtime::watcher;
use kube::{Client, runtime};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use super::fence::Fence;
use super::{Move, Timing, next, released};
use crate::causes::with_causes;
use crate::clock::Clock;

/// The name of the Lease.
pub const LEASE_NAME: &str = "machine-os-builder";

/// Times that a renewal is tried before a term ends, should none be answered: one that is lost on its way must not use
/// up the time for all.
const RENEWALS_MIN: u32 = 3;

/// What a candidate has to say of itself, as annotations of the lease that it writes.
pub type Annotations = Arc<dyn Fn() -> BTreeMap<String, String> + Send + Sync>;

/// One candidate for leadership.
pub struct Elector {
    leases: Api<Lease>,
    identity: String,
    timing: Timing,
    clock: Clock,
    fence: Fence,
    annotations: Annotations,
    /// The lease as it was last seen, and when it was first seen so.
    known: Option<(Lease, Instant)>,
    /// Whether the lease is known as this candidate wrote it: then it is renewed without a look at it before.
    is_own: bool,
}

/// Why a lease could not be written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    /// Somebody else wrote it first.
    #[error("somebody else wrote the lease first")]
    Conflict,
    /// The request failed.
    #[error("failed to write the lease")]
    Failed(#[source] kube::Error),
}

impl Elector {
    /// A candidate called `identity`, whose `fence` keeps the requests that need leadership.
    pub fn new(client: Client, namespace: &str, identity: String, timing: Timing, clock: Clock, fence: Fence) -> Self {
        let (leases, annotations) = (Api::namespaced(client, namespace), Arc::new(BTreeMap::new) as Annotations);
        Self { leases, identity, timing, clock, fence, annotations, known: None, is_own: false }
    }

    /// The same, which writes these annotations with the lease, and leaves all others alone.
    #[must_use]
    pub fn annotated(self, annotations: Annotations) -> Self {
        Self { annotations, ..self }
    }

    /// Waits until this candidate leads.
    pub async fn acquire(&mut self) {
        let (changed, mut changes) = watch::channel(());
        let leases = self.leases.clone();
        // The poll alone would find a released lease late; the watch alone could be blind.
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
            let _ = time::timeout(self.timing.retry_period, changes.changed()).await;
        }
        drop(watching);
        tracing::info!(identity = self.identity, "this process leads");
    }

    /// Keeps the lease for as long as it can be renewed. Returns once this candidate leads no more; by then no
    /// request that needs leadership leaves this process.
    pub async fn keep(&mut self) {
        let Timing { renew_deadline, retry_period, .. } = self.timing;
        let mut asked = Instant::now();
        let mut deadline = asked + renew_deadline;
        loop {
            time::sleep_until(deadline.min(asked + retry_period)).await;
            // Leadership counts from before the request: the lease may be as old as that.
            asked = Instant::now();
            let limit = deadline.min(asked + renew_deadline / RENEWALS_MIN);
            match time::timeout_at(limit, self.try_to_lead()).await {
                Ok(true) => deadline = asked + renew_deadline,
                Ok(false) if self.is_held_by_another() => break,
                Ok(false) | Err(_) => {}
            }
            if deadline <= Instant::now() {
                break;
            }
        }
        self.fence.close();
        tracing::error!(identity = self.identity, "this process leads no more");
    }

    /// Gives the lease back, so that another candidate can take it at once.
    pub async fn release(&mut self) {
        self.fence.close();
        // A renewal may have been under way when this candidate was told to stop.
        if !self.is_own
            && let Err(error) = self.look().await
        {
            tracing::warn!(error = with_causes(&error), "failed to read the lease");
        }
        let Some((lease, _)) = self.known.clone().filter(|_| !self.is_held_by_another()) else { return };
        if self.fence.writes.last().is_some_and(|sent| sent.elapsed() < self.timing.lease_duration) {
            tracing::warn!(
                "a write of this process may still arrive: the lease is not released, it runs out by itself"
            );
            return;
        }
        let spec = released(&lease.spec.clone().unwrap_or_default(), self.clock.now());
        if let Err(error) = self.write(Some(&lease), spec).await {
            tracing::warn!(error = with_causes(&error), "failed to release the lease; it runs out by itself");
        }
    }

    /// One try: writes the lease if it may be taken or is this candidate's to renew. It is read before that, unless this
    /// candidate wrote it last; a conflict says that it did not, and is worth another look.
    async fn try_to_lead(&mut self) -> bool {
        // Leadership counts from before the request: the lease may be as old as that.
        let asked = Instant::now();
        // Whatever becomes of this try, unless the write succeeds.
        let was_own = std::mem::take(&mut self.is_own);
        if was_own && self.try_to_write(asked).await {
            return true;
        }
        if let Err(error) = self.look().await {
            tracing::warn!(error = with_causes(&error), "failed to read the lease");
            return false;
        }
        self.try_to_write(asked).await
    }

    async fn try_to_write(&mut self, asked: Instant) -> bool {
        let known = self.known.clone();
        let spec = known.as_ref().and_then(|(lease, _)| lease.spec.as_ref());
        let seen = known.as_ref().map_or(asked, |(_, seen)| *seen);
        match next(spec, &self.identity, &self.timing, seen, asked, self.clock.now()) {
            Move::Wait(_) => false,
            Move::Write(spec) => match self.write(known.as_ref().map(|(lease, _)| lease), spec).await {
                Ok(()) => {
                    self.fence.move_to(asked + self.timing.renew_deadline);
                    true
                }
                Err(WriteError::Conflict) => false,
                Err(error) => {
                    tracing::warn!(error = with_causes(&error), "the lease is not renewed");
                    false
                }
            },
        }
    }

    async fn look(&mut self) -> kube::Result<()> {
        let lease = self.leases.get_opt(LEASE_NAME).await?;
        let version = |lease: &Lease| lease.metadata.resource_version.clone();
        self.known = lease.map(|lease| match self.known.take() {
            Some((known, seen)) if version(&known) == version(&lease) => (lease, seen),
            _ => (lease, Instant::now()),
        });
        Ok(())
    }

    async fn write(&mut self, known: Option<&Lease>, spec: LeaseSpec) -> Result<(), WriteError> {
        let mut metadata = known.map_or_else(
            || ObjectMeta { name: Some(LEASE_NAME.to_owned()), ..ObjectMeta::default() },
            |lease| lease.metadata.clone(),
        );
        metadata.annotations.get_or_insert_default().extend((self.annotations)());
        let lease = Lease { metadata, spec: Some(spec) };
        let params = PostParams::default();
        let written = match known {
            Some(_) => self.leases.replace(LEASE_NAME, &params, &lease).await,
            None => self.leases.create(&params, &lease).await,
        };
        match written {
            Ok(lease) => {
                self.known = Some((lease, Instant::now()));
                self.is_own = true;
                Ok(())
            }
            Err(kube::Error::Api(status)) if status.code == 409 => Err(WriteError::Conflict),
            Err(error) => Err(WriteError::Failed(error)),
        }
    }

    fn is_held_by_another(&self) -> bool {
        let holder = self.known.as_ref().and_then(|(lease, _)| lease.spec.as_ref()?.holder_identity.as_deref());
        holder != Some(self.identity.as_str())
    }
}

/// A name that no other candidate has: where this process runs, and which of the processes there it is.
pub fn identity(host: &str, process: u32, started: Timestamp) -> String {
    format!("{host}_{process}_{}", started.as_millisecond())
}
