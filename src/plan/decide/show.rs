//! The status patch: conditions and reference of a pool, in step with its build.

use serde_json::{Value, json};

use super::Effect;
use super::facts::Facts;
use crate::api::pool::is_build_reference;
use crate::api::{Object, Pool, keys};
use crate::plan::conditions::{self, Degraded, Shown};
use crate::plan::patch::GuardedPatch;

const CONDITIONS: [&str; 2] = ["status", "conditions"];
const STATUS_SOURCE: [&str; 3] = ["status", "configuration", "source"];
pub(super) const SPEC_SOURCE: [&str; 3] = ["spec", "configuration", "source"];

/// The patch by which `pool` shows `shown`, with `reference` as its only reference to a build object; `None` if
/// it shows just that already.
pub(super) fn show(
    facts: &Facts<'_>,
    pool: &Pool<'_>,
    shown: &Shown,
    degraded: Degraded,
    reference: Option<Value>,
) -> Option<Effect> {
    let conditions = conditions::show(pool.conditions(), shown, degraded, facts.view.now);
    status_patch(pool, conditions, reference)
}

/// The patch by which `pool` shows nothing of this daemon's any more.
pub(super) fn withdraw(facts: &Facts<'_>, pool: &Pool<'_>) -> Option<Effect> {
    let conditions = conditions::withdraw(pool.conditions(), facts.view.now);
    status_patch(pool, conditions, None)
}

/// The references of a list to keep, and `reference` after them.
pub(super) fn with_reference(source: &[Value], reference: Option<Value>) -> Vec<Value> {
    source.iter().filter(|entry| !is_build_reference(entry)).cloned().chain(reference).collect()
}

/// The object as one JSON document, to patch.
pub(super) fn document(object: &Object) -> Value {
    serde_json::to_value(object).expect("an object that was read can be written")
}

/// Sets the references in `path` of a pool, and touches nothing where there is nothing to change.
pub(super) fn set_references(patch: &mut GuardedPatch<'_>, path: &[&str], before: &[Value], after: Vec<Value>) {
    if before != after {
        patch.set(path, after.into());
    }
}

fn status_patch(pool: &Pool<'_>, conditions: Vec<Value>, reference: Option<Value>) -> Option<Effect> {
    let document = document(pool.object);
    let mut patch = GuardedPatch::new(&document);
    if pool.conditions() != conditions {
        patch.set(&CONDITIONS, json!(conditions));
    }
    let source = with_reference(pool.status_source(), reference);
    set_references(&mut patch, &STATUS_SOURCE, pool.status_source(), source);
    // What is shown belongs to this config and this record, of a pool that is opted in, or is not.
    patch
        .premise(&["spec", "configuration", "name"])
        .premise(&["metadata", "annotations", keys::BUILD_RECORD])
        .premise(&["metadata", "labels", keys::LAYERING_ENABLED]);
    patch.finish().map(Effect::PatchStatus)
}
