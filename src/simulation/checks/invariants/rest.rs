//! The state of the cluster at rest.

use super::model::{Model, annotation, is_digest, is_member};
use crate::api::conditions::{BUILD_CONDITIONS, BUILD_FAILED, BUILD_SUCCESS};
use crate::api::pool::is_build_reference;
use crate::api::{Object, Pool, keys};
use crate::reconcile::observed::index::owner_of;
use crate::reconcile::pool::record::BuildRecord;
use crate::simulation::checks::at_rest::Finding;

/// Objects that should not exist, or are missing.
pub(super) fn faults(model: &Model) -> Vec<Finding> {
    let left = model.made.iter().filter(|((_, name), object)| !is_kept(model, name, object));
    let left = left.map(|((kind, name), _)| Finding::new(format!("{} {name}", kind.name()), "is left behind"));
    let pools = model.pools.values().flat_map(|object| {
        let pool = Pool::new(object);
        let whats = if is_member(object) { unfinished(&pool) } else { traces(&pool) };
        whats.into_iter().map(move |what| Finding::of_pool(pool.name(), what))
    });
    left.chain(pools).collect()
}

/// Whether an object is kept for inspection: its build failed.
fn is_kept(model: &Model, name: &str, object: &Object) -> bool {
    let owner = owner_of(object);
    let pools = model.pools.values().filter(|pool| is_member(pool));
    pools.into_iter().map(Pool::new).any(|pool| {
        let failed = BuildRecord::of(&pool).unwrap_or_default().failed;
        let is_its = if is_digest(name) {
            crate::api::names::rendered_of(name) == Some(pool.rendered())
        } else {
            owner.as_deref() == Some(pool.name())
        };
        is_its
            && pool.is_true(BUILD_FAILED)
            && failed.is_some_and(|failed| is_digest(name) || failed.hash == annotation(object, keys::INPUT_HASH))
    })
}

/// Unfinished work for a pool that is opted in. A pool that other controllers degrade has to wait.
fn unfinished(pool: &Pool<'_>) -> Vec<String> {
    if pool.blocked_by().is_some() || pool.rendered().is_empty() {
        return Vec::new();
    }
    let mut whats = Vec::new();
    let record = BuildRecord::of(pool).unwrap_or_default();
    let is_built = record.published.as_ref().is_some_and(|published| {
        published.inputs.rendered_config == pool.rendered() && record.published_on(pool, &published.hash).is_some()
    });
    let has_ended = pool.is_true(BUILD_FAILED) || (pool.is_true(BUILD_SUCCESS) && is_built);
    if !has_ended {
        let shown = pool.shown().map(|shown| shown["type"].clone());
        whats.push(format!("{} is not built: it shows {shown:?}", pool.rendered()));
    }
    // The pool keeps its reference to a failed build even after another client has deleted the build object.
    let mut references =
        pool.spec_source().iter().chain(pool.status_source()).filter(|entry| is_build_reference(entry));
    if let Some(reference) = references.next().filter(|_| !pool.is_true(BUILD_FAILED)) {
        whats.push(format!("it refers to {reference}, which is over"));
    }
    if pool.annotation(keys::REBUILD).is_some() {
        whats.push("a rebuild is still asked for".to_owned());
    }
    whats
}

/// Leftovers on a pool that is not opted in.
pub(super) fn traces(pool: &Pool<'_>) -> Vec<String> {
    let shown: Vec<&str> = BUILD_CONDITIONS.into_iter().filter(|type_| pool.condition(type_).is_some()).collect();
    if pool.has_traces() { vec![format!("traces are left on it, of conditions {shown:?}")] } else { Vec::new() }
}
