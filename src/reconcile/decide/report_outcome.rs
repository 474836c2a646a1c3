//! Nothing to build: clean up, and show the outcome.

use serde_json::Value;

use super::observed::{BuildObject, Observed};
use super::{Decision, Effect, commands, diagnostics, held, messages, patches};
use crate::api::conditions::{BUILD_FAILED, BUILD_SUCCESS, EventReason, reason};
use crate::api::pool::{field, is_build_reference};
use crate::api::{Key, Kind, Pool, names};
use crate::reconcile::inputs::build_settings::DigestHandoff;
use crate::reconcile::inputs::fault::InputFault;
use crate::reconcile::inputs::request::Wanted;
use crate::reconcile::pool::conditions::{ConditionUpdate, Degraded};
use crate::reconcile::pool::events::PoolEvent;
use crate::reconcile::pool::record::{Failed, Published};

/// The pool's image is published: the daemon first deletes everything made for builds, and then shows the success.
pub(super) fn published(observed: &Observed<'_>, pool: &Pool<'_>, published: &Published) -> Decision {
    let shown = ConditionUpdate {
        type_: BUILD_SUCCESS,
        reason: reason::BUILD_SUCCEEDED.into(),
        message: messages::succeeded(&published.inputs.rendered_config, &published.image),
    };
    let pool_event = PoolEvent {
        reason: EventReason::BuildSucceeded,
        message: shown.message.clone(),
        occurrence: format!("{} {}", observed.record.occasion_of(published.build), published.image),
        cause: None,
    };
    let deletions = observed.deletions(observed.made());
    if !deletions.is_empty() {
        return Decision::rest(observed.demand(), deletions, observed.next_forced_deletion());
    }
    let effect = patches::refer(pool, None).or_else(|| {
        if is_over_for_now(observed, pool) {
            return None;
        }
        let status = patches::show(observed, pool, &shown, Degraded::Clear, None)?;
        look_for_digest(observed, published).or_else(|| observed.emit(pool, pool_event)).or(Some(status))
    });
    let effect = effect.or_else(|| held::emit(observed, pool));
    Decision::rest(observed.demand(), effect, held::next(observed))
}

/// The read of the digest that a build pod may have left: no watch covers it if it has no labels, and a watch may lag
/// behind.
fn look_for_digest(observed: &Observed<'_>, published: &Published) -> Option<Effect> {
    let is_of_pod = !matches!(&observed.wanted, Wanted::Known(request) if request.builder.kind() != Kind::Pod);
    let is_left = is_of_pod && observed.inputs.settings.digest_handoff == DigestHandoff::ConfigMap;
    let digest = Key::new(Kind::ConfigMap, names::digest(&published.inputs.rendered_config));
    (is_left && !observed.inputs.cache.is_absent(&digest)).then_some(Effect::Read(digest))
}

/// Whether a pool that another controller reports as broken shows a failure that no build has followed. Then nothing
/// has finished and the pool keeps showing the failure, even if it wants a config again that was published before.
fn is_over_for_now(observed: &Observed<'_>, pool: &Pool<'_>) -> bool {
    let Some(shown) = pool.shown().filter(|shown| field(shown, "type") == BUILD_FAILED) else { return false };
    let is_made_since = field(shown, "reason") == reason::BUILD_FAILED && observed.record.failed.is_none();
    pool.blocked_by().is_some() && !is_made_since
}

/// The build failed: its objects stay for inspection.
pub(super) fn failed(observed: &Observed<'_>, pool: &Pool<'_>, failed: &Failed) -> Decision {
    let shown =
        ConditionUpdate { type_: BUILD_FAILED, reason: reason::BUILD_FAILED.into(), message: failed.message.clone() };
    let build = observed.build_of(&failed.hash).map(|build| build.reference());
    let reference = build.or_else(|| pool.spec_source().iter().find(|entry| is_build_reference(entry)).cloned());
    let number = observed.record.attempt_at(&failed.hash).map_or(1, |attempt| attempt.number);
    let pool_event = PoolEvent {
        reason: EventReason::BuildFailed,
        message: failed.message.clone(),
        occurrence: format!("{} {number}", observed.record.occasion()),
        cause: Some(failed.cause.as_str()),
    };
    let effect = diagnostics::amend(observed, pool, failed)
        .or_else(|| observed.deletion(unended(observed, failed)))
        .or_else(|| patches::refer(pool, reference.clone()))
        .or_else(|| {
            let status = show_failure(observed, pool, &shown, reference)?;
            observed.emit(pool, pool_event).or(Some(status))
        })
        .or_else(|| observed.deletion(observed.terminating()));
    Decision::rest(observed.demand(), effect, observed.next_forced_deletion())
}

