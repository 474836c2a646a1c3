//! How long the stages of a pool's build take, each measured once.

use jiff::Timestamp;

use crate::actors::meter::Meter;
use crate::api::Pool;
use crate::api::conditions::BUILD_SUCCESS;
use crate::reconcile::observed::status::BuildStatus;
use crate::reconcile::pool::progress::{AttemptOutcome, claimed, ended};

/// Start times of the stages under way that the pool's record does not hold. They end with the actor: a stage under way
/// then goes unmeasured, rather than being measured twice.
#[derive(Debug, Default)]
pub(super) struct Stopwatch {
    /// Since when the pool had waited for the slot that it was given.
    waiting_since: Option<Timestamp>,
    /// When the actor learned that a build had succeeded.
    succeeded_at: Option<Timestamp>,
    /// The same, for a published build that the status does not show yet.
    publishing_since: Option<Timestamp>,
}

impl Stopwatch {
    /// The pool was given a slot.
    pub(super) const fn granted(&mut self, waiting_since: Timestamp) {
        self.waiting_since = Some(waiting_since);
    }

    /// The status of a build changed.
    pub(super) const fn heard(&mut self, status: &BuildStatus, now: Timestamp) {
        if matches!(status, BuildStatus::Succeeded(_)) {
            self.succeeded_at = Some(now);
        }
    }

    /// The pool actor patched its pool, from `before` to `after`; patches by other writers do not count.
    pub(super) fn patched(&mut self, before: &Pool<'_>, after: &Pool<'_>, now: Timestamp, meter: &Meter) {
        if claimed(before, after).is_some() {
            self.publishing_since = None;
            if let Some(since) = self.waiting_since.take() {
                meter.queued(since, now);
            }
        }
        if let Some((attempt, ending)) = ended(before, after) {
            meter.built(ending, attempt.started, now);
            let succeeded_at = self.succeeded_at.take();
            self.publishing_since = succeeded_at.filter(|_| ending == AttemptOutcome::Succeeded);
        }
        if after.is_true(BUILD_SUCCESS)
            && !before.is_true(BUILD_SUCCESS)
            && let Some(since) = self.publishing_since.take()
        {
            meter.published(since, now);
        }
    }
}
