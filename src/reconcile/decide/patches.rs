//! The patches of a pool: its build record, its references to the build object, its status.

use serde_json::{Value, json};

use super::Effect;
use super::observed::Observed;
use crate::api::pool::is_build_reference;
use crate::api::{Object, Pool, keys};
use crate::reconcile::pool::conditions::{self, ConditionUpdate, Degraded};
use crate::reconcile::pool::patch::GuardedPatch;
use crate::reconcile::pool::record::{Attempt, BuildRecord};

const CONDITIONS: [&str; 2] = ["status", "conditions"];
const STATUS_SOURCE: [&str; 3] = ["status", "configuration", "source"];
const SPEC_SOURCE: [&str; 3] = ["spec", "configuration", "source"];
/// Every patch of a pool tests this label: the daemon must not show a build on a pool that a user has opted out
/// meanwhile, nor clean up a pool that a user has opted in again.
pub(super) const LABEL: [&str; 3] = ["metadata", "labels", keys::LAYERING_ENABLED];

/// The patch by which `pool` shows `shown`, with `reference` as its only reference to a build object; `None` if
/// it shows just that already.
pub(super) fn show(
    observed: &Observed<'_>,
    pool: &Pool<'_>,
    shown: &ConditionUpdate,
    degraded: Degraded,
    reference: Option<Value>,
) -> Option<Effect> {
    let conditions = conditions::show(pool.conditions(), shown, degraded, observed.inputs.now);
    status_patch(pool, conditions, reference)
}

/// Shows a state without a build object: removes the reference from the spec first, then updates the status.
pub(super) fn show_unreferred(observed: &Observed<'_>, pool: &Pool<'_>, shown: &ConditionUpdate) -> Option<Effect> {
    refer(pool, None).or_else(|| show(observed, pool, shown, Degraded::Clear, None))
}

/// The patch that removes everything of this daemon from the status of `pool`.
pub(super) fn withdraw(observed: &Observed<'_>, pool: &Pool<'_>) -> Option<Effect> {
    let conditions = conditions::withdraw(pool.conditions(), observed.inputs.now);
    status_patch(pool, conditions, None)
}

/// The references of a list to keep, and `reference` after them.
fn with_reference(source: &[Value], reference: Option<Value>) -> Vec<Value> {
    source.iter().filter(|entry| !is_build_reference(entry)).cloned().chain(reference).collect()
}

/// The object as one JSON document, to patch.
pub(super) fn document(object: &Object) -> Value {
    serde_json::to_value(object).expect("an object that was read can be written")
}

/// Sets the references in `path` of a pool, and touches nothing where there is nothing to change.
fn set_references(patch: &mut GuardedPatch<'_>, path: &[&str], before: &[Value], after: Vec<Value>) {
    if before != after {
        patch.set(path, after.into());
    }
}

fn status_patch(pool: &Pool<'_>, conditions: Vec<Value>, reference: Option<Value>) -> Option<Effect> {
    let source = with_reference(pool.status_source(), reference);
    if pool.conditions() == conditions && pool.status_source() == source {
        return None;
    }
    let document = document(pool.object);
    let mut patch = GuardedPatch::new(&document);
    if pool.conditions() != conditions {
        patch.set(&CONDITIONS, json!(conditions));
    }
    set_references(&mut patch, &STATUS_SOURCE, pool.status_source(), source);
    // The status is valid only for this config, these references, this record and this opt-in label.
    patch
        .precondition(&SPEC_SOURCE)
        .precondition(&["spec", "configuration", "name"])
        .precondition(&["metadata", "annotations", keys::BUILD_RECORD])
        .guard(&LABEL);
    patch.finish().map(Effect::PatchStatus)
}

/// The patch by which the spec's only reference to a build object is `reference`; `None` if it is just that already.
pub(super) fn refer(pool: &Pool<'_>, reference: Option<Value>) -> Option<Effect> {
    let source = with_reference(pool.spec_source(), reference);
    if pool.spec_source() == source {
        return None;
    }
    let document = document(pool.object);
    let mut patch = GuardedPatch::new(&document);
    patch.set(&SPEC_SOURCE, source.into()).guard(&LABEL).precondition(&["metadata", "annotations", keys::BUILD_RECORD]);
    patch.finish().map(Effect::PatchPool)
}

/// Takes the reference to a build object out of the spec, along with what else `patch` does.
pub(super) fn unrefer(patch: &mut GuardedPatch<'_>, pool: &Pool<'_>) {
    set_references(patch, &SPEC_SOURCE, pool.spec_source(), with_reference(pool.spec_source(), None));
}

/// The patch that writes `record`, with the changes that `more` adds; it tests the record and the config that it was
/// decided from.
pub(super) fn record(
    pool: &Pool<'_>,
    record: &BuildRecord,
    more: impl FnOnce(&mut GuardedPatch<'_>),
) -> Option<Effect> {
    let document = document(pool.object);
    let mut patch = GuardedPatch::new(&document);
    patch.guard(&LABEL).set(&["metadata", "annotations", keys::BUILD_RECORD], record.to_annotation().into());
    more(&mut patch);
    patch.finish().map(Effect::PatchPool)
}

/// The patch that moves the attempt to the history of the record, and removes the reference to its object from the
/// spec.
pub(super) fn forget_attempt(observed: &Observed<'_>, pool: &Pool<'_>, attempt: &Attempt) -> Option<Effect> {
    let mut record = observed.record.clone();
    if record.failure_of(&attempt.hash).is_none() {
        let made = observed.builds.iter().find(|build| observed.is_claimed(build, &attempt.hash));
        let config = made.and_then(|build| build.rendered()).unwrap_or_else(|| pool.rendered());
        record.remember(config, "superseded", (None, None), observed.inputs.now);
    }
    let record = BuildRecord { attempt: None, lost: Vec::new(), ..record };
    self::record(pool, &record, |patch| unrefer(patch, pool))
}