/// The build object of a lost attempt that has not ended: it must not start to run later, with no attempt to follow it.
fn unended<'a>(observed: &Observed<'a>, failed: &Failed) -> Option<BuildObject<'a>> {
    observed.record.attempt_at(&failed.hash).filter(|attempt| attempt.lost.is_some())?;
    observed.build_of(&failed.hash).filter(|build| observed.is_running(*build))
}

/// An input cannot be used, and the pool has no image of its config.
pub(super) fn faulty(observed: &Observed<'_>, pool: &Pool<'_>, fault: &InputFault) -> Decision {
    // A rebuild that a user asked for is not blocked, so the pool shows the fault that prevents it.
    if pool.blocked_by().is_some() && !observed.record.rebuild {
        return Decision::idle(observed.demand());
    }
    let pool_event = fault_event(observed, fault);
    let shown = ConditionUpdate {
        type_: BUILD_FAILED,
        reason: fault.reason.as_str().into(),
        message: pool_event.message.clone(),
    };
    let is_there = |entry: &&Value| {
        observed.builds.iter().any(|build| field(entry, "uid") == build.uid() && !build.is_being_deleted())
    };
    let reference = pool.status_source().iter().find(is_there).cloned();
    let effect = patches::refer(pool, reference.clone()).or_else(|| {
        let status = show_failure(observed, pool, &shown, reference)?;
        observed.emit(pool, pool_event).or(Some(status))
    });
    let effect = effect.map(|effect| unless_late(observed, fault).unwrap_or(effect));
    // The pool gives back a slot that it held for a build that cannot start.
    Decision::rest(observed.demand(), effect, None)
}

/// Reads an object that seems to be missing before the pool reports it so: the watch may lag behind.
pub(super) fn unless_late(observed: &Observed<'_>, fault: &InputFault) -> Option<Effect> {
    let is_late = fault.is_missing && !observed.inputs.cache.is_confirmed_absent(&fault.object);
    is_late.then(|| Effect::Read(fault.object.clone()))
}

/// Distinguishes this occurrence of a problem from an earlier one until the pool shows it: the build condition that is
/// True instead, and since when.
pub(super) fn shown_since(pool: &Pool<'_>) -> String {
    let words = |condition: &Value| format!("{} {}", field(condition, "type"), field(condition, "lastTransitionTime"));
    pool.shown().map(words).unwrap_or_default()
}

/// The Event about an unusable input: one for each fault, and another one after each claimed attempt.
pub(super) fn fault_event(observed: &Observed<'_>, fault: &InputFault) -> PoolEvent {
    let command = commands::mend(fault, &observed.inputs.settings.namespace);
    PoolEvent {
        reason: EventReason::ConfigInvalid,
        message: commands::with_next(&observed.scrubbed(&fault.to_string()), &command),
        occurrence: format!("{} {fault} {}", fault.reason.as_str(), observed.record.occasion()),
        cause: Some(fault.reason.as_str()),
    }
}

/// Shows a failure and sets `Degraded` with it, once: a user or controller that resets it afterwards has the last word.
/// Where another controller has set `Degraded`, the condition stays as that controller wrote it.
pub(super) fn show_failure(
    observed: &Observed<'_>,
    pool: &Pool<'_>,
    shown: &ConditionUpdate,
    reference: Option<Value>,
) -> Option<Effect> {
    let is_shown = pool.shown().is_some_and(|c| field(c, "type") == shown.type_ && field(c, "reason") == shown.reason);
    // This failure was shown before a fault of an input took its place.
    let is_shown_again =
        pool.is_true(BUILD_FAILED) && shown.reason == reason::BUILD_FAILED && !pool.is_degraded_by_build();
    let is_others = pool.blocked_by() == Some(crate::api::conditions::DEGRADED);
    let degraded = match is_shown || is_shown_again || is_others {
        // `Degraded` repeats the message of its failure, so it follows when that message changes.
        true if is_shown && pool.is_degraded_by_build() && degraded_message(pool) == shown_message(pool) => {
            Degraded::Raise
        }
        true => Degraded::Keep,
        false => Degraded::Raise,
    };
    patches::show(observed, pool, shown, degraded, reference)
}

fn shown_message<'a>(pool: &Pool<'a>) -> Option<&'a str> {
    pool.shown().map(|condition| field(condition, "message"))
}

fn degraded_message<'a>(pool: &Pool<'a>) -> Option<&'a str> {
    pool.condition(crate::api::conditions::DEGRADED).map(|condition| field(condition, "message"))
}
