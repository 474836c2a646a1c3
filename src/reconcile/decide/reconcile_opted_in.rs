//! The decision for an opted-in pool: chooses between starting, tracking, superseding and reporting a build.

use std::sync::Arc;

use super::observed::{BuildObject, Observed};
use super::{Decision, Effect, loss, messages, patches, report_outcome, start, track_build, unseen};
use crate::api::conditions::{BUILD_FAILED, BUILD_SUCCESS, EventReason};
use crate::api::pool::{field, is_build_reference};
use crate::api::{Kind, Pool, keys, names};
use crate::reconcile::inputs::fault::InputFault;
use crate::reconcile::inputs::request::{BuildRequest, Wanted};
use crate::reconcile::observed::status::BuildStatus;
use crate::reconcile::pool::events::PoolEvent;
use crate::reconcile::pool::record::{Attempt, BuildRecord};
use crate::reconcile::slots::Demand;

pub(super) fn decide(observed: &Observed<'_>, pool: &Pool<'_>) -> Decision {
    if let Some(effect) = accept_rebuild(observed, pool) {
        return Decision::act(observed.demand(), effect);
    }
    if let Some(record) = observed.record.set_back_to(observed.inputs.now) {
        return Decision::rest(observed.demand(), patches::record(pool, &record, |_| {}), None);
    }
    if pool.rendered().is_empty() {
        return Decision::idle(observed.demand());
    }
    match &observed.wanted {
        Wanted::Unknown => Decision::idle(observed.demand()),
        Wanted::Faulty(fault) => with_fault(observed, pool, fault),
        Wanted::Known(request) => with_request(observed, pool, request),
    }
}

fn accept_rebuild(observed: &Observed<'_>, pool: &Pool<'_>) -> Option<Effect> {
    pool.annotation(keys::REBUILD)?;
    // The daemon does not overwrite a record that it cannot read: a newer version of this program may have written it.
    let mut record = BuildRecord::of(pool).ok()?;
    record.generation = record.generation.saturating_add(1);
    record.rebuild = true;
    let pool_event = PoolEvent {
        reason: EventReason::RebuildRequested,
        message: format!("a fresh build was asked for with the annotation {}", keys::REBUILD),
        occurrence: record.generation.to_string(),
        cause: None,
    };
    observed.emit(pool, pool_event).or_else(|| {
        patches::record(pool, &record, |patch| {
            patch.remove(&["metadata", "annotations", keys::REBUILD]);
        })
    })
}

fn with_request(observed: &Observed<'_>, pool: &Pool<'_>, request: &Arc<BuildRequest>) -> Decision {
    let hash = request.hash.as_str();
    let is_stale =
        |made: &BuildObject<'_>| !observed.is_claimed(made, hash) && !is_digest_of_running(observed, made, hash);
    let duplicates = observed.deletion(observed.duplicates_of(hash));
    if let Some(decision) = unseen::decide(observed, pool, request) {
        return decision;
    }
    let superseding = supersede(observed, pool, hash, is_stale);
    if !superseding.is_empty() {
        return Decision::rest(observed.demand(), superseding, None);
    }
    if let Some(effect) = duplicates {
        return Decision::act(observed.demand(), effect);
    }
    if let Some(published) = observed.record.published_on(pool, hash) {
        return report_outcome::published(observed, pool, published);
    }
    if let Some(failed) = observed.record.failure_of(hash) {
        return report_outcome::failed(observed, pool, failed);
    }
    match observed.build_of(hash) {
        Some(_) if lost_build(observed).is_some() => {
            // The record says that it was lost: its object makes room for the next attempt.
            Decision::rest(observed.demand(), observed.deletion(lost_build(observed)), None)
        }
        Some(build) => track_build::decide(observed, pool, build),
        // The image was pushed, so the daemon publishes it, even if the pod was deleted before the daemon saw its
        // success.
        None => match observed.terminating().find(|build| has_succeeded(observed, *build, hash)) {
            Some(build) => track_build::decide(observed, pool, build),
            None => start::decide(observed, pool, request),
        },
    }
}

fn has_succeeded(observed: &Observed<'_>, build: BuildObject<'_>, hash: &str) -> bool {
    observed.is_claimed(&build, hash)
        && observed.record.attempt_at(hash).is_some_and(|attempt| attempt.lost.is_none())
        && matches!(observed.status_of(build), Some(BuildStatus::Succeeded(_)))
}

/// The build object of an attempt that the record calls lost, unless it is being deleted.
fn lost_build<'a>(observed: &Observed<'a>) -> Option<BuildObject<'a>> {
    observed.build_of(&observed.record.attempt.as_ref().filter(|attempt| attempt.lost.is_some())?.hash)
}

