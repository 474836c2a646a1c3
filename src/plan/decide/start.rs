//! A build that is needed and not there: wait for what has to be waited for, claim it, make its objects.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::facts::{Facts, Made, Prepared};
use super::serve::{demand, patch_record, tell};
use super::{Decision, Effect, Part, commands, conflict, held, messages, refusal, settle, show};
use crate::api::conditions::{BUILD_PENDING, event, reason};
use crate::api::pool::{field, is_build_reference};
use crate::api::{Key, Kind, Pool, Sensitive, names};
use crate::plan::conditions::{Degraded, Shown};
use crate::plan::fault::FaultReason;
use crate::plan::notes::Note;
use crate::plan::pull_secret::{self, PullSecret};
use crate::plan::record::{Attempt, BuildRecord, Failed, Lost};
use crate::plan::request::{BuildRequest, containerfile_fault};
use crate::plan::slots::Demand;
use crate::plan::status::{BuildFailure, BuildStatus, FailureCause};

pub(super) fn decide(facts: &Facts<'_>, pool: &Pool<'_>, request: &Arc<BuildRequest>) -> Decision {
    let attempt = facts.record.attempt_at(&request.hash);
    let rendered = &request.inputs.rendered_config;
    if let Some(effect) = attempt.and_then(|attempt| note_loss(facts, pool, rendered, attempt)) {
        return Decision::act(Demand::None, effect);
    }
    if !facts.record.rebuild && pool.blocked_by().is_some() {
        return Decision::rest(demand(facts), facts.deletion(facts.leaving()), facts.next_forced_deletion());
    }
    if let Some(decision) = attempt.and_then(|attempt| await_retry(facts, pool, attempt)) {
        return decision;
    }
    let is_in_the_way = |made: &Made<'_>| made.is_being_deleted() && is_expected(made, request);
    if let Some(leaving) = facts.leaving().chain(facts.made().filter(is_in_the_way)).next() {
        return await_end(facts, pool, &leaving);
    }
    if let Some(decision) = conflict::decide(facts, pool, request) {
        return decision;
    }
    if let Some(fault) = containerfile_fault(request) {
        return settle::faulty(facts, pool, &fault);
    }
    let prepare =
        Effect::Prepare { rendered: request.inputs.rendered_config.clone(), version: version_of(facts, request) };
    if let Some(decision) = refusal::await_start(facts, pool) {
        return decision;
    }
    match prepared(facts, request).map(|prepared| &prepared.payload) {
        Some(Err(fault)) => settle::faulty(facts, pool, fault),
        // What was wrong is looked at before anything else is shown: it may still be wrong.
        None if shows_payload_fault(pool) => Decision::act(Demand::None, prepare),
        _ if !facts.view.has_slot => queue(facts, pool),
        None => Decision::act(Demand::Hold, prepare),
        Some(Ok(_)) => make(facts, pool, request),
    }
}

fn shows_payload_fault(pool: &Pool<'_>) -> bool {
    let faults = || FaultReason::ALL.into_iter().filter(|reason| reason.is_of_payload()).map(FaultReason::as_str);
    pool.shown().is_some_and(|condition| faults().any(|reason| reason == field(condition, "reason")))
}

/// The payload of the build, if it was made from the MachineConfig as it is now.
fn prepared<'a>(facts: &Facts<'a>, request: &BuildRequest) -> Option<&'a Prepared> {
    facts.view.prepared.filter(|prepared| {
        prepared.rendered == request.inputs.rendered_config && prepared.version == version_of(facts, request)
    })
}

fn version_of(facts: &Facts<'_>, request: &BuildRequest) -> Option<String> {
    let key = Key::new(Kind::MachineConfig, &request.inputs.rendered_config);
    facts.view.cache.get(&key)?.metadata.resource_version.clone()
}

/// Records that the object of an attempt is gone: it was there once, or the pool would not refer to it.
pub(super) fn note_loss(facts: &Facts<'_>, pool: &Pool<'_>, rendered: &str, attempt: &Attempt) -> Option<Effect> {
    let reference = pool.spec_source().iter().find(|entry| is_build_reference(entry))?;
    if attempt.lost.is_some() {
        return None;
    }
    let kind = if field(reference, "kind") == Kind::Build.name() { Kind::Build } else { Kind::Pod };
    let key = Key::new(kind, names::build(rendered));
    if facts.view.cache.get(&key).is_none() && !facts.view.cache.is_absent(&key) {
        // Not seen is not gone: the list of objects may be older than the reference to one.
        return Some(Effect::Read(key));
    }
    let leaving = facts.leaving().find(|build| facts.is_claimed(build, &attempt.hash));
    let loss = match leaving.and_then(|build| facts.status_of(build)) {
        Some(BuildStatus::Lost(loss)) => loss.clone(),
        _ => BuildFailure::loss("running the build", format!("its build object {key} was deleted")),
    };
    record_loss(facts, pool, attempt, (&loss, loss.output.expose()), None)
}

