//! A pool that is opted out, being deleted, or gone: nothing of its builds is left behind.

use super::facts::Facts;
use super::serve::{self, demand, tell};
use super::{Decision, Effect, held, show};
use crate::api::conditions::event;
use crate::api::pool::field;
use crate::api::{Pool, keys};
use crate::plan::notes::Note;
use crate::plan::patch::GuardedPatch;

pub(super) fn decide(facts: &Facts<'_>, there: Option<&Pool<'_>>) -> Decision {
    let pool = there.filter(|pool| !pool.is_being_deleted() && pool.has_traces());
    // An attempt is forgotten before its object is deleted: should the pool opt in again meanwhile, that is no loss.
    let forget_attempt = || serve::forget_attempt(facts, pool?, facts.record.attempt.as_ref()?);
    let forget_pool =
        || tell_opted_out(facts, pool?).or_else(|| forget(pool?)).or_else(|| show::withdraw(facts, pool?));
    let mut effects: Vec<Effect> = forget_attempt().into_iter().collect();
    if effects.is_empty() {
        effects = facts.deletions(facts.made());
    }
    if effects.is_empty() {
        effects.extend(forget_pool().or_else(|| held::tell(facts, there?)));
    }
    Decision::rest(demand(facts), effects, held::next(facts))
}

fn tell_opted_out(facts: &Facts<'_>, pool: &Pool<'_>) -> Option<Effect> {
    // What is shown is the last of the traces to go, so it names the occasion for as long as this may be told; a pool
    // that shows nothing has its record to go by.
    let shown = pool
        .shown()
        .map(|condition| format!("{} {}", field(condition, "type"), field(condition, "lastTransitionTime")));
    let occasion = shown.or_else(|| pool.annotation(keys::BUILD_RECORD).map(str::to_owned))?;
    tell(
        facts,
        pool,
        Note {
            reason: event::OPTED_OUT,
            message: "the pool is opted out of layering, and all that was made for its builds is removed".into(),
            occurrence: occasion,
            is_warning: false,
            cause: None,
        },
    )
}

/// Removes annotations and the reference in the spec.
fn forget(pool: &Pool<'_>) -> Option<Effect> {
    let document = show::document(pool.object);
    let mut patch = GuardedPatch::new(&document);
    patch.guard(&show::LABEL);
    for key in [keys::NEWEST_IMAGE, keys::BUILD_RECORD, keys::REBUILD] {
        patch.remove(&["metadata", "annotations", key]);
    }
    show::unrefer(&mut patch, pool);
    patch.finish().map(Effect::PatchPool)
}
