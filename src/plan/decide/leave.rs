//! A pool that is opted out, being deleted, or gone: nothing of its builds is left behind.

use super::facts::Facts;
use super::serve::{demand, tell};
use super::{Decision, Effect, show};
use crate::api::conditions::event;
use crate::api::{Pool, keys};
use crate::plan::notes::Note;
use crate::plan::patch::GuardedPatch;

pub(super) fn decide(facts: &Facts<'_>, pool: Option<&Pool<'_>>) -> Decision {
    let effect = facts.deletion(facts.made()).or_else(|| {
        let pool = pool.filter(|pool| !pool.is_being_deleted() && pool.has_traces())?;
        tell_opted_out(facts, pool).or_else(|| forget(pool)).or_else(|| show::withdraw(facts, pool))
    });
    Decision::rest(demand(facts), effect, facts.next_forced_deletion())
}

fn tell_opted_out(facts: &Facts<'_>, pool: &Pool<'_>) -> Option<Effect> {
    // The record is the first of the traces to go: where it is gone, this was told.
    let record = pool.annotation(keys::BUILD_RECORD)?;
    tell(
        facts,
        pool,
        Note {
            reason: event::OPTED_OUT,
            message: "the pool is opted out of layering, and all that was made for its builds is removed".into(),
            occurrence: record.to_owned(),
            is_warning: false,
        },
    )
}

/// Removes annotations and the reference in the spec.
fn forget(pool: &Pool<'_>) -> Option<Effect> {
    let document = show::document(pool.object);
    let mut patch = GuardedPatch::new(&document);
    for key in [keys::NEWEST_IMAGE, keys::BUILD_RECORD, keys::REBUILD] {
        patch.remove(&["metadata", "annotations", key]);
    }
    show::unrefer(&mut patch, pool);
    patch.finish().map(Effect::PatchPool)
}
