//! Requests that the API server refuses, noted from its answers. Each retry comes later than the one before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::outcome::{Failure, FailureKind};
use crate::api::Key;
use crate::api::limits::{REFUSAL_BACKOFF_FIRST, REFUSAL_BACKOFF_MAX, TROUBLE_IS_REFUSAL_AFTER};
use crate::clock::Moment;
use crate::jitter::Jitter;
use crate::reconcile::decide::{Refusal, RequestKind};

/// The writes that the API server refuses.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals {
    known: BTreeMap<RequestKind, Refusal>,
    times: BTreeMap<RequestKind, Times>,
    /// The writes that last failed because of the server's own trouble, and since when they have.
    trouble: BTreeMap<RequestKind, Instant>,
}

/// When a write was first refused and when its retry is due, by the monotonic clock, because the wall clock may be set
/// meanwhile.
#[derive(Debug, Clone, Copy)]
struct Times {
    first: Instant,
    due: Instant,
}

/// An answered write, with its object and the effects sent with it.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub write: RequestKind,
    pub object: Key,
    /// The writes that were due at the same time, this one included.
    pub beside: BTreeSet<RequestKind>,
    pub sent: Instant,
}

impl Refusals {
    pub(super) const fn known(&self) -> &BTreeMap<RequestKind, Refusal> {
        &self.known
    }

    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// Updates the wall-clock times of each refusal: when it began, and when its retry is due.
    pub(super) fn tell_time(&mut self, now: Moment) {
        let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        for (write, refusal) in &mut self.known {
            let Some(Times { first, due }) = self.times.get(write) else { continue };
            let left = signed(due.saturating_duration_since(now.steady));
            let overdue = signed(now.steady.saturating_duration_since(*due));
            let age = signed(now.steady.saturating_duration_since(*first));
            refusal.since = now.wall.checked_sub(age).unwrap_or(Timestamp::MIN);
            refusal.retry_at = now.wall.checked_add(left - overdue).unwrap_or(Timestamp::MAX);
        }
    }

    /// The write succeeded.
    pub(super) fn accepted(&mut self, write: RequestKind) {
        self.known.remove(&write);
        self.trouble.remove(&write);
    }

    /// Notes a failed write. Returns the wait for the next try if the failure counts as a refusal, which the pool has to
    /// show before that try.
    pub(super) fn failed(
        &mut self,
        answered: &Answered,
        failure: &Failure,
        jitter: &Jitter,
        now: Moment,
    ) -> Option<Duration> {
        let write = answered.write;
        let is_certain = match failure.kind {
            FailureKind::Refused => true,
            // A lost answer does not tell whether the server did the write.
            FailureKind::Trouble { is_certain, is_silent: false } if self.known.contains_key(&write) => is_certain,
            FailureKind::Trouble { is_certain, .. } if self.lasts(answered, failure, now.steady) => is_certain,
            FailureKind::Trouble { .. } => return None,
            FailureKind::Stale | FailureKind::Other => {
                self.trouble.remove(&write);
                return None;
            }
        };
        let words = &failure.words;
        let known = self.known.get(&write);
        let (since, tries) = known.map_or((now.wall, 1), |known| (known.since, known.tries.saturating_add(1)));
        // The upper half of the random waits is cut off: a refusal that lasts is tried once a minute, not more often.
        let wait = jitter.backoff(REFUSAL_BACKOFF_FIRST, 2 * REFUSAL_BACKOFF_MAX, tries).min(REFUSAL_BACKOFF_MAX);
        let wait = wait.max(failure.retry_after);
        let retry_at = SignedDuration::try_from(wait).ok().and_then(|wait| now.wall.checked_add(wait).ok());
        let retry_at = retry_at.unwrap_or(now.wall);
        let refusal =
            Refusal { words: words.clone(), object: answered.object.clone(), is_certain, since, tries, retry_at };
        self.note(answered, refusal, wait, now.steady);
        Some(wait)
    }

    /// Drops the refusals of writes that were not due together with this one. A status patch may be due beside any
    /// other write, so its refusal stays.
    fn note(&mut self, answered: &Answered, refusal: Refusal, wait: Duration, now: Instant) {
        let write = answered.write;
        if write != RequestKind::Status {
            self.known.retain(|known, _| *known == RequestKind::Status || answered.beside.contains(known));
        }
        let is_known = self.known.insert(write, refusal).is_some();
        let first = self.times.get(&write).filter(|_| is_known).map_or(now, |times| times.first);
        self.times.insert(write, Times { first, due: now + wait });
    }

    /// Whether the server's own trouble has lasted for so long that it counts as a refusal.
    fn lasts(&mut self, answered: &Answered, failure: &Failure, now: Instant) -> bool {
        let Answered { write, sent, beside, .. } = answered;
        // A write that is no longer due starts to count anew when it is due again.
        self.trouble.retain(|known, _| beside.contains(known));
        let known = self.trouble.get(write).copied();
        let since = *self.trouble.entry(*write).or_insert(*sent);
        // A single answer may get lost.
        let is_told = known.is_some() || !matches!(failure.kind, FailureKind::Trouble { is_silent: true, .. });
        is_told && now.saturating_duration_since(since).max(failure.retry_after) >= TROUBLE_IS_REFUSAL_AFTER
    }
}