/// The decision while an input cannot be used. That does not count as a change of the inputs: a running build goes on,
/// and a published image stays.
fn with_fault(observed: &Observed<'_>, pool: &Pool<'_>, fault: &InputFault) -> Decision {
    let attempt = observed.record.attempt.as_ref();
    let failed = attempt.and_then(|attempt| observed.record.failure_of(&attempt.hash));
    if let Some(failed) = failed.filter(|_| !pool.is_true(BUILD_FAILED)) {
        // The pool first shows and emits this failure, and only then the input fault that a user has to correct.
        return report_outcome::failed(observed, pool, failed);
    }
    let is_failed = failed.is_some();
    let running = attempt.filter(|attempt| attempt.lost.is_none() && !is_failed);
    let build_of = |attempt: &Attempt| {
        let succeeded = || observed.terminating().find(|build| has_succeeded(observed, *build, &attempt.hash));
        observed.build_of(&attempt.hash).or_else(succeeded)
    };
    if let Some(build) = running.and_then(build_of) {
        let decision = track_build::decide(observed, pool, build);
        if !decision.effects.is_empty() {
            return decision;
        }
        return Decision { effects: emit_fault(observed, pool, fault).into_iter().collect(), ..decision };
    }
    if !is_failed && unseen::refers_to_one(observed, pool) {
        // The Build may run: it keeps its slot, its reference and its objects.
        return Decision::rest(Demand::Hold, emit_fault(observed, pool, fault), None);
    }
    // The record notes a lost build before the reference to it is removed, and the Event about it comes before the
    // shown condition changes.
    let loss = || loss::note(observed, pool, referred_config(observed, pool)?, running?);
    let untold = || loss::emit(observed, pool, attempt.filter(|_| !is_failed)?);
    if let Some(effect) = loss().or_else(untold) {
        return Decision::act(observed.demand(), effect);
    }
    if let Some(effect) = observed.deletion(lost_build(observed).filter(|_| !is_failed)) {
        // The object of a lost attempt must not start to run later, with no attempt to follow it.
        return Decision::act(observed.demand(), effect);
    }
    // A recorded failure is over once the pool shows the published image instead.
    let is_failed = observed.record.failed.is_some() && !pool.is_true(BUILD_SUCCESS);
    let published = observed.record.published.as_ref().filter(|_| !is_failed);
    match published.and_then(|published| observed.record.published_on(pool, &published.hash)) {
        Some(published) if published.inputs.rendered_config == pool.rendered() => {
            match emit_fault(observed, pool, fault) {
                Some(effect) => Decision::act(observed.demand(), effect),
                None => report_outcome::published(observed, pool, published),
            }
        }
        _ => report_outcome::faulty(observed, pool, fault),
    }
}

/// The Event about an input fault, unless this process has emitted it. If an object seems to be missing, the daemon
/// reads it first, because the watch may lag behind.
fn emit_fault(observed: &Observed<'_>, pool: &Pool<'_>, fault: &InputFault) -> Option<Effect> {
    let effect = observed.emit(pool, report_outcome::fault_event(observed, fault))?;
    Some(report_outcome::unless_late(observed, fault).unwrap_or(effect))
}

/// The rendered config of the build object that the pool refers to; none while the API of its kind does not answer,
/// because an object that the daemon cannot see is not lost.
fn referred_config<'a>(observed: &Observed<'_>, pool: &Pool<'a>) -> Option<&'a str> {
    let reference = pool.spec_source().iter().find(|entry| is_build_reference(entry))?;
    let (cache, name) = (observed.inputs.cache, field(reference, "name"));
    let is_in_sight = field(reference, "kind") == Kind::Pod.name()
        || (cache.serves(Kind::Build) && !cache.is_unreachable(Kind::Build));
    names::rendered_of(name).filter(|_| is_in_sight && names::is_dns1123_subdomain(name))
}

/// Whether `made` is a digest ConfigMap without an input hash that the build of `hash` may have left. It is not stale
/// while the object of that build exists.
fn is_digest_of_running(observed: &Observed<'_>, made: &BuildObject<'_>, hash: &str) -> bool {
    !made.key.kind.is_build_object()
        && made.hash().is_none()
        && observed.build_of(hash).is_some_and(|build| {
            crate::api::names::rendered_of(&build.key.name) == crate::api::names::rendered_of(&made.key.name)
        })
}

/// The next effects that stop and remove the objects made from other inputs than those of `hash`.
fn supersede<'a>(
    observed: &Observed<'a>,
    pool: &Pool<'_>,
    hash: &str,
    is_stale: impl Fn(&BuildObject<'a>) -> bool,
) -> Vec<Effect> {
    let running = observed
        .builds
        .iter()
        .find(|build| is_stale(build) && !build.is_being_deleted() && observed.is_running(**build));
    let emitted = running.and_then(|build| {
        observed.emit(
            pool,
            PoolEvent {
                reason: EventReason::BuildSuperseded,
                message: match build.hash() {
                    Some(own) if own == hash => messages::unclaimed(build.key),
                    _ => messages::superseded(build.key),
                },
                occurrence: build.uid().to_owned(),
                cause: None,
            },
        )
    });
    match emitted.or_else(|| drop_attempt(observed, pool, hash)) {
        Some(effect) => vec![effect],
        None => observed.deletions(observed.made().filter(is_stale)),
    }
}

/// Removes an attempt at other inputs from the record. Its object is about to be deleted, and must not count as lost if
/// a user asks for the same inputs again.
fn drop_attempt(observed: &Observed<'_>, pool: &Pool<'_>, hash: &str) -> Option<Effect> {
    let attempt = observed.record.attempt.as_ref().filter(|attempt| attempt.hash != hash)?;
    patches::forget_attempt(observed, pool, attempt)
}
