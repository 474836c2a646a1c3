//! A pool that is opted out, being deleted, or gone: the daemon removes every object of its builds.

use super::observed::Observed;
use super::{Decision, Effect, held, patches};
use crate::api::conditions::EventReason;
use crate::api::pool::field;
use crate::api::{Pool, keys};
use crate::reconcile::pool::events::PoolEvent;
use crate::reconcile::pool::patch::GuardedPatch;

pub(super) fn decide(observed: &Observed<'_>, there: Option<&Pool<'_>>) -> Decision {
    let pool = there.filter(|pool| !pool.is_being_deleted() && pool.has_traces());
    // The record drops an attempt before its object is deleted: if the pool opts in again meanwhile, the missing object
    // does not count as a lost build.
    let forget_attempt = || patches::forget_attempt(observed, pool?, observed.record.attempt.as_ref()?);
    let forget_pool =
        || emit_opted_out(observed, pool?).or_else(|| forget(pool?)).or_else(|| patches::withdraw(observed, pool?));
    let mut effects: Vec<Effect> = forget_attempt().into_iter().collect();
    if effects.is_empty() {
        effects = observed.deletions(observed.made());
    }
    if effects.is_empty() {
        effects.extend(forget_pool().or_else(|| held::emit(observed, there?)));
    }
    Decision::rest(observed.demand(), effects, held::next(observed))
}

fn emit_opted_out(observed: &Observed<'_>, pool: &Pool<'_>) -> Option<Effect> {
    // The shown condition is the last trace that the daemon removes, so it identifies this opt-out until the Event is
    // emitted. A pool without one is identified by its record.
    let shown = pool
        .shown()
        .map(|condition| format!("{} {}", field(condition, "type"), field(condition, "lastTransitionTime")));
    let occasion = shown.or_else(|| pool.annotation(keys::BUILD_RECORD).map(str::to_owned))?;
    observed.emit(
        pool,
        PoolEvent {
            reason: EventReason::OptedOut,
            message: "the pool is opted out of layering, and all that was made for its builds is removed".into(),
            occurrence: occasion,
            cause: None,
        },
    )
}

/// Removes annotations and the reference in the spec.
fn forget(pool: &Pool<'_>) -> Option<Effect> {
    let document = patches::document(pool.object);
    let mut patch = GuardedPatch::new(&document);
    patch.guard(&patches::LABEL);
    for key in [keys::NEWEST_IMAGE, keys::BUILD_RECORD, keys::REBUILD] {
        patch.remove(&["metadata", "annotations", key]);
    }
    patches::unrefer(&mut patch, pool);
    patch.finish().map(Effect::PatchPool)
}
