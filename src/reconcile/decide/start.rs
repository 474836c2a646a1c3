//! A missing build: wait until it may start, claim an attempt, create its objects.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::observed::{BuildObject, LoadedPayload, Observed};
use super::{Decision, Effect, Part, conflict, held, loss, messages, patches, report_outcome, report_refusal};
use crate::api::conditions::{BUILD_PENDING, reason};
use crate::api::pool::field;
use crate::api::{Key, Kind, Pool, Sensitive, names};
use crate::reconcile::inputs::fault::FaultReason;
use crate::reconcile::inputs::pull_secret::{self, PullSecret};
use crate::reconcile::inputs::request::BuildRequest;
use crate::reconcile::objects::metadata::containerfile_fault;
use crate::reconcile::pool::conditions::ConditionUpdate;
use crate::reconcile::slots::Demand;

pub(super) fn decide(observed: &Observed<'_>, pool: &Pool<'_>, request: &Arc<BuildRequest>) -> Decision {
    let attempt = observed.record.attempt_at(&request.hash);
    let rendered = &request.inputs.rendered_config;
    if let Some(effect) = attempt.and_then(|attempt| loss::note(observed, pool, rendered, attempt)) {
        return Decision::act(Demand::None, effect);
    }
    if !observed.record.rebuild && pool.blocked_by().is_some() {
        return Decision::rest(
            observed.demand(),
            observed.deletion(observed.terminating()),
            observed.next_forced_deletion(),
        );
    }
    if let Some(decision) = attempt.and_then(|attempt| loss::await_retry(observed, pool, attempt)) {
        return decision;
    }
    let is_in_the_way = |made: &BuildObject<'_>| made.is_being_deleted() && made.is_of(request);
    if let Some(leaving) = observed.terminating().chain(observed.made().filter(is_in_the_way)).next() {
        return await_end(observed, pool, &leaving);
    }
    if let Some(decision) = conflict::decide(observed, pool, request) {
        return decision;
    }
    if let Some(fault) = containerfile_fault(request) {
        return report_outcome::faulty(observed, pool, &fault);
    }
    let prepare = Effect::LoadPayload {
        rendered: request.inputs.rendered_config.clone(),
        version: version_of(observed, request),
    };
    if let Some(decision) = report_refusal::await_start(observed, pool) {
        return decision;
    }
    match prepared(observed, request).map(|loaded_payload| &loaded_payload.payload) {
        Some(Err(fault)) => report_outcome::faulty(observed, pool, fault),
        // The pool shows a fault of the MachineConfig, which may persist: the daemon reads the MachineConfig again
        // before it shows anything else.
        None if shows_payload_fault(pool) => Decision::act(Demand::None, prepare),
        _ if !observed.inputs.has_slot => queue(observed, pool),
        None => Decision::act(Demand::Hold, prepare),
        Some(Ok(_)) => make(observed, pool, request),
    }
}

fn shows_payload_fault(pool: &Pool<'_>) -> bool {
    let faults = || FaultReason::ALL.iter().filter(|reason| reason.is_of_payload()).map(FaultReason::as_str);
    pool.shown().is_some_and(|condition| faults().any(|reason| reason == field(condition, "reason")))
}

/// The payload of the build, if it comes from the current version of the MachineConfig.
fn prepared<'a>(observed: &Observed<'a>, request: &BuildRequest) -> Option<&'a LoadedPayload> {
    observed.inputs.loaded_payload.filter(|loaded_payload| {
        loaded_payload.rendered == request.inputs.rendered_config
            && loaded_payload.version == version_of(observed, request)
    })
}

fn version_of(observed: &Observed<'_>, request: &BuildRequest) -> Option<String> {
    let key = Key::new(Kind::MachineConfig, &request.inputs.rendered_config);
    observed.inputs.cache.get(&key)?.metadata.resource_version.clone()
}

/// Waits for the deletion of an object of an earlier build.
fn await_end(observed: &Observed<'_>, pool: &Pool<'_>, leaving: &BuildObject<'_>) -> Decision {
    let (finalizers, namespace) = (leaving.finalizers(), &observed.inputs.settings.namespace);
    let message = match finalizers {
        [] => messages::stopping(leaving.key),
        finalizers => messages::held(leaving.key, finalizers, namespace),
    };
    let shown = ConditionUpdate { type_: BUILD_PENDING, reason: reason::BUILD_QUEUED.into(), message };
    let effect = observed.deletion([*leaving]).or_else(|| patches::show_unreferred(observed, pool, &shown));
    let effect = effect.or_else(|| held::emit_for(observed, pool, leaving));
    Decision::rest(observed.demand(), effect, held::next(observed))
}

