//! A lost attempt: record it, show why it was lost, and wait for the next attempt or give the build up.

use jiff::Timestamp;

use super::observed::{BuildObject, Observed};
use super::{Decision, Effect, commands, messages, patches};
use crate::api::conditions::{BUILD_PENDING, EventReason, reason};
use crate::api::pool::{field, is_build_reference};
use crate::api::{Key, Kind, Pool, names};
use crate::reconcile::observed::status::{BuildFailure, BuildStatus, FailureCause};
use crate::reconcile::pool::conditions::ConditionUpdate;
use crate::reconcile::pool::events::PoolEvent;
use crate::reconcile::pool::record::{Attempt, BuildRecord, Failed, Lost};
use crate::reconcile::slots::Demand;

/// Records that the object of an attempt is gone. It existed once, because the pool refers to it.
pub(super) fn note(observed: &Observed<'_>, pool: &Pool<'_>, rendered: &str, attempt: &Attempt) -> Option<Effect> {
    let reference = pool.spec_source().iter().find(|entry| is_build_reference(entry))?;
    if attempt.lost.is_some() {
        return None;
    }
    let kind = if field(reference, "kind") == Kind::Build.name() { Kind::Build } else { Kind::Pod };
    let key = Key::new(kind, names::build(rendered));
    if observed.inputs.cache.get(&key).is_none() && !observed.inputs.cache.is_absent(&key) {
        // An object that the cache lacks may exist: the list of objects may be older than the reference. So read it.
        return Some(Effect::Read(key));
    }
    let leaving = observed.terminating().find(|build| observed.is_claimed(build, &attempt.hash));
    let loss = match leaving.and_then(|build| observed.status_of(build)) {
        Some(BuildStatus::Lost(loss)) => loss.clone(),
        _ => BuildFailure::loss("running the build", format!("its build object {key} was deleted")),
    };
    record(observed, pool, attempt, (&loss, loss.output.expose()), None)
}

/// Records the loss of an attempt, and after the last attempt the failure of the build. The patch removes the reference
/// to the object from the spec, unless the object stays for inspection: that of the last attempt does, if it has ended.
pub(super) fn record(
    observed: &Observed<'_>,
    pool: &Pool<'_>,
    attempt: &Attempt,
    (loss, output): (&BuildFailure, &str),
    build: Option<BuildObject<'_>>,
) -> Option<Effect> {
    let why = messages::lost(loss, &observed.scrubbed(output));
    let brief = messages::lost_briefly(loss, &observed.scrubbed(output));
    let mut record = observed.record.with_loss(&why, &brief, observed.inputs.now);
    let is_last = attempt.number >= observed.inputs.settings.attempts_max;
    if is_last {
        let config = pool.rendered();
        record = with_failure(observed, pool, record, &why, cause_of(loss.cause));
        record.remember(config, "failed", (Some(cause_of(loss.cause).as_str()), None), observed.inputs.now);
    }
    let is_kept = is_last && build.is_some_and(|build| !observed.is_running(build));
    patches::record(pool, &record, |patch| {
        if !is_kept {
            patches::unrefer(patch, pool);
        }
    })
}

/// The cause under which a build counts whose last attempt was lost.
const fn cause_of(cause: FailureCause) -> FailureCause {
    match cause {
        FailureCause::ImagePull | FailureCause::InitContainer | FailureCause::ContainerStart => cause,
        _ => FailureCause::Lost,
    }
}

/// The record of a build whose last attempt was lost.
fn with_failure(
    observed: &Observed<'_>,
    pool: &Pool<'_>,
    record: BuildRecord,
    why: &str,
    cause: FailureCause,
) -> BuildRecord {
    let Some(attempt) = record.attempt.clone() else { return record };
    let lost_at = attempt.lost.as_ref().map_or(observed.inputs.now, |lost| lost.at);
    let after = lost_at.duration_since(attempt.started);
    let message = messages::given_up(&record, attempt.number, why, after, &commands::rebuild(pool.name()));
    let failed = Failed { hash: attempt.hash, reason: "BuildLost".into(), message, cause };
    BuildRecord { rebuild: false, failed: Some(failed), ..record }
}

/// What to do about an attempt that was lost: wait for the next to be due, or give up.
pub(super) fn await_retry(observed: &Observed<'_>, pool: &Pool<'_>, attempt: &Attempt) -> Option<Decision> {
    let lost = attempt.lost.as_ref()?;
    let attempts_max = observed.inputs.settings.attempts_max;
    if attempt.number >= attempts_max {
        // An administrator has lowered the limit since the loss was recorded.
        let mut record = with_failure(observed, pool, observed.record.clone(), &lost.why, FailureCause::Lost);
        record.remember(pool.rendered(), "failed", (Some(FailureCause::Lost.as_str()), None), observed.inputs.now);
        return Some(Decision::rest(Demand::None, patches::record(pool, &record, |_| {}), None));
    }
    let due = retry_due(observed, attempt, lost);
    if due <= observed.inputs.now {
        return emit(observed, pool, attempt).map(|effect| Decision::act(observed.demand(), effect));
    }
    let pool_event = retry_note(observed, attempt, lost);
    let shown = ConditionUpdate {
        type_: BUILD_PENDING,
        reason: reason::BUILD_RETRYING.into(),
        message: pool_event.message.clone(),
    };
    let effect = observed
        .emit(pool, pool_event)
        .or_else(|| patches::show_unreferred(observed, pool, &shown))
        .or_else(|| observed.deletion(observed.terminating()));
    Some(Decision::rest(observed.demand(), effect, observed.next_forced_deletion().into_iter().chain([due]).min()))
}

fn retry_due(observed: &Observed<'_>, attempt: &Attempt, lost: &Lost) -> Timestamp {
    lost.at.checked_add(observed.retry_backoff(attempt.number)).unwrap_or(Timestamp::MAX)
}

fn retry_note(observed: &Observed<'_>, attempt: &Attempt, lost: &Lost) -> PoolEvent {
    let (attempts_max, due) = (observed.inputs.settings.attempts_max, retry_due(observed, attempt, lost));
    PoolEvent {
        reason: EventReason::BuildRetrying,
        message: messages::retrying(attempt, attempts_max, &lost.why, due),
        occurrence: format!("{} {}", observed.record.occasion(), attempt.number),
        cause: None,
    }
}

/// Emits the Event about a lost attempt if it is still missing: the status still refers to the lost object.
pub(super) fn emit(observed: &Observed<'_>, pool: &Pool<'_>, attempt: &Attempt) -> Option<Effect> {
    let lost = attempt.lost.as_ref().filter(|_| pool.status_source().iter().any(is_build_reference))?;
    observed.emit(pool, retry_note(observed, attempt, lost))
}
