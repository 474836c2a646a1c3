//! Requests that the API server refuses. The pool shows the server's own message at once, in a condition and an Event,
//! and the daemon retries the request until it succeeds or is no longer needed.

use jiff::Timestamp;

use super::observed::Observed;
use super::{Decision, Effect, Part, Refusal, RequestKind, commands, messages, patches, report_outcome};
use crate::api::Pool;
use crate::api::conditions::{BUILD_FAILED, BUILD_PENDING, EventReason, reason};
use crate::api::pool::{field, is_build_reference};
use crate::reconcile::inputs::request::Wanted;
use crate::reconcile::observed::status::FailureCause;
use crate::reconcile::pool::conditions::{ConditionUpdate, Degraded};
use crate::reconcile::pool::events::PoolEvent;
use crate::reconcile::slots::Demand;

/// A pool whose build cannot start because the API server refuses a request: it holds no slot until the next try.
pub(super) fn await_start(observed: &Observed<'_>, pool: &Pool<'_>) -> Option<Decision> {
    let (write, refusal) = of_start(observed)?;
    // A build object that may exist after all keeps its slot.
    let may_be_there = *write == RequestKind::Create(Part::Build) && !refusal.is_certain;
    let demand = if may_be_there { Demand::Hold } else { Demand::None };
    if is_waiting(observed, refusal) {
        let effect = show_refusal(observed, pool, *write, refusal);
        return Some(Decision::rest(demand, effect, Some(next_change(observed, *write, refusal))));
    }
    (!observed.inputs.has_slot).then(|| Decision::idle(Demand::Wait(refusal.retry_at)))
}

fn of_start<'a>(observed: &Observed<'a>) -> Option<(&'a RequestKind, &'a Refusal)> {
    // A claim is a write of the pool; without a build object, no other write of the pool is waited for here.
    let is_of_start = |write: &RequestKind| write.is_start() || *write == RequestKind::Pool;
    observed.inputs.refusals.iter().find(|(write, _)| is_of_start(write))
}

/// `decision` without the requests that wait for a retry after a refusal; with the report of a refusal that the pool
/// does not show yet.
pub(super) fn apply(observed: &Observed<'_>, mut decision: Decision) -> Decision {
    let Some(pool) = &observed.pool else { return decision };
    let refusal_of = |effect: &Effect| {
        RequestKind::of(effect).and_then(|write| Some((write, observed.inputs.refusals.get(&write)?)))
    };
    let mut refused = decision.effects.iter().filter_map(refusal_of);
    let Some(first) = refused.next() else { return decision };
    let waiting = Some(first).into_iter().chain(refused).find(|(_, refusal)| is_waiting(observed, refusal));
    let (write, refusal) = waiting.unwrap_or(first);
    if waiting.is_none() && (!pool.is_opted_in() || shows(observed, pool, write, refusal)) {
        return decision;
    }
    if let Some(effect) = say(observed, pool, write, refusal) {
        decision.effects.retain(|effect| refusal_of(effect).is_none());
        decision.effects.push(effect);
        return decision;
    }
    decision.effects.retain(|effect| !refusal_of(effect).is_some_and(|(_, refusal)| is_waiting(observed, refusal)));
    if decision.effects.is_empty() {
        decision.requeue_at = Some(next_change(observed, write, refusal));
    }
    decision
}

/// Whether it is too early for the next try.
fn is_waiting(observed: &Observed<'_>, refusal: &Refusal) -> bool {
    refusal.retry_at > observed.inputs.now
}

/// The effect that reports a refusal.
fn say(observed: &Observed<'_>, pool: &Pool<'_>, write: RequestKind, refusal: &Refusal) -> Option<Effect> {
    if pool.is_being_deleted() {
        None
    } else if pool.is_opted_in() {
        show_refusal(observed, pool, write, refusal)
    } else {
        // The daemon is removing the conditions of such a pool, or the API server refuses that too: an Event is enough.
        observed.emit(pool, refusal_event(observed, pool, write, refusal))
    }
}

/// Whether the pool shows this refusal, or a failure that is not over. It has to before the next try: retries may come
/// faster than their answers, and users would wait for the cause.
fn shows(observed: &Observed<'_>, pool: &Pool<'_>, write: RequestKind, refusal: &Refusal) -> bool {
    (pool.is_true(BUILD_FAILED) && !is_outdated(observed, pool))
        || pool.shown().is_some_and(|shown| shown["message"] == refusal_event(observed, pool, write, refusal).message)
}

/// When a refusal needs the next effect: a retry, or the report that it made the build fail.
fn next_change(observed: &Observed<'_>, write: RequestKind, refusal: &Refusal) -> Timestamp {
    let deadline = deadline(observed, write, refusal);
    if deadline > observed.inputs.now { refusal.retry_at.min(deadline) } else { refusal.retry_at }
}

