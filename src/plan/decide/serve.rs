//! An opted-in pool: which of its concerns is due.

use super::facts::{Facts, Made};
use super::show::document;
use super::{Decision, Effect, follow, messages, settle, show, start, unseen};
use crate::api::conditions::{BUILD_FAILED, BUILD_SUCCESS, event};
use crate::api::pool::{field, is_build_reference};
use crate::api::{Kind, Pool, keys, names};
use crate::plan::fault::InputFault;
use crate::plan::notes::Note;
use crate::plan::patch::GuardedPatch;
use crate::plan::record::{Attempt, BuildRecord};
use crate::plan::request::{BuildRequest, Wanted};
use crate::plan::slots::Demand;
use crate::plan::status::BuildStatus;
use std::sync::Arc;

pub(super) fn decide(facts: &Facts<'_>, pool: &Pool<'_>) -> Decision {
    if let Some(effect) = accept_rebuild(facts, pool) {
        return Decision::act(demand(facts), effect);
    }
    if let Some(record) = facts.record.set_back_to(facts.view.now) {
        return Decision::rest(demand(facts), patch_record(pool, &record, |_| {}), None);
    }
    if pool.rendered().is_empty() {
        return Decision::idle(demand(facts));
    }
    match &facts.wanted {
        Wanted::Unknown => Decision::idle(demand(facts)),
        Wanted::Faulty(fault) => with_fault(facts, pool, fault),
        Wanted::Known(request) => with_request(facts, pool, request),
    }
}

/// What a pool needs of the slots just for what is there.
pub(super) fn demand(facts: &Facts<'_>) -> Demand {
    if facts.runs_anything() { Demand::Hold } else { Demand::None }
}

/// The effect that tells of a transition, unless it was told.
pub(super) fn tell(facts: &Facts<'_>, pool: &Pool<'_>, note: Note) -> Option<Effect> {
    (!facts.view.told.contains(&note.event_name(pool))).then_some(Effect::Tell(note))
}

/// The patch that writes `record`, with whatever else `more` adds; premised on the record and the config that it
/// was decided from.
pub(super) fn patch_record(
    pool: &Pool<'_>,
    record: &BuildRecord,
    more: impl FnOnce(&mut GuardedPatch<'_>),
) -> Option<Effect> {
    let document = document(pool.object);
    let mut patch = GuardedPatch::new(&document);
    patch.guard(&show::LABEL).set(&["metadata", "annotations", keys::BUILD_RECORD], record.to_annotation().into());
    more(&mut patch);
    patch.finish().map(Effect::PatchPool)
}

fn accept_rebuild(facts: &Facts<'_>, pool: &Pool<'_>) -> Option<Effect> {
    pool.annotation(keys::REBUILD)?;
    // A record that cannot be read is not overwritten: it may be a newer program's.
    let mut record = BuildRecord::of(pool).ok()?;
    record.generation = record.generation.saturating_add(1);
    record.rebuild = true;
    let note = Note {
        reason: event::REBUILD_REQUESTED,
        message: format!("a fresh build was asked for with the annotation {}", keys::REBUILD),
        occurrence: record.generation.to_string(),
        is_warning: false,
        cause: None,
    };
    tell(facts, pool, note).or_else(|| {
        patch_record(pool, &record, |patch| {
            patch.remove(&["metadata", "annotations", keys::REBUILD]);
        })
    })
}

fn with_request(facts: &Facts<'_>, pool: &Pool<'_>, request: &Arc<BuildRequest>) -> Decision {
    let hash = request.hash.as_str();
    let is_stale = |made: &Made<'_>| !facts.is_claimed(made, hash) && !is_digest_of_running(facts, made, hash);
    let doubles = facts.deletion(facts.doubles_of(hash));
    if let Some(decision) = unseen::decide(facts, pool, request) {
        return decision;
    }
    let superseding = supersede(facts, pool, hash, is_stale);
    if !superseding.is_empty() {
        return Decision::rest(demand(facts), superseding, None);
    }
    if let Some(effect) = doubles {
        return Decision::act(demand(facts), effect);
    }
    if let Some(published) = facts.record.published_on(pool, hash) {
        return settle::published(facts, pool, published);
    }
    if let Some(failed) = facts.record.failure_of(hash) {
        return settle::failed(facts, pool, failed);
    }
    match facts.build_of(hash) {
        Some(_) if lost_build(facts).is_some() => {
            // Its loss is on record: what is left of it makes room for the next attempt.
            Decision::rest(demand(facts), facts.deletion(lost_build(facts)), None)
        }
        Some(build) => follow::decide(facts, pool, build),
        // A pushed image is a pushed image, even if its pod was told to end before that was noticed.
        None => match facts.leaving().find(|build| has_succeeded(facts, *build, hash)) {
            Some(build) => follow::decide(facts, pool, build),
            None => start::decide(facts, pool, request),
        },
    }
}

fn has_succeeded(facts: &Facts<'_>, build: Made<'_>, hash: &str) -> bool {
    facts.is_claimed(&build, hash)
        && facts.record.attempt_at(hash).is_some_and(|attempt| attempt.lost.is_none())
        && matches!(facts.status_of(build), Some(BuildStatus::Succeeded(_)))
}

/// The build object of an attempt whose loss is on record, unless it is on its way out.
fn lost_build<'a>(facts: &Facts<'a>) -> Option<Made<'a>> {
    facts.build_of(&facts.record.attempt.as_ref().filter(|attempt| attempt.lost.is_some())?.hash)
}

