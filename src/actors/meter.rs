//! Counters and durations of builds, and counters of actor restarts.
//!
//! Transitions that have an Event are counted with it: the API server accepts an Event of one name once, so a
//! transition that this process or a predecessor reported before is not counted again. Durations come from the pool's
//! record and status, at the moment when the daemon writes them.
//!
//! The pool is not a label: its series would outlive it, and its Events and conditions name it already.

use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::api::conditions::{EventReason, reason};
use crate::reconcile::inputs::fault::FaultReason;
use crate::reconcile::observed::status::FailureCause;
use crate::reconcile::pool::events::PoolEvent;
use crate::reconcile::pool::progress::AttemptOutcome;

/// Bounds in seconds: most slots are free at once, and a queue lasts as long as builds do.
const QUEUE_BUCKETS: [f64; 11] = [1.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0];
/// Bounds in seconds: builds take minutes.
const BUILD_BUCKETS: [f64; 11] = [30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1200.0, 1800.0, 2700.0, 3600.0, 7200.0];
/// Bounds in seconds: a publication is a handful of requests.
const PUBLISH_BUCKETS: [f64; 9] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// One label and its value, from a small fixed set.
type Label = [(&'static str, &'static str); 1];

/// The actors that are restarted after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Actor {
    /// One pool's.
    Pool,
    /// One build's.
    Build,
}

impl Actor {
    fn label(self) -> Label {
        [("actor", self.into())]
    }
}

/// Counters and durations of builds, and counters of actor restarts; clones share them.
#[derive(Debug, Clone)]
pub struct Meter {
    started: Counter,
    succeeded: Counter,
    failed: Family<Label, Counter>,
    retried: Counter,
    refused: Counter,
    superseded: Counter,
    invalid: Family<Label, Counter>,
    rebuilds: Counter,
    opt_outs: Counter,
    restarts: Family<Label, Counter>,
    meltdowns: Family<Label, Counter>,
    queue: Histogram,
    build: Family<Label, Histogram, fn() -> Histogram>,
    publish: Histogram,
}

impl Default for Meter {
    /// All counters exist from the start, at zero: a query does not see the increase of a series that did not exist
    /// before.
    fn default() -> Self {
        let actors = [Actor::Pool, Actor::Build].map(Actor::label);
        let causes = FailureCause::ALL.iter().map(|cause| [("cause", cause.as_str())]);
        let faults = FaultReason::ALL.iter().map(FaultReason::as_str).chain([reason::NAME_CONFLICT]);
        let build = Family::new_with_constructor((|| Histogram::new(BUILD_BUCKETS)) as fn() -> Histogram);
        for ending in AttemptOutcome::ALL {
            drop(build.get_or_create(&result(ending)));
        }
        Self {
            started: Counter::default(),
            succeeded: Counter::default(),
            failed: zeros(causes),
            retried: Counter::default(),
            refused: Counter::default(),
            superseded: Counter::default(),
            invalid: zeros(faults.map(|fault| [("reason", fault)])),
            rebuilds: Counter::default(),
            opt_outs: Counter::default(),
            restarts: zeros(actors),
            meltdowns: zeros(actors),
            queue: Histogram::new(QUEUE_BUCKETS),
            build,
            publish: Histogram::new(PUBLISH_BUCKETS),
        }
    }
}

fn zeros(labels: impl IntoIterator<Item = Label>) -> Family<Label, Counter> {
    let family = Family::<Label, Counter>::default();
    labels.into_iter().for_each(|label| drop(family.get_or_create(&label)));
    family
}

const fn result(ending: AttemptOutcome) -> Label {
    [("result", ending.as_str())]
}

impl Meter {
    /// Shows the counts in `registry`.
    pub fn register(&self, registry: &mut Registry) {
        let mut count = |name: &str, help: &str, counter: &Counter| registry.register(name, help, counter.clone());
        count("builds_started", "Attempts at a build whose build object was made", &self.started);
        count("builds_succeeded", "Builds whose image was published", &self.succeeded);
        count("builds_retried", "Attempts that were lost, and are followed by another", &self.retried);
        count("builds_refused", "Times that the API server began to refuse a write that a build needs", &self.refused);
        count("builds_superseded", "Builds that were stopped for newer inputs", &self.superseded);
        count("rebuild_requests", "Fresh builds that users asked for", &self.rebuilds);
        count("opt_outs", "Pools that were opted out, and cleaned up", &self.opt_outs);
        let mut count = |name: &str, help: &str, family: &Family<Label, Counter>| {
            registry.register(name, help, family.clone());
        };
        count("builds_failed", "Builds that failed for good, by cause", &self.failed);
        count("invalid_inputs", "Inputs that could not be used, by the reason that the pool shows", &self.invalid);
        count("actor_restarts", "Actors that were started again after a crash", &self.restarts);
        count("actor_meltdowns", "Times that actors crashed so often that they were left to rest", &self.meltdowns);
        let help = "From when a pool began to wait for a slot until it had claimed its attempt";
        registry.register_with_unit("queue_duration", help, Unit::Seconds, self.queue.clone());
        let help = "From when an attempt was claimed until its end was known, by how it ended";
        registry.register_with_unit("build_duration", help, Unit::Seconds, self.build.clone());
        let help = "From when it was known that a build had succeeded until its pool showed so";
        registry.register_with_unit("publish_duration", help, Unit::Seconds, self.publish.clone());
    }

    /// Counts the transition of `pool_event`, which no process had reported before.
    pub(super) fn emitted(&self, pool_event: &PoolEvent) {
        let count = |family: &Family<Label, Counter>, name: &'static str| {
            family.get_or_create(&[(name, pool_event.cause.unwrap_or_default())]).inc();
        };
        match pool_event.reason {
            EventReason::BuildStarted => drop(self.started.inc()),
            EventReason::BuildSucceeded => drop(self.succeeded.inc()),
            EventReason::BuildFailed => count(&self.failed, "cause"),
            EventReason::BuildRetrying => drop(self.retried.inc()),
            EventReason::BuildRefused => drop(self.refused.inc()),
            EventReason::BuildSuperseded => drop(self.superseded.inc()),
            EventReason::ConfigInvalid => count(&self.invalid, "reason"),
            EventReason::RebuildRequested => drop(self.rebuilds.inc()),
            EventReason::OptedOut => drop(self.opt_outs.inc()),
            EventReason::CleanUpHeld => {}
        }
    }

    /// Counts an actor that was started again.
    pub(super) fn restarted(&self, actor: Actor) {
        self.restarts.get_or_create(&actor.label()).inc();
    }

    /// Counts a meltdown.
    pub(super) fn melted_down(&self, actor: Actor) {
        self.meltdowns.get_or_create(&actor.label()).inc();
    }

    /// Observes how long a pool that claimed an attempt at `now` has waited for its slot.
    pub(super) fn queued(&self, since: Timestamp, now: Timestamp) {
        self.queue.observe(seconds(since, now));
    }

    /// Observes how long an attempt that ended at `now` took.
    pub(super) fn built(&self, ending: AttemptOutcome, since: Timestamp, now: Timestamp) {
        self.build.get_or_create(&result(ending)).observe(seconds(since, now));
    }

    /// Observes how long the publication of a pool took that shows its success from `now` on.
    pub(super) fn published(&self, since: Timestamp, now: Timestamp) {
        self.publish.observe(seconds(since, now));
    }
}

/// The time between; zero if the clock of the process that wrote `since` was ahead.
fn seconds(since: Timestamp, now: Timestamp) -> f64 {
    Duration::try_from(now.duration_since(since)).unwrap_or_default().as_secs_f64()
}
