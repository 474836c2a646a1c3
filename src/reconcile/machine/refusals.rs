//! Writes that the API server refuses: noted as they are answered, and tried again later each time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::answer::{Failure, FailureKind};
use crate::api::Key;
use crate::api::limits::{REFUSAL_BACKOFF_FIRST, REFUSAL_BACKOFF_MAX, TROUBLE_IS_REFUSAL_AFTER};
use crate::clock::Moment;
use crate::jitter::Jitter;
use crate::reconcile::decide::{Refusal, Write};

/// The writes that the API server refuses.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals {
    known: BTreeMap<Write, Refusal>,
    times: BTreeMap<Write, Times>,
    /// The writes that failed last for a trouble of the server's own, and since when they have.
    trouble: BTreeMap<Write, Instant>,
}

/// When a refused write was refused first, and when it is tried again: by a clock that is not set meanwhile, as that of
/// the wall may be.
#[derive(Debug, Clone, Copy)]
struct Times {
    first: Instant,
    due: Instant,
}

/// A write that was answered: which, of which object, and of which effects it was one.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub write: Write,
    pub object: Key,
    /// The writes that were due at the same time, this one included.
    pub beside: BTreeSet<Write>,
    pub sent: Instant,
}

impl Refusals {
    pub(super) const fn known(&self) -> &BTreeMap<Write, Refusal> {
        &self.known
    }

    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// Says of each refusal when it began and when it is due again by the clock of the wall.
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

    /// The write was done.
    pub(super) fn accepted(&mut self, write: Write) {
        self.known.remove(&write);
        self.trouble.remove(&write);
    }

    /// Takes note of how a write failed; true if it is refused, and so is to be shown rather than repeated.
    pub(super) fn failed(&mut self, answered: &Answered, failure: &Failure, jitter: &Jitter, now: Moment) -> bool {
        let write = answered.write;
        let is_certain = match failure.kind {
            FailureKind::Refused => true,
            // An answer that is lost on its way says nothing of what was done.
            FailureKind::Trouble { is_certain, is_silent: false } if self.known.contains_key(&write) => is_certain,
            FailureKind::Trouble { is_certain, .. } if self.lasts(answered, failure, now.steady) => is_certain,
            FailureKind::Trouble { .. } => return false,
            FailureKind::Stale | FailureKind::Other => {
                self.trouble.remove(&write);
                return false;
            }
        };
        let words = &failure.words;
        let known = self.known.get(&write);
        let (since, tries) = known.map_or((now.wall, 1), |known| (known.since, known.tries.saturating_add(1)));
        let wait = jitter.backoff(REFUSAL_BACKOFF_FIRST, REFUSAL_BACKOFF_MAX, tries).max(failure.retry_after);
        let retry_at = SignedDuration::try_from(wait).ok().and_then(|wait| now.wall.checked_add(wait).ok());
        let retry_at = retry_at.unwrap_or(now.wall);
        let refusal =
            Refusal { words: words.clone(), object: answered.object.clone(), is_certain, since, tries, retry_at };
        self.note(answered, refusal, wait, now.steady);
        true
    }

    /// Of the writes that were due before, none is refused any more. That of the status may be due beside any other.
    fn note(&mut self, answered: &Answered, refusal: Refusal, wait: Duration, now: Instant) {
        let write = answered.write;
        if write != Write::Status {
            self.known.retain(|known, _| *known == Write::Status || answered.beside.contains(known));
        }
        let is_known = self.known.insert(write, refusal).is_some();
        let first = self.times.get(&write).filter(|_| is_known).map_or(now, |times| times.first);
        self.times.insert(write, Times { first, due: now + wait });
    }

    /// Whether a trouble of the server's own has lasted for so long that it is as good as a refusal.
    fn lasts(&mut self, answered: &Answered, failure: &Failure, now: Instant) -> bool {
        let Answered { write, sent, beside, .. } = answered;
        // A write that is not due any more begins anew once it is.
        self.trouble.retain(|known, _| beside.contains(known));
        let known = self.trouble.get(write).copied();
        let since = *self.trouble.entry(*write).or_insert(*sent);
        // One answer may be lost on its way.
        let is_told = known.is_some() || !matches!(failure.kind, FailureKind::Trouble { is_silent: true, .. });
        is_told && now.saturating_duration_since(since).max(failure.retry_after) >= TROUBLE_IS_REFUSAL_AFTER
    }
}