/// Records the loss of an attempt, and with the last one that the build failed. The reference to its object goes off the
/// spec, unless the object is kept for inspection: that of the last attempt is, if it has ended.
pub(super) fn record_loss(
    facts: &Facts<'_>,
    pool: &Pool<'_>,
    attempt: &Attempt,
    (loss, output): (&BuildFailure, &str),
    build: Option<Made<'_>>,
) -> Option<Effect> {
    let why = messages::lost(loss, &facts.scrubbed(output));
    let brief = messages::lost_briefly(loss, &facts.scrubbed(output));
    let mut record = facts.record.with_loss(&why, &brief, facts.view.now);
    let is_last = attempt.number >= facts.view.settings.attempts_max;
    if is_last {
        let config = pool.rendered();
        record = with_failure(facts, pool, record, &why, cause_of(loss.cause));
        record.remember(config, "failed", (Some(cause_of(loss.cause).as_str()), None), facts.view.now);
    }
    let is_kept = is_last && build.is_some_and(|build| !facts.is_running(build));
    patch_record(pool, &record, |patch| {
        if !is_kept {
            show::unrefer(patch, pool);
        }
    })
}

/// What a build that was lost for the last time is counted by.
const fn cause_of(cause: FailureCause) -> FailureCause {
    match cause {
        FailureCause::ImagePull | FailureCause::InitContainer | FailureCause::ContainerStart => cause,
        _ => FailureCause::Lost,
    }
}

/// The record of a build whose last attempt was lost.
fn with_failure(
    facts: &Facts<'_>,
    pool: &Pool<'_>,
    record: BuildRecord,
    why: &str,
    cause: FailureCause,
) -> BuildRecord {
    let Some(attempt) = record.attempt.clone() else { return record };
    let lost_at = attempt.lost.as_ref().map_or(facts.view.now, |lost| lost.at);
    let after = lost_at.duration_since(attempt.started);
    let message = messages::given_up(&record, attempt.number, why, after, &commands::rebuild(pool.name()));
    let failed = Failed { hash: attempt.hash, reason: "BuildLost".into(), message, cause };
    BuildRecord { rebuild: false, failed: Some(failed), ..record }
}

/// An object of an earlier build is on its way out, and this one has to wait for its end.
fn await_end(facts: &Facts<'_>, pool: &Pool<'_>, leaving: &Made<'_>) -> Decision {
    let (finalizers, namespace) = (leaving.finalizers(), &facts.view.settings.namespace);
    let message = match finalizers {
        [] => messages::stopping(leaving.key),
        finalizers => messages::held(leaving.key, finalizers, namespace),
    };
    let shown = Shown { type_: BUILD_PENDING, reason: reason::BUILD_QUEUED.into(), message };
    let effect = facts.deletion([*leaving]).or_else(|| show_unreferred(facts, pool, &shown));
    let effect = effect.or_else(|| held::tell_of(facts, pool, leaving));
    Decision::rest(demand(facts), effect, held::next(facts))
}

/// What to do about an attempt that was lost: wait for the next to be due, or give up.
fn await_retry(facts: &Facts<'_>, pool: &Pool<'_>, attempt: &Attempt) -> Option<Decision> {
    let lost = attempt.lost.as_ref()?;
    let attempts_max = facts.view.settings.attempts_max;
    if attempt.number >= attempts_max {
        // It was not the last when it was recorded.
        let mut record = with_failure(facts, pool, facts.record.clone(), &lost.why, FailureCause::Lost);
        record.remember(pool.rendered(), "failed", (Some(FailureCause::Lost.as_str()), None), facts.view.now);
        return Some(Decision::rest(Demand::None, patch_record(pool, &record, |_| {}), None));
    }
    let due = retry_due(facts, attempt, lost);
    if due <= facts.view.now {
        return tell_loss(facts, pool, attempt).map(|effect| Decision::act(demand(facts), effect));
    }
    let note = retry_note(facts, attempt, lost);
    let shown = Shown { type_: BUILD_PENDING, reason: reason::BUILD_RETRYING.into(), message: note.message.clone() };
    let effect = tell(facts, pool, note)
        .or_else(|| show_unreferred(facts, pool, &shown))
        .or_else(|| facts.deletion(facts.leaving()));
    Some(Decision::rest(demand(facts), effect, facts.next_forced_deletion().into_iter().chain([due]).min()))
}

fn retry_due(facts: &Facts<'_>, attempt: &Attempt, lost: &Lost) -> Timestamp {
    lost.at.checked_add(facts.retry_backoff(attempt.number)).unwrap_or(Timestamp::MAX)
}

fn retry_note(facts: &Facts<'_>, attempt: &Attempt, lost: &Lost) -> Note {
    let (attempts_max, due) = (facts.view.settings.attempts_max, retry_due(facts, attempt, lost));
    Note {
        reason: event::BUILD_RETRYING,
        message: messages::retrying(attempt, attempts_max, &lost.why, due),
        occurrence: format!("{} {}", facts.record.occasion(), attempt.number),
        is_warning: true,
        cause: None,
    }
}