/// Inputs that cannot be read are no change: a running build goes on, a published image stays.
fn with_fault(facts: &Facts<'_>, pool: &Pool<'_>, fault: &InputFault) -> Decision {
    let attempt = facts.record.attempt.as_ref();
    let failed = attempt.and_then(|attempt| facts.record.failure_of(&attempt.hash));
    if let Some(failed) = failed.filter(|_| !pool.is_true(BUILD_FAILED)) {
        // It is shown and told first, and then makes room for what has to be mended before another build.
        return settle::failed(facts, pool, failed);
    }
    let is_failed = failed.is_some();
    let running = attempt.filter(|attempt| attempt.lost.is_none() && !is_failed);
    let build_of = |attempt: &Attempt| {
        let succeeded = || facts.leaving().find(|build| has_succeeded(facts, *build, &attempt.hash));
        facts.build_of(&attempt.hash).or_else(succeeded)
    };
    if let Some(build) = running.and_then(build_of) {
        let decision = follow::decide(facts, pool, build);
        let told = || tell(facts, pool, settle::fault_note(facts, fault));
        if !decision.effects.is_empty() {
            return decision;
        }
        let effect = told().map(|effect| settle::unless_late(facts, fault).unwrap_or(effect));
        return Decision { effects: effect.into_iter().collect(), ..decision };
    }
    // A build that was lost is on record as such before the reference to it goes, and told of before what is shown changes.
    let loss = || start::note_loss(facts, pool, referred_config(facts, pool)?, running?);
    let untold = || start::tell_loss(facts, pool, attempt.filter(|_| !is_failed)?);
    if let Some(effect) = loss().or_else(untold) {
        return Decision::act(demand(facts), effect);
    }
    if let Some(effect) = facts.deletion(lost_build(facts).filter(|_| !is_failed)) {
        // Lost is lost: it must not come to run after all, unseen.
        return Decision::act(demand(facts), effect);
    }
    // A failure that gave way to the image since is over, though it is on record.
    let is_failed = facts.record.failed.is_some() && !pool.is_true(BUILD_SUCCESS);
    let published = facts.record.published.as_ref().filter(|_| !is_failed);
    match published.and_then(|published| facts.record.published_on(pool, &published.hash)) {
        Some(published) if published.inputs.rendered_config == pool.rendered() => {
            match tell(facts, pool, settle::fault_note(facts, fault)) {
                Some(effect) => Decision::act(demand(facts), settle::unless_late(facts, fault).unwrap_or(effect)),
                None => settle::published(facts, pool, published),
            }
        }
        _ => settle::faulty(facts, pool, fault),
    }
}

/// The rendered config of the build object that the pool refers to, unless nothing can be known of such objects now: one
/// that is out of sight is not lost.
fn referred_config<'a>(facts: &Facts<'_>, pool: &Pool<'a>) -> Option<&'a str> {
    let reference = pool.spec_source().iter().find(|entry| is_build_reference(entry))?;
    let (cache, name) = (facts.view.cache, field(reference, "name"));
    let is_in_sight = field(reference, "kind") == Kind::Pod.name()
        || (cache.serves(Kind::Build) && !cache.is_unreachable(Kind::Build));
    names::rendered_of(name).filter(|_| is_in_sight && names::is_dns1123_subdomain(name))
}

/// A digest without a hash that the build of `hash` may have left: not stale while that build is there.
fn is_digest_of_running(facts: &Facts<'_>, made: &Made<'_>, hash: &str) -> bool {
    !made.key.kind.is_build_object()
        && made.hash().is_none()
        && facts.build_of(hash).is_some_and(|build| {
            crate::api::names::rendered_of(&build.key.name) == crate::api::names::rendered_of(&made.key.name)
        })
}

/// The next steps of stopping and removing what was made from other inputs than those of `hash`.
fn supersede<'a>(facts: &Facts<'a>, pool: &Pool<'_>, hash: &str, is_stale: impl Fn(&Made<'a>) -> bool) -> Vec<Effect> {
    let running =
        facts.builds.iter().find(|build| is_stale(build) && !build.is_being_deleted() && facts.is_running(**build));
    let told = running.and_then(|build| {
        tell(
            facts,
            pool,
            Note {
                reason: event::BUILD_SUPERSEDED,
                message: match build.hash() {
                    Some(own) if own == hash => messages::unclaimed(build.key),
                    _ => messages::superseded(build.key),
                },
                occurrence: build.uid().to_owned(),
                is_warning: false,
                cause: None,
            },
        )
    });
    match told.or_else(|| drop_attempt(facts, pool, hash)) {
        Some(effect) => vec![effect],
        None => facts.deletions(facts.made().filter(is_stale)),
    }
}

/// Takes an attempt at other inputs off the record: its object is about to be deleted, and must not count as lost
/// should its inputs be wanted again.
fn drop_attempt(facts: &Facts<'_>, pool: &Pool<'_>, hash: &str) -> Option<Effect> {
    let attempt = facts.record.attempt.as_ref().filter(|attempt| attempt.hash != hash)?;
    forget_attempt(facts, pool, attempt)
}

/// The patch that takes the attempt off the record, and the reference to its object off the spec.
pub(super) fn forget_attempt(facts: &Facts<'_>, pool: &Pool<'_>, attempt: &Attempt) -> Option<Effect> {
    let mut record = facts.record.clone();
    if record.failure_of(&attempt.hash).is_none() {
        let made = facts.builds.iter().find(|build| facts.is_claimed(build, &attempt.hash));
        let config = made.and_then(|build| build.rendered()).unwrap_or_else(|| pool.rendered());
        record.remember(config, "superseded", (None, None), facts.view.now);
    }
    let record = BuildRecord { attempt: None, lost: Vec::new(), ..record };
    patch_record(pool, &record, |patch| show::unrefer(patch, pool))
}
