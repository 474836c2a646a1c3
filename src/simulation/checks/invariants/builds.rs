//! Build objects: how many exist, for which pools, and when the daemon deletes them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::event::{Event, object};
use super::model::{Model, annotation, is_labelled, is_member};
use crate::api::{Kind, Object, Pool, keys};
use crate::reconcile::objects;
use crate::reconcile::observed::index::owner_of;
use crate::reconcile::observed::status::BuildStatus;
use crate::reconcile::pool::record::{Attempt, BuildRecord};
use crate::simulation::checks::at_rest::Finding;

/// Pools with more than one build object that is not being deleted.
pub(super) fn duplicates(model: &Model) -> Vec<Finding> {
    let mut live: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for ((_, name), build) in model.made.iter().filter(|((kind, _), _)| kind.is_build_object()) {
        if build.metadata.deletion_timestamp.is_none() {
            live.entry(owner_of(build).unwrap_or_default()).or_default().push(name);
        }
    }
    live.retain(|_, builds| builds.len() > 1);
    live.iter().map(|(pool, builds)| Finding::new(pool, format!("{builds:?} are there at once"))).collect()
}

fn live<'a>(model: &'a Model, pool: &str) -> impl Iterator<Item = &'a Object> {
    model.builds_of(pool).filter(|build| build.metadata.deletion_timestamp.is_none())
}

/// The build object that is made, if one is.
fn made(event: &Event<'_>) -> Option<Object> {
    let is_build = matches!(event.kind, "Pod" | "Build") && event.before.is_none();
    event.after.filter(|_| is_build).and_then(object).filter(is_labelled)
}

/// A build object that is made for a pool which is not opted in, or which others degrade.
///
/// The creation of an object cannot depend on the state of another: what changed since `recent` may not have been
/// known when the request was sent.
pub(super) fn made_for_no_pool(model: &Model, event: &Event<'_>, recent: Timestamp) -> Vec<Finding> {
    let Some(build) = made(event) else { return Vec::new() };
    let name = owner_of(&build).unwrap_or_default();
    let past = model.past.get(&name);
    let pool = model.pools.get(&name).filter(|pool| is_member(pool)).map(Pool::new);
    let what = |why: &str| event.finding(format!("is made for {name}, which {why}"));
    match pool {
        None if past.and_then(|past| past.membership_changed).is_some_and(|since| since >= recent) => Vec::new(),
        None => what("is not opted in"),
        Some(pool) => {
            let is_asked_for = BuildRecord::of(&pool).is_ok_and(|record| record.rebuild);
            let is_long_blocked = past.and_then(|past| past.blocked_since).is_some_and(|since| since < recent);
            if is_long_blocked && !is_asked_for { what("others degrade") } else { Vec::new() }
        }
    }
}

/// A build object of which the pool's record does not say beforehand that it is going to be made: attempts would not be
/// counted, and two processes could make one each.
pub(super) fn made_unclaimed(model: &Model, event: &Event<'_>) -> Vec<Finding> {
    let Some(build) = made(event) else { return Vec::new() };
    let Some(pool) = owner_of(&build).and_then(|name| model.pools.get(&name)) else { return Vec::new() };
    let record = BuildRecord::of(&Pool::new(pool)).unwrap_or_default();
    let attempt = record.attempt_at(annotation(&build, keys::INPUT_HASH));
    if attempt.is_some_and(|attempt| attempt.lost.is_none()) {
        return Vec::new();
    }
    event.finding("is made, and no attempt at it is on record")
}

/// A build object that is deleted though it succeeded at what the pool still wants, and before that is published.
pub(super) fn deleted_early(model: &Model, event: &Event<'_>) -> Vec<Finding> {
    let is_leaving = |object: &Object| object.metadata.deletion_timestamp.is_some();
    let Some(build) = event.before.and_then(object).filter(is_labelled) else { return Vec::new() };
    let goes =
        !is_leaving(&build) && event.after.is_none_or(|after| object(after).is_some_and(|after| is_leaving(&after)));
    let Some(kind) = Kind::of(&build).ok().filter(|kind| goes && kind.is_build_object()) else { return Vec::new() };
    let name = owner_of(&build).unwrap_or_default();
    let Some(pool) = model.pools.get(&name).filter(|pool| is_member(pool)).map(Pool::new) else { return Vec::new() };
    let hash = annotation(&build, keys::INPUT_HASH);
    let record = BuildRecord::of(&pool).unwrap_or_default();
    // If a Pod and a Build of the same inputs exist, the daemon keeps one of them; either is right.
    let has_double = live(model, &name).filter(|other| annotation(other, keys::INPUT_HASH) == hash).count() > 1;
    let claim = build.metadata.annotations.as_ref().and_then(|annotations| annotations.get(keys::CLAIM));
    let is_claimed = |attempt: &Attempt| attempt.lost.is_none() && attempt.claim.as_ref() == claim;
    let is_wanted = record.attempt_at(hash).is_some_and(is_claimed) && !has_double;
    if is_wanted && matches!(objects::classify(kind, &build), Some(BuildStatus::Succeeded(_))) {
        return event.finding("is deleted before its image is published");
    }
    Vec::new()
}
