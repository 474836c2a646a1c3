//! Requests that the API server refuses: its own words are shown and told at once, and the request is tried again until
//! it succeeds or is not needed any more.

use jiff::Timestamp;
use serde_json::Value;

use super::observed::Observed;
use super::reconcile_opted_in::emit;
use super::{Decision, Effect, Part, commands, messages, report_outcome, show};
use crate::api::conditions::{BUILD_FAILED, BUILD_PENDING, event, reason};
use crate::api::pool::{field, is_build_reference};
use crate::api::{Key, Kind, Pool};
use crate::reconcile::inputs::request::Wanted;
use crate::reconcile::observed::status::FailureCause;
use crate::reconcile::pool::conditions::{ConditionUpdate, Degraded};
use crate::reconcile::pool::events::PoolEvent;
use crate::reconcile::slots::Demand;

/// A request, as refusals are counted: which objects a policy is about decides what it refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Write {
    /// The pool, its status aside.
    Pool,
    /// The pool's status.
    Status,
    /// A canonical Secret.
    Secret,
    /// An object of a build.
    Create(Part),
    /// The deletion of an object of this kind.
    Delete(Kind),
    /// The read of an object of this kind.
    Read(Kind),
}

/// A request that the API server refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What the API server says.
    pub words: String,
    /// The object that was to be written, or read.
    pub object: Key,
    /// Whether it is known that nothing was written: the server may fail, or fall silent, after it has written.
    pub is_certain: bool,
    /// When it was refused first.
    pub since: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again.
    pub retry_at: Timestamp,
}

impl Write {
    /// The request that `effect` is; `None` if nothing waits for it.
    pub fn of(effect: &Effect) -> Option<Self> {
        match effect {
            Effect::PatchPool(_) => Some(Self::Pool),
            Effect::PatchStatus(_) => Some(Self::Status),
            Effect::WriteSecret(_) => Some(Self::Secret),
            Effect::Create(part, _) => Some(Self::Create(*part)),
            Effect::Delete(deletion) => Some(Self::Delete(deletion.key.kind)),
            Effect::LoadPayload { .. } => Some(Self::Read(Kind::MachineConfig)),
            Effect::Read(key) => Some(Self::Read(key.kind)),
            Effect::Emit(_) | Effect::ReadDiagnostics(_) | Effect::ReadDigest { .. } => None,
        }
    }

    /// Whether it is one of those from which a build begins.
    const fn is_start(self) -> bool {
        matches!(self, Self::Secret | Self::Create(_) | Self::Read(Kind::MachineConfig))
    }
}

/// A pool whose build cannot begin, as the API server refuses to let it: it holds no slot until the next try.
pub(super) fn await_start(observed: &Observed<'_>, pool: &Pool<'_>) -> Option<Decision> {
    let (write, refusal) = of_start(observed)?;
    // A build object that may be there after all takes its slot.
    let may_be_there = *write == Write::Create(Part::Build) && !refusal.is_certain;
    let demand = if may_be_there { Demand::Hold } else { Demand::None };
    if is_waiting(observed, refusal) {
        let effect = show_refusal(observed, pool, *write, refusal);
        return Some(Decision::rest(demand, effect, Some(next_change(observed, *write, refusal))));
    }
    (!observed.inputs.has_slot).then(|| Decision::idle(Demand::Wait(refusal.retry_at)))
}

fn of_start<'a>(observed: &Observed<'a>) -> Option<(&'a Write, &'a Refusal)> {
    // A claim is a write of the pool; without a build object, no other write of the pool is waited for here.
    let is_of_start = |write: &Write| write.is_start() || *write == Write::Pool;
    observed.inputs.refusals.iter().find(|(write, _)| is_of_start(write))
}

