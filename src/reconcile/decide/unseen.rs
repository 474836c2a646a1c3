//! Builds that the daemon cannot see, because their API has not answered since the daemon started.

use std::sync::Arc;

use serde_json::Value;

use super::observed::Observed;
use super::{Decision, patches};
use crate::api::conditions::{BUILD_PENDING, reason};
use crate::api::pool::field;
use crate::api::{Kind, Pool};
use crate::reconcile::inputs::request::BuildRequest;
use crate::reconcile::pool::conditions::ConditionUpdate;
use crate::reconcile::slots::Demand;

/// Whether a Build may exist that the pool does not refer to yet: a predecessor process had created its inputs and was
/// about to create the Build.
fn may_be_there(observed: &Observed<'_>, pool: &Pool<'_>) -> bool {
    let Some(attempt) = observed.record.attempt.as_ref().filter(|attempt| attempt.lost.is_none()) else { return false };
    let is_own = observed.inputs.loaded_payload.is_some_and(|loaded_payload| loaded_payload.payload.is_ok());
    let refers_to_pod = pool.spec_source().iter().any(|reference| field(reference, "kind") == Kind::Pod.name());
    let inputs = observed.config_maps.iter().filter(|made| made.hash() == Some(attempt.hash.as_str())).count();
    !is_own && !refers_to_pod && inputs >= 2
}

/// Whether the pool refers to a Build while the API of Builds does not answer.
pub(super) fn refers_to_one(observed: &Observed<'_>, pool: &Pool<'_>) -> bool {
    let is_build = |reference: &Value| field(reference, "kind") == Kind::Build.name();
    observed.inputs.cache.is_unreachable(Kind::Build) && pool.spec_source().iter().any(is_build)
}

/// The decision for a pool that depends on Builds while their API does not answer; `None` if the pool does not depend
/// on them.
///
/// The daemon must not start a second build beside a Build that it cannot see, even if the pool now asks for another
/// builder. Such a Build may exist where the pool refers to one, or where a claimed attempt has left only its inputs.
pub(super) fn decide(observed: &Observed<'_>, pool: &Pool<'_>, request: &Arc<BuildRequest>) -> Option<Decision> {
    let why = observed.inputs.cache.unreachable(Kind::Build)?;
    if refers_to_one(observed, pool) {
        // The pool keeps showing the last known state of the Build.
        return Some(Decision::idle(Demand::Hold));
    }
    let is_known = !observed.builds.is_empty();
    let is_settled = observed.record.published_on(pool, &request.hash).is_some()
        || observed.record.failure_of(&request.hash).is_some();
    let may_be_there = may_be_there(observed, pool);
    if is_known || is_settled || !(may_be_there || request.builder.kind() == Kind::Build) {
        return None;
    }
    let demand = if may_be_there { Demand::Hold } else { observed.demand() };
    if pool.blocked_by().is_some() && !observed.record.rebuild {
        return Some(Decision::idle(demand));
    }
    let message = observed.scrubbed(&format!(
        "the API {} of {}s does not answer ({why}); the build waits until it is known which there are; to fix it, see \
         that the server behind that API runs",
        Kind::Build.api_version(),
        Kind::Build.name(),
    ));
    let shown = ConditionUpdate { type_: BUILD_PENDING, reason: reason::BUILD_QUEUED.into(), message };
    Some(Decision::rest(demand, patches::show_unreferred(observed, pool, &shown), None))
}
