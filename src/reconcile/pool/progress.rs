//! The progress of a build in a write of the pool's record, found by comparing the record before and after it.
//!
//! A write replaces only the record that it was decided from, so of all processes and retries that attempt the same
//! step, exactly one sees it.

use super::record::{Attempt, BuildRecord};
use crate::api::Pool;

/// How an attempt came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// Its image is published.
    Succeeded,
    /// It failed for good.
    Failed,
    /// Its build object was lost.
    Lost,
    /// Something else is wanted: newer inputs, or nothing at all.
    Stopped,
}

impl AttemptOutcome {
    /// Every ending.
    pub const ALL: [Self; 4] = [Self::Succeeded, Self::Failed, Self::Lost, Self::Stopped];

    /// The word for it, as metrics have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Stopped => "stopped",
        }
    }
}

/// The attempt that was claimed between two versions of a pool.
pub fn claimed(before: &Pool<'_>, after: &Pool<'_>) -> Option<Attempt> {
    let attempt = under_way(after)?;
    (!under_way(before).is_some_and(|known| is_same(&known, &attempt))).then_some(attempt)
}

/// The attempt that came to its end between two versions of a pool, and how it did.
pub fn ended(before: &Pool<'_>, after: &Pool<'_>) -> Option<(Attempt, AttemptOutcome)> {
    let attempt = under_way(before)?;
    if under_way(after).is_some_and(|known| is_same(&known, &attempt)) {
        return None;
    }
    let record = BuildRecord::of(after).ok()?;
    let is_lost = record.attempt.as_ref().is_some_and(|known| is_same(known, &attempt) && known.lost.is_some());
    let ending = if record.published_on(after, &attempt.hash).is_some() {
        AttemptOutcome::Succeeded
    } else if record.failure_of(&attempt.hash).is_some() {
        AttemptOutcome::Failed
    } else if is_lost {
        AttemptOutcome::Lost
    } else {
        AttemptOutcome::Stopped
    };
    Some((attempt, ending))
}

/// The attempt that a pool's record has as neither lost nor failed.
fn under_way(pool: &Pool<'_>) -> Option<Attempt> {
    let record = BuildRecord::of(pool).ok()?;
    let attempt = record.attempt.clone().filter(|attempt| attempt.lost.is_none())?;
    record.failure_of(&attempt.hash).is_none().then_some(attempt)
}

/// Whether two attempts are one; the time of its start may have been corrected.
fn is_same(one: &Attempt, other: &Attempt) -> bool {
    (&one.hash, one.number) == (&other.hash, other.number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Object, keys};
    use serde_json::{Value, json};

    fn pool(record: Option<Value>, image: Option<&str>) -> Object {
        let mut annotations = serde_json::Map::new();
        annotations.extend(record.map(|record| (keys::BUILD_RECORD.to_owned(), json!(record.to_string()))));
        annotations.extend(image.map(|image| (keys::NEWEST_IMAGE.to_owned(), json!(image))));
        serde_json::from_value(json!({"metadata": {"name": "worker", "annotations": annotations}})).unwrap()
    }

    fn attempt(number: u32, started: &str, lost: bool) -> Value {
        let lost = if lost { json!({"at": started, "why": "evicted"}) } else { Value::Null };
        json!({"hash": "h", "number": number, "started": started, "lost": lost})
    }

    fn record(attempt: Value, failed: Value, published: Value) -> Option<Value> {
        Some(json!({"version": 1, "attempt": attempt, "failed": failed, "published": published}))
    }

    fn steps(before: &Object, after: &Object) -> (Option<u32>, Option<AttemptOutcome>) {
        let (before, after) = (Pool::new(before), Pool::new(after));
        (claimed(&before, &after).map(|attempt| attempt.number), ended(&before, &after).map(|(_, ending)| ending))
    }

    #[test]
    fn each_step_of_an_attempt_is_seen_once() {
        let (t0, t1) = ("2026-01-02T03:04:05Z", "2026-01-02T03:05:05Z");
        let published = json!({"hash": "h", "image": "i", "inputs": {
            "renderedConfig": "r", "baseImage": "b", "releaseVersion": "1", "repository": "x/y", "generation": 0,
        }});
        let failed = json!({"hash": "h", "reason": "BuildFailed", "message": "m"});
        let none = pool(None, None);
        let live = pool(record(attempt(1, t0, false), Value::Null, Value::Null), None);
        let corrected = pool(record(attempt(1, t1, false), Value::Null, Value::Null), None);
        let lost = pool(record(attempt(1, t0, true), Value::Null, Value::Null), None);
        let second = pool(record(attempt(2, t1, false), Value::Null, Value::Null), None);
        let failed = pool(record(attempt(1, t0, false), failed, Value::Null), None);
        let published_record = record(Value::Null, Value::Null, published);
        let published = pool(published_record.clone(), Some("i"));
        let stopped = pool(published_record, None);
        assert!(crate::reconcile::pool::record::BuildRecord::of(&Pool::new(&published)).is_ok());
        for (before, after, expected) in [
            (&none, &live, (Some(1), None)),
            (&live, &corrected, (None, None)),
            (&live, &lost, (None, Some(AttemptOutcome::Lost))),
            (&lost, &second, (Some(2), None)),
            (&lost, &lost, (None, None)),
            (&live, &failed, (None, Some(AttemptOutcome::Failed))),
            (&failed, &none, (None, None)),
            (&live, &published, (None, Some(AttemptOutcome::Succeeded))),
            (&live, &stopped, (None, Some(AttemptOutcome::Stopped))),
            (&live, &none, (None, Some(AttemptOutcome::Stopped))),
            (&published, &none, (None, None)),
        ] {
            assert_eq!(steps(before, after), expected, "{before:?} to {after:?}");
        }
    }
}
