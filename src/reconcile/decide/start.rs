//! A missing build: wait until it may start, claim an attempt, create its objects.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::observed::{BuildObject, LoadedPayload, Observed};
use super::reconcile_opted_in::{demand, emit, patch_record};
use super::{Decision, Effect, Part, commands, conflict, held, messages, refusal, report_outcome, show};
use crate::api::conditions::{BUILD_PENDING, event, reason};
use crate::api::pool::{field, is_build_reference};
use crate::api::{Key, Kind, Pool, Sensitive, names};
use crate::reconcile::inputs::fault::FaultReason;
use crate::reconcile::inputs::pull_secret::{self, PullSecret};
use crate::reconcile::inputs::request::{BuildRequest, containerfile_fault};
use crate::reconcile::observed::status::{BuildFailure, BuildStatus, FailureCause};
use crate::reconcile::pool::conditions::{ConditionUpdate, Degraded};
use crate::reconcile::pool::events::PoolEvent;
use crate::reconcile::pool::record::{Attempt, BuildRecord, Failed, Lost};
use crate::reconcile::slots::Demand;

pub(super) fn decide(observed: &Observed<'_>, pool: &Pool<'_>, request: &Arc<BuildRequest>) -> Decision {
    let attempt = observed.record.attempt_at(&request.hash);
    let rendered = &request.inputs.rendered_config;
    if let Some(effect) = attempt.and_then(|attempt| note_loss(observed, pool, rendered, attempt)) {
        return Decision::act(Demand::None, effect);
    }
    if !observed.record.rebuild && pool.blocked_by().is_some() {
        return Decision::rest(
            demand(observed),
            observed.deletion(observed.terminating()),
            observed.next_forced_deletion(),
        );
    }
    if let Some(decision) = attempt.and_then(|attempt| await_retry(observed, pool, attempt)) {
        return decision;
    }
    let is_in_the_way = |made: &BuildObject<'_>| made.is_being_deleted() && is_expected(made, request);
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
    if let Some(decision) = refusal::await_start(observed, pool) {
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
    let faults = || FaultReason::ALL.into_iter().filter(|reason| reason.is_of_payload()).map(FaultReason::as_str);
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

/// Records that the object of an attempt is gone. It existed once, because the pool refers to it.
pub(super) fn note_loss(observed: &Observed<'_>, pool: &Pool<'_>, rendered: &str, attempt: &Attempt) -> Option<Effect> {
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
    record_loss(observed, pool, attempt, (&loss, loss.output.expose()), None)
}

/// Records the loss of an attempt, and after the last attempt the failure of the build. The patch removes the reference
/// to the object from the spec, unless the object stays for inspection: that of the last attempt does, if it has ended.
pub(super) fn record_loss(
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
    patch_record(pool, &record, |patch| {
        if !is_kept {
            show::unrefer(patch, pool);
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

/// Waits for the deletion of an object of an earlier build.
fn await_end(observed: &Observed<'_>, pool: &Pool<'_>, leaving: &BuildObject<'_>) -> Decision {
    let (finalizers, namespace) = (leaving.finalizers(), &observed.inputs.settings.namespace);
    let message = match finalizers {
        [] => messages::stopping(leaving.key),
        finalizers => messages::held(leaving.key, finalizers, namespace),
    };
    let shown = ConditionUpdate { type_: BUILD_PENDING, reason: reason::BUILD_QUEUED.into(), message };
    let effect = observed.deletion([*leaving]).or_else(|| show_unreferred(observed, pool, &shown));
    let effect = effect.or_else(|| held::emit_for(observed, pool, leaving));
    Decision::rest(demand(observed), effect, held::next(observed))
}

/// What to do about an attempt that was lost: wait for the next to be due, or give up.
fn await_retry(observed: &Observed<'_>, pool: &Pool<'_>, attempt: &Attempt) -> Option<Decision> {
    let lost = attempt.lost.as_ref()?;
    let attempts_max = observed.inputs.settings.attempts_max;
    if attempt.number >= attempts_max {
        // An administrator has lowered the limit since the loss was recorded.
        let mut record = with_failure(observed, pool, observed.record.clone(), &lost.why, FailureCause::Lost);
        record.remember(pool.rendered(), "failed", (Some(FailureCause::Lost.as_str()), None), observed.inputs.now);
        return Some(Decision::rest(Demand::None, patch_record(pool, &record, |_| {}), None));
    }
    let due = retry_due(observed, attempt, lost);
    if due <= observed.inputs.now {
        return tell_loss(observed, pool, attempt).map(|effect| Decision::act(demand(observed), effect));
    }
    let pool_event = retry_note(observed, attempt, lost);
    let shown = ConditionUpdate {
        type_: BUILD_PENDING,
        reason: reason::BUILD_RETRYING.into(),
        message: pool_event.message.clone(),
    };
    let effect = emit(observed, pool, pool_event)
        .or_else(|| show_unreferred(observed, pool, &shown))
        .or_else(|| observed.deletion(observed.terminating()));
    Some(Decision::rest(demand(observed), effect, observed.next_forced_deletion().into_iter().chain([due]).min()))
}

fn retry_due(observed: &Observed<'_>, attempt: &Attempt, lost: &Lost) -> Timestamp {
    lost.at.checked_add(observed.retry_backoff(attempt.number)).unwrap_or(Timestamp::MAX)
}

fn retry_note(observed: &Observed<'_>, attempt: &Attempt, lost: &Lost) -> PoolEvent {
    let (attempts_max, due) = (observed.inputs.settings.attempts_max, retry_due(observed, attempt, lost));
    PoolEvent {
        reason: event::BUILD_RETRYING,
        message: messages::retrying(attempt, attempts_max, &lost.why, due),
        occurrence: format!("{} {}", observed.record.occasion(), attempt.number),
        is_warning: true,
        cause: None,
    }
}

/// Emits the Event about a lost attempt if it is still missing: the status still refers to the lost object.
pub(super) fn tell_loss(observed: &Observed<'_>, pool: &Pool<'_>, attempt: &Attempt) -> Option<Effect> {
    let lost = attempt.lost.as_ref().filter(|_| pool.status_source().iter().any(is_build_reference))?;
    emit(observed, pool, retry_note(observed, attempt, lost))
}

pub(super) fn is_expected(made: &BuildObject<'_>, request: &BuildRequest) -> bool {
    let rendered = &request.inputs.rendered_config;
    let (kind, name) = (made.key.kind, &made.key.name);
    (kind == request.builder.kind() && *name == names::build(rendered))
        || (kind == Kind::ConfigMap && [names::payload(rendered), names::containerfile(rendered)].contains(name))
}

/// Waits for a slot, in the order in which the pools began to wait.
fn queue(observed: &Observed<'_>, pool: &Pool<'_>) -> Decision {
    let since = queued_since(observed, pool).unwrap_or(observed.inputs.now);
    let shown = ConditionUpdate {
        type_: BUILD_PENDING,
        reason: reason::BUILD_QUEUED.into(),
        message: messages::queued(observed.inputs.settings, since),
    };
    Decision::rest(Demand::Wait(since), show_unreferred(observed, pool, &shown), None)
}

/// Since when the pool shows that it waits for a slot. A time in the future comes from a clock that was ahead, and is
/// ignored: it would put the pool last in the queue until then.
fn queued_since(observed: &Observed<'_>, pool: &Pool<'_>) -> Option<Timestamp> {
    pool.condition(BUILD_PENDING)
        .filter(|condition| field(condition, "status") == "True")
        .filter(|condition| field(condition, "reason") == reason::BUILD_QUEUED)
        .and_then(|condition| messages::queued_since(field(condition, "message")))
        .filter(|since| *since <= observed.inputs.now)
}

/// Shows a state without a build object: removes the reference from the spec first, then updates the status.
pub(super) fn show_unreferred(observed: &Observed<'_>, pool: &Pool<'_>, shown: &ConditionUpdate) -> Option<Effect> {
    show::refer(pool, None).or_else(|| show::show(observed, pool, shown, Degraded::Clear, None))
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
    let waiting_since = queued_since(observed, pool);
    let record = observed.record.claimed(pool.uid(), &request.hash, waiting_since, observed.inputs.now);
    patch_record(pool, &record, |patch| {
        patch.precondition(&["spec", "configuration", "name"]);
        show::unrefer(patch, pool);
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
