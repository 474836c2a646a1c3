//! Reports that watches keep up to date. The watches survive failures of the connection to the API server.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time;

use crate::causes::with_causes;
use crate::cli::cluster_access::Access;
use crate::cli::error::Error;
use crate::cluster::watch::Watches;
use crate::reconcile::observed::index::WatchEvent;
use crate::report::PoolReport;
use crate::report::daemon::DaemonReport;
use crate::snapshot::{self, Reports, Snapshot, read_daemon};
use crate::stderr;

/// The wait before what could not be read is read again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// The shortest wait for a time to come.
const WAKE_MIN: Duration = Duration::from_secs(1);
/// The longest: the clock may be set in the meantime, or watches may have gone blind.
const WAKE_MAX: Duration = Duration::from_secs(5);

/// What is known of a cluster, and goes on to be.
pub(super) struct Followed {
    access: Access,
    snapshot: Snapshot,
    watches: Watches,
    events: UnboundedReceiver<WatchEvent>,
    reports: Reports,
    /// What keeps the reports from being what they should; it was told of.
    trouble: Option<String>,
}

impl Followed {
    /// Reads the cluster, and watches it from then on. What cannot be read at first is an error.
    pub(super) async fn start(access: Access) -> Result<Self, Error> {
        let snapshot = access.snapshot().await?;
        let reports = snapshot.reports(&access.settings, Timestamp::now()).await?;
        let (sender, events) = mpsc::unbounded_channel();
        let sink = Arc::new(move |event| drop(sender.send(event)));
        let namespace = access.settings.namespace.clone();
        let (jitter, health) = (access.jitter.clone(), access.health.clone());
        let mut watches = Watches::new(access.client.clone(), namespace, jitter, sink, health);
        watches.follow(snapshot.scopes());
        Ok(Self { access, snapshot, watches, events, reports, trouble: None })
    }

    /// How every pool is.
    pub(super) fn reports(&self) -> &[PoolReport] {
        &self.reports.pools
    }

    /// How the daemon is by now; as it was at the beginning, if that cannot be read.
    pub(super) async fn daemon(&self) -> DaemonReport {
        let Access { client, settings, .. } = &self.access;
        read_daemon(client, &settings.namespace).await.unwrap_or_else(|_| self.access.daemon.clone())
    }

    /// Waits until something may be otherwise than it was, and looks again.
    pub(super) async fn changed(&mut self) {
        let event = time::timeout(self.patience(), self.events.recv()).await.ok().flatten();
        let is_due =
            self.trouble.is_some() || self.reports.requeue_at.is_some_and(|requeue_at| requeue_at <= Timestamp::now());
        let looked = if event.is_some() || is_due { self.look(event).await } else { Ok(()) };
        let trouble = looked.map_or_else(|error| Some(with_causes(&error)), |()| self.blindness());
        if let Some(trouble) = trouble.as_ref().filter(|_| self.trouble.is_none()) {
            stderr::line(&format!("warning: what is shown may be old: {trouble}"));
        }
        self.trouble = trouble;
    }

    /// The first of the watches that have seen nothing for too long.
    fn blindness(&self) -> Option<String> {
        self.access.health.stale().first().map(ToString::to_string)
    }

    async fn look(&mut self, event: Option<WatchEvent>) -> Result<(), snapshot::Error> {
        // What has arrived in the meantime makes one look.
        let further = std::iter::from_fn(|| self.events.try_recv().ok());
        let events: Vec<WatchEvent> = event.into_iter().chain(further).collect();
        if events.iter().any(|event| matches!(event, WatchEvent::Rewound(_))) {
            // What is known is of a time that is not any more.
            self.watches.begin_anew();
            self.snapshot = Snapshot::read(self.access.client.clone(), &self.access.settings.namespace).await?;
        } else {
            events.into_iter().for_each(|event| self.snapshot.observe(event));
        }
        self.snapshot.follow_secrets().await?;
        self.watches.follow(self.snapshot.scopes());
        self.reports = self.snapshot.reports(&self.access.settings, Timestamp::now()).await?;
        Ok(())
    }

    /// How long nothing has to change for the reports to stay what they are.
    fn patience(&self) -> Duration {
        if self.trouble.is_some() {
            return AGAIN_AFTER;
        }
        let until = self.reports.requeue_at.map(|requeue_at| requeue_at.duration_since(Timestamp::now()));
        until.map_or(WAKE_MAX, |wait| Duration::try_from(wait).unwrap_or_default().clamp(WAKE_MIN, WAKE_MAX))
    }
}