/// Waits for a slot, in the order in which the pools began to wait.
fn queue(observed: &Observed<'_>, pool: &Pool<'_>) -> Decision {
    let since = waiting_since(observed, pool).unwrap_or(observed.inputs.now);
    let shown = ConditionUpdate {
        type_: BUILD_PENDING,
        reason: reason::BUILD_QUEUED.into(),
        message: messages::queued(observed.inputs.settings, since),
    };
    Decision::rest(Demand::Wait(since), patches::show_unreferred(observed, pool, &shown), None)
}

/// Since when the pool shows that it waits for a slot. A time in the future comes from a clock that was ahead, and is
/// ignored: it would put the pool last in the queue until then.
fn waiting_since(observed: &Observed<'_>, pool: &Pool<'_>) -> Option<Timestamp> {
    let shown = pool.shown().filter(|shown| field(shown, "reason") == reason::BUILD_QUEUED)?;
    messages::queued_since(field(shown, "message")).filter(|since| *since <= observed.inputs.now)
}

/// The next step between the payload and the build object.
fn make(observed: &Observed<'_>, pool: &Pool<'_>, request: &Arc<BuildRequest>) -> Decision {
    let effect = [&request.pull_secret, &request.push_secret]
        .into_iter()
        .find_map(|secret| bring_in_step(observed, secret))
        .or_else(|| claim(observed, pool, request))
        .or_else(|| observed.deletion(observed.config_maps.iter().copied().filter(is_digest)));
    let effects = effect.map_or_else(|| create_parts(observed, request), |effect| vec![effect]);
    Decision::rest(Demand::Hold, effects, None)
}

fn is_digest(made: &BuildObject<'_>) -> bool {
    made.key.name.starts_with(&names::digest(""))
}

/// Records the claim of this attempt before any object is created. If two processes try, the patch of only one
/// succeeds.
fn claim(observed: &Observed<'_>, pool: &Pool<'_>, request: &BuildRequest) -> Option<Effect> {
    let known = observed.record.attempt_at(&request.hash);
    if known.is_some_and(|attempt| attempt.lost.is_none()) {
        return None;
    }
    let waiting_since = waiting_since(observed, pool);
    let record = observed.record.claimed(pool.uid(), &request.hash, waiting_since, observed.inputs.now);
    patches::record(pool, &record, |patch| {
        patch.precondition(&["spec", "configuration", "name"]);
        patches::unrefer(patch, pool);
    })
}

/// The write that updates a canonical Secret if it differs from its source. It names the cached resource version, if
/// there is one.
fn bring_in_step(observed: &Observed<'_>, secret: &PullSecret) -> Option<Effect> {
    let hidden = secret.canonical.as_ref()?;
    let canonical = hidden.expose();
    let key = Key::of(Kind::Secret, canonical);
    let content =
        |object: &crate::api::Object| -> (Value, Value) { (object.data["type"].clone(), object.data["data"].clone()) };
    let known = observed.inputs.cache.get(&key);
    let is_in_step = known.is_some_and(|there| {
        content(there) == content(canonical)
            && observed
                .inputs
                .cache
                .get(&Key::new(Kind::Secret, source_of(canonical)))
                .is_some_and(|source| pull_secret::is_canonical_of(there, source))
    });
    let mut secret = canonical.clone();
    secret.metadata.resource_version = known.and_then(|known| known.metadata.resource_version.clone());
    (!is_in_step).then(|| Effect::WriteSecret(Box::new(Sensitive::new(secret))))
}

fn source_of(canonical: &crate::api::Object) -> &str {
    let annotations = canonical.metadata.annotations.as_ref();
    annotations.and_then(|a| a.get(crate::api::keys::CANONICALIZED_FROM)).map_or("", String::as_str)
}

/// Creates the missing objects of a build: both ConfigMaps at once, and then the build object.
fn create_parts(observed: &Observed<'_>, request: &Arc<BuildRequest>) -> Vec<Effect> {
    let is_fresh = |made: &BuildObject<'_>| observed.is_claimed(made, &request.hash) && !made.is_being_deleted();
    let is_there = |part: &Part| {
        let key = part.key(request);
        observed.config_maps.iter().any(|made| *made.key == key && is_fresh(made))
    };
    let inputs = [Part::Payload, Part::Containerfile].into_iter().filter(|part| !is_there(part));
    let mut parts: Vec<Part> = inputs.collect();
    if parts.is_empty() {
        parts.push(Part::Build);
    }
    parts.into_iter().map(|part| Effect::Create(part, request.clone())).collect()
}