/// The effect that reports a refusal: once in an Event, and in the condition for as long as the refusal lasts.
fn show_refusal(observed: &Observed<'_>, pool: &Pool<'_>, write: RequestKind, refusal: &Refusal) -> Option<Effect> {
    let pool_event = refusal_event(observed, pool, write, refusal);
    // Once the build object exists after all, the build has not failed.
    let is_shown = is_shown(observed, pool) && observed.builds.is_empty();
    let (type_, reason) = if is_late(observed, pool, write, refusal) || is_shown {
        (BUILD_FAILED, reason::BUILD_FAILED)
    } else {
        (BUILD_PENDING, reason::BUILD_REFUSED)
    };
    let shown = ConditionUpdate { type_, reason: reason.into(), message: pool_event.message.clone() };
    let status = || {
        // If the API server refuses the status too, its own retry time applies.
        observed
            .inputs
            .refusals
            .get(&RequestKind::Status)
            .is_none_or(|status| status.retry_at <= observed.inputs.now)
            .then_some(())?;
        let reference = pool.spec_source().iter().find(|entry| is_build_reference(entry)).cloned();
        if type_ == BUILD_FAILED {
            return report_outcome::show_failure(observed, pool, &shown, reference);
        }
        patches::show(observed, pool, &shown, Degraded::Clear, reference)
    };
    let is_told = pool.shown().is_some_and(|condition| condition["type"] == type_ && condition["reason"] == reason)
        && !is_outdated(observed, pool);
    let emitted = if is_told { None } else { observed.emit(pool, pool_event) };
    // A failed build needs no more writes, and the condition that shows it still holds.
    let is_failed = matches!(observed.wanted, Wanted::Faulty(_)) && observed.record.failed.is_some();
    let is_kept = write == RequestKind::Status || (is_failed && pool.is_true(BUILD_FAILED));
    emitted.or_else(|| if is_kept { None } else { status() })
}

/// The Event about a refusal.
fn refusal_event(observed: &Observed<'_>, pool: &Pool<'_>, write: RequestKind, refusal: &Refusal) -> PoolEvent {
    let words = observed.scrubbed(&refusal.words);
    let command = commands::for_refusal(&refusal.object, &words, pool.name(), &observed.inputs.settings.namespace);
    let is_late = is_late(observed, pool, write, refusal);
    PoolEvent {
        reason: if is_late { EventReason::BuildFailed } else { EventReason::BuildRefused },
        message: messages::refused(&words, write, &refusal.object, &command),
        occurrence: format!("{} {write:?} {}", observed.record.occasion(), report_outcome::shown_since(pool)),
        cause: is_late.then_some(FailureCause::Refused.as_str()),
    }
}

/// Whether the pool shows that its build failed because of a refusal; the record then holds no failure of a build.
fn is_shown(observed: &Observed<'_>, pool: &Pool<'_>) -> bool {
    crate::reconcile::pool::record::BuildRecord::of(pool).is_ok_and(|record| record.failed.is_none())
        && pool.failure().is_some()
        && !is_outdated(observed, pool)
}

/// Whether the failure that the pool shows belongs to an earlier build than the one under way, because no status could
/// be written since the claim. A failure of the build under way is either in the record or a refusal shown since the
/// claim.
fn is_outdated(observed: &Observed<'_>, pool: &Pool<'_>) -> bool {
    let Some((attempt, shown)) = observed.record.attempt.as_ref().zip(pool.failure()) else { return false };
    let since = field(shown, "lastTransitionTime").parse::<Timestamp>();
    observed.record.failed.is_none() && since.is_ok_and(|since| since <= attempt.started)
}

/// Whether a refusal has made the build fail: it has lasted for longer than a build may take to start, and the build is
/// not done. A refused status patch does not stop a build.
fn is_late(observed: &Observed<'_>, pool: &Pool<'_>, write: RequestKind, refusal: &Refusal) -> bool {
    let is_done = matches!(&observed.wanted, Wanted::Known(request) if observed.record.published_on(pool, &request.hash).is_some());
    pool.is_opted_in()
        && !is_done
        && write != RequestKind::Status
        && deadline(observed, write, refusal) <= observed.inputs.now
}

/// When the refusal of a request will have lasted for as long as a build may take to start. A new process did not see
/// the first refusal, so for a request that starts a build it counts from the claim of the attempt.
fn deadline(observed: &Observed<'_>, write: RequestKind, refusal: &Refusal) -> Timestamp {
    let claimed = observed.record.attempt.as_ref().filter(|attempt| attempt.lost.is_none() && write.is_start());
    let since = claimed.map_or(refusal.since, |attempt| attempt.started.min(refusal.since));
    since.checked_add(observed.inputs.settings.pending_deadline).unwrap_or(Timestamp::MAX)
}