/// `decision`, or what comes before it where the API server refuses what it asks for.
pub(super) fn apply(observed: &Observed<'_>, mut decision: Decision) -> Decision {
    let Some(pool) = &observed.pool else { return decision };
    let refusal_of =
        |effect: &Effect| Write::of(effect).and_then(|write| Some((write, observed.inputs.refusals.get(&write)?)));
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

/// What is to be told and shown of a refusal.
fn say(observed: &Observed<'_>, pool: &Pool<'_>, write: Write, refusal: &Refusal) -> Option<Effect> {
    if pool.is_being_deleted() {
        None
    } else if pool.is_opted_in() {
        show_refusal(observed, pool, write, refusal)
    } else {
        // What such a pool shows is about to go, or stays as it is because that is refused.
        emit(observed, pool, refusal_event(observed, pool, write, refusal))
    }
}

/// Whether the pool shows this refusal, or a failure that is not over. It does so before the next try: tries may come
/// faster than they are answered, and users would wait for their cause.
fn shows(observed: &Observed<'_>, pool: &Pool<'_>, write: Write, refusal: &Refusal) -> bool {
    (pool.is_true(BUILD_FAILED) && !is_outdated(observed, pool))
        || pool.shown().is_some_and(|shown| shown["message"] == refusal_event(observed, pool, write, refusal).message)
}

/// When there is something to do about a refusal: the next try, or to say that the build has failed of it.
fn next_change(observed: &Observed<'_>, write: Write, refusal: &Refusal) -> Timestamp {
    let deadline = deadline(observed, write, refusal);
    if deadline > observed.inputs.now { refusal.retry_at.min(deadline) } else { refusal.retry_at }
}

/// What is to be told and shown of a refusal: once as an Event, and in the condition for as long as it lasts.
fn show_refusal(observed: &Observed<'_>, pool: &Pool<'_>, write: Write, refusal: &Refusal) -> Option<Effect> {
    let pool_event = refusal_event(observed, pool, write, refusal);
    // Once the build is there after all, it has not failed.
    let is_shown = is_shown(observed, pool) && observed.builds.is_empty();
    let (type_, reason) = if is_late(observed, pool, write, refusal) || is_shown {
        (BUILD_FAILED, reason::BUILD_FAILED)
    } else {
        (BUILD_PENDING, reason::BUILD_REFUSED)
    };
    let shown = ConditionUpdate { type_, reason: reason.into(), message: pool_event.message.clone() };
    let status = || {
        // A status that may not be written either is not tried again before its time.
        observed
            .inputs
            .refusals
            .get(&Write::Status)
            .is_none_or(|status| status.retry_at <= observed.inputs.now)
            .then_some(())?;
        let reference = pool.spec_source().iter().find(|entry| is_build_reference(entry)).cloned();
        if type_ == BUILD_FAILED {
            return report_outcome::show_failure(observed, pool, &shown, reference);
        }
        show::show(observed, pool, &shown, Degraded::Clear, reference)
    };
    let is_told = pool.shown().is_some_and(|condition| condition["type"] == type_ && condition["reason"] == reason)
        && !is_outdated(observed, pool);
    let emitted = if is_told { None } else { emit(observed, pool, pool_event) };
    // A build that has failed needs no more writes, and what is shown of it is as true as before.
    let is_failed = matches!(observed.wanted, Wanted::Faulty(_)) && observed.record.failed.is_some();
    let is_kept = write == Write::Status || (is_failed && pool.is_true(BUILD_FAILED));
    emitted.or_else(|| if is_kept { None } else { status() })
}

/// What is told of a refusal.
fn refusal_event(observed: &Observed<'_>, pool: &Pool<'_>, write: Write, refusal: &Refusal) -> PoolEvent {
    let words = observed.scrubbed(&refusal.words);
    let command = commands::for_refusal(&refusal.object, &words, pool.name(), &observed.inputs.settings.namespace);
    let is_late = is_late(observed, pool, write, refusal);
    PoolEvent {
        reason: if is_late { event::BUILD_FAILED } else { event::BUILD_REFUSED },
        message: messages::refused(&words, write, &refusal.object, &command),
        occurrence: format!("{} {write:?} {}", observed.record.occasion(), report_outcome::shown_since(pool)),
        is_warning: true,
        cause: is_late.then_some(FailureCause::Refused.as_str()),
    }
}

/// Whether the pool shows that its build failed for a refusal: no failure of a build is on record then.
fn is_shown(observed: &Observed<'_>, pool: &Pool<'_>) -> bool {
    crate::reconcile::pool::record::BuildRecord::of(pool).is_ok_and(|record| record.failed.is_none())
        && shown_failure(pool).is_some_and(is_of_refusal)
        && !is_outdated(observed, pool)
}

/// Whether the failure that the pool shows is that of a build before the one under way, as no status could be written
/// since the attempt was claimed. A failure of the build under way is on record, or a refusal that was shown since.
fn is_outdated(observed: &Observed<'_>, pool: &Pool<'_>) -> bool {
    let attempt = observed.record.attempt.as_ref().filter(|attempt| attempt.lost.is_none());
    let Some((attempt, shown)) = attempt.zip(shown_failure(pool)) else { return false };
    let since = field(shown, "lastTransitionTime").parse::<Timestamp>();
    observed.record.failed.is_none() && !(is_of_refusal(shown) && since.is_ok_and(|since| since >= attempt.started))
}

/// The condition that shows a failed build, if it is shown.
fn shown_failure<'a>(pool: &Pool<'a>) -> Option<&'a Value> {
    let is_failure = |shown: &&Value| field(shown, "type") == BUILD_FAILED;
    pool.shown().filter(is_failure).filter(|shown| field(shown, "reason") == reason::BUILD_FAILED)
}

fn is_of_refusal(shown: &Value) -> bool {
    messages::is_of_refusal(field(shown, "message"))
}

/// Whether the build has failed of a refusal: it lasts for longer than a build may take to start, and the build is not
/// done. A status that may not be written keeps no build from its end.
fn is_late(observed: &Observed<'_>, pool: &Pool<'_>, write: Write, refusal: &Refusal) -> bool {
    let is_done = matches!(&observed.wanted, Wanted::Known(request) if observed.record.published_on(pool, &request.hash).is_some());
    pool.is_opted_in()
        && !is_done
        && write != Write::Status
        && deadline(observed, write, refusal) <= observed.inputs.now
}

/// When a request has been refused for as long as a build may take to start. A process that has just begun knows of a
/// creation that it was due when the attempt was claimed.
fn deadline(observed: &Observed<'_>, write: Write, refusal: &Refusal) -> Timestamp {
    let claimed = observed.record.attempt.as_ref().filter(|attempt| attempt.lost.is_none() && write.is_start());
    let since = claimed.map_or(refusal.since, |attempt| attempt.started.min(refusal.since));
    since.checked_add(observed.inputs.settings.pending_deadline).unwrap_or(Timestamp::MAX)
}