/// Tells of the loss of an attempt that was not told in time: the status still refers to what was lost.
pub(super) fn tell_loss(facts: &Facts<'_>, pool: &Pool<'_>, attempt: &Attempt) -> Option<Effect> {
    let lost = attempt.lost.as_ref().filter(|_| pool.status_source().iter().any(is_build_reference))?;
    tell(facts, pool, retry_note(facts, attempt, lost))
}

pub(super) fn is_expected(made: &Made<'_>, request: &BuildRequest) -> bool {
    let rendered = &request.inputs.rendered_config;
    let (kind, name) = (made.key.kind, &made.key.name);
    (kind == request.builder.kind() && *name == names::build(rendered))
        || (kind == Kind::ConfigMap && [names::payload(rendered), names::containerfile(rendered)].contains(name))
}

/// Waits for a slot, in the order in which pools began to.
fn queue(facts: &Facts<'_>, pool: &Pool<'_>) -> Decision {
    let since = queued_since(facts, pool).unwrap_or(facts.view.now);
    let shown = Shown {
        type_: BUILD_PENDING,
        reason: reason::BUILD_QUEUED.into(),
        message: messages::queued(facts.view.settings, since),
    };
    Decision::rest(Demand::Wait(since), show_unreferred(facts, pool, &shown), None)
}

/// Since when the pool shows that it waits for a slot. A time that is still to come was written by a clock that was ahead:
/// the pool would be the last of all for as long as that.
fn queued_since(facts: &Facts<'_>, pool: &Pool<'_>) -> Option<Timestamp> {
    pool.condition(BUILD_PENDING)
        .filter(|condition| field(condition, "status") == "True")
        .filter(|condition| field(condition, "reason") == reason::BUILD_QUEUED)
        .and_then(|condition| messages::queued_since(field(condition, "message")))
        .filter(|since| *since <= facts.view.now)
}

/// Shows a state in which no build object is referred to: first off the spec, then in the status.
pub(super) fn show_unreferred(facts: &Facts<'_>, pool: &Pool<'_>, shown: &Shown) -> Option<Effect> {
    show::refer(pool, None).or_else(|| show::show(facts, pool, shown, Degraded::Clear, None))
}

/// The next of the steps from a payload to a build object.
fn make(facts: &Facts<'_>, pool: &Pool<'_>, request: &Arc<BuildRequest>) -> Decision {
    let effect = [&request.pull_secret, &request.push_secret]
        .into_iter()
        .find_map(|secret| bring_in_step(facts, secret))
        .or_else(|| claim(facts, pool, request))
        .or_else(|| facts.deletion(facts.config_maps.iter().copied().filter(is_digest)));
    let effects = effect.map_or_else(|| create_parts(facts, request), |effect| vec![effect]);
    Decision::rest(Demand::Hold, effects, None)
}

fn is_digest(made: &Made<'_>) -> bool {
    made.key.name.starts_with(&names::digest(""))
}

/// Writes down that this attempt is about to be made. Of two processes that want to, one succeeds.
fn claim(facts: &Facts<'_>, pool: &Pool<'_>, request: &BuildRequest) -> Option<Effect> {
    let known = facts.record.attempt_at(&request.hash);
    if known.is_some_and(|attempt| attempt.lost.is_none()) {
        return None;
    }
    let waiting_since = queued_since(facts, pool);
    let record = facts.record.claimed(pool.uid(), &request.hash, waiting_since, facts.view.now);
    patch_record(pool, &record, |patch| {
        patch.premise(&["spec", "configuration", "name"]);
        show::unrefer(patch, pool);
    })
}

/// The write that a canonical Secret needs, if it is not what its source says: of the version that is known, if one is.
fn bring_in_step(facts: &Facts<'_>, secret: &PullSecret) -> Option<Effect> {
    let hidden = secret.canonical.as_ref()?;
    let canonical = hidden.expose();
    let key = Key::of(Kind::Secret, canonical);
    let content =
        |object: &crate::api::Object| -> (Value, Value) { (object.data["type"].clone(), object.data["data"].clone()) };
    let known = facts.view.cache.get(&key);
    let is_in_step = known.is_some_and(|there| {
        content(there) == content(canonical)
            && facts
                .view
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

/// What is missing of a build's objects: both ConfigMaps at once, and then what runs it.
fn create_parts(facts: &Facts<'_>, request: &Arc<BuildRequest>) -> Vec<Effect> {
    let is_fresh = |made: &Made<'_>| facts.is_claimed(made, &request.hash) && !made.is_being_deleted();
    let is_there = |part: &Part| {
        let key = part.key(request);
        facts.config_maps.iter().any(|made| *made.key == key && is_fresh(made))
    };
    let inputs = [Part::Payload, Part::Containerfile].into_iter().filter(|part| !is_there(part));
    let mut parts: Vec<Part> = inputs.collect();
    if parts.is_empty() {
        parts.push(Part::Build);
    }
    parts.into_iter().map(|part| Effect::Create(part, request.clone())).collect()
}
