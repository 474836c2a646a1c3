//! The phase of a pool, in one word.

use jiff::Timestamp;
use serde::Serialize;

use crate::api::conditions::{BUILD_FAILED, BUILD_PENDING, BUILD_SUCCESS, BUILDING, reason};
use crate::api::pool::field;
use crate::api::{Kind, Pool};
use crate::reconcile::decide::observed::Observed;
use crate::reconcile::decide::{Deletion, Effect};
use crate::reconcile::inputs::request::Wanted;
use crate::reconcile::observed::cache::Cache;
use crate::reconcile::observed::status::BuildStatus;
use crate::reconcile::slots::Demand;

/// Where a pool stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::Display)]
pub enum PoolPhase {
    /// The pool is not opted in: nothing is built for it.
    NotOptedIn,
    /// The pool is opted in, and has no rendered config yet.
    NotRendered,
    /// Another controller reports the pool as broken: the daemon builds nothing new until it no longer does.
    Blocked,
    /// An input cannot be used.
    InputInvalid,
    /// A foreign object has a name that the build needs.
    NameConflict,
    /// The pool waits for a slot to build in.
    Queued,
    /// The build's objects are being made.
    Starting,
    /// The build object is there, and has not started.
    Pending,
    /// The build runs.
    Building,
    /// The image is pushed, and about to be published, or its build about to be cleared away.
    Publishing,
    /// The image of what is wanted is published.
    Built,
    /// A build of earlier inputs is being stopped, to make room for that of those that are wanted now.
    Superseding,
    /// The last attempt was lost; the next is due later.
    Retrying,
    /// The API server refuses a write that the build needs.
    Refused,
    /// The build failed.
    Failed,
    /// The pool was opted out, and everything of its builds is being removed.
    OptingOut,
    /// The pool is gone, or about to be, and everything of its builds is being removed.
    Deleting,
    /// Not enough can be seen to tell.
    Unknown,
}

/// The state after the last step of a dry run.
pub(super) struct DryRunResult<'a> {
    /// The pool's demand for build slots.
    pub demand: Demand,
    /// The effect of the last step.
    pub effect: Option<Effect>,
    /// When something is due by itself.
    pub requeue_at: Option<Timestamp>,
    /// The first effect that is due, Events aside.
    pub due: Option<Effect>,
    /// The cluster, with the pool as the daemon will patch it.
    pub cache: &'a Cache,
}

/// Where the looks came to rest, of a pool that is `now` so.
pub(super) fn of(now: &Observed<'_>, observed: &Observed<'_>, outcome: &DryRunResult<'_>) -> PoolPhase {
    let Some(pool) = observed.pool.filter(|pool| !pool.is_being_deleted()) else { return PoolPhase::Deleting };
    if !pool.is_opted_in() {
        let is_clear = outcome.due.is_none() && observed.builds.is_empty();
        return if is_clear { PoolPhase::NotOptedIn } else { PoolPhase::OptingOut };
    }
    if pool.rendered().is_empty() {
        return PoolPhase::NotRendered;
    }
    if is_refused(now) {
        return PoolPhase::Refused;
    }
    match &outcome.effect {
        _ if matches!(outcome.demand, Demand::Wait(_)) => PoolPhase::Queued,
        Some(Effect::LoadPayload { .. } | Effect::Create(..) | Effect::WriteSecret(_)) => PoolPhase::Starting,
        Some(Effect::Delete(deletion)) => clearing(observed, deletion),
        _ => shown(observed, &pool),
    }
}

/// Whether the pool shows that the API server refuses a write: as its condition says, or by a failed build of which there
/// is no failure on record.
fn is_refused(now: &Observed<'_>) -> bool {
    let (Some(pool), Wanted::Known(request)) = (&now.pool, &now.wanted) else { return false };
    let Some(shown) = pool.shown() else { return false };
    let is_published = now.record.published_on(pool, &request.hash).is_some();
    match (field(shown, "type"), field(shown, "reason")) {
        (BUILD_PENDING, reason::BUILD_REFUSED) => true,
        (BUILD_FAILED, reason::BUILD_FAILED) => {
            let attempt = now.record.attempt_at(&request.hash);
            now.record.failed.is_none() && !is_published && attempt.is_some_and(|attempt| attempt.lost.is_none())
        }
        _ => false,
    }
}

/// What the removal of an object is for.
fn clearing(observed: &Observed<'_>, deletion: &Deletion) -> PoolPhase {
    let record = &observed.record;
    let made = observed.builds.iter().chain(&observed.config_maps).find(|made| made.uid() == deletion.uid);
    let hash = made.and_then(|made| made.hash());
    let is_of = |known: Option<&str>| known.is_some() && known == hash;
    if record.published.as_ref().is_some_and(|published| is_of(Some(&published.hash))) {
        PoolPhase::Publishing
    } else if record.failed.as_ref().is_some_and(|failed| is_of(Some(&failed.hash))) {
        PoolPhase::Failed
    } else if record.attempt.as_ref().is_some_and(|attempt| attempt.lost.is_some() && is_of(Some(&attempt.hash))) {
        PoolPhase::Retrying
    } else {
        PoolPhase::Superseding
    }
}

/// What the pool shows in the end, if that is about what it wants.
fn shown(observed: &Observed<'_>, pool: &Pool<'_>) -> PoolPhase {
    let (type_, reason) = pool.shown().map_or(("", ""), |shown| (field(shown, "type"), field(shown, "reason")));
    let state = match (type_, reason) {
        (BUILD_SUCCESS, _) if is_published(observed, pool) => Some(PoolPhase::Built),
        (BUILD_FAILED, reason::BUILD_FAILED) if is_failed(observed) => Some(PoolPhase::Failed),
        (BUILD_FAILED, reason::BUILD_FAILED) => None,
        (BUILD_FAILED, reason::NAME_CONFLICT) if !is_held_up(observed, pool) => Some(PoolPhase::NameConflict),
        (BUILD_FAILED, _) if !is_held_up(observed, pool) => Some(PoolPhase::InputInvalid),
        (BUILD_PENDING, reason::BUILD_RETRYING) if !is_held_up(observed, pool) => Some(PoolPhase::Retrying),
        (BUILD_PENDING, reason::BUILD_QUEUED) if observed.inputs.cache.is_unreachable(Kind::Build) => None,
        (BUILD_PENDING, reason::BUILD_QUEUED) if !is_held_up(observed, pool) => Some(PoolPhase::Superseding),
        (BUILD_PENDING | BUILDING, _) => live(observed, type_),
        _ => None,
    };
    state.unwrap_or(if pool.blocked_by().is_some() { PoolPhase::Blocked } else { PoolPhase::Unknown })
}

/// How the build is doing that the pool shows to be under way.
fn live(observed: &Observed<'_>, type_: &str) -> Option<PoolPhase> {
    let hash = &observed.record.attempt.as_ref()?.hash;
    let build = observed.build_of(hash).or_else(|| observed.builds.iter().copied().find(|b| b.hash() == Some(hash)))?;
    Some(match observed.status_of(build) {
        Some(BuildStatus::DigestInConfigMap | BuildStatus::Succeeded(_)) => PoolPhase::Publishing,
        _ if type_ == BUILDING => PoolPhase::Building,
        _ => PoolPhase::Pending,
    })
}

fn is_published(observed: &Observed<'_>, pool: &Pool<'_>) -> bool {
    match &observed.wanted {
        Wanted::Known(request) => observed.record.published_on(pool, &request.hash).is_some(),
        // Inputs that cannot be read are no change.
        Wanted::Faulty(_) | Wanted::Unknown => observed
            .record
            .published
            .as_ref()
            .is_some_and(|published| published.inputs.rendered_config == pool.rendered()),
    }
}

fn is_failed(observed: &Observed<'_>) -> bool {
    match &observed.wanted {
        Wanted::Known(request) => observed.record.failure_of(&request.hash).is_some(),
        Wanted::Faulty(_) | Wanted::Unknown => observed.record.failed.is_some(),
    }
}

/// Whether the pool's build conditions date from before another controller reported the pool as broken.
fn is_held_up(observed: &Observed<'_>, pool: &Pool<'_>) -> bool {
    pool.blocked_by().is_some() && !observed.builds.iter().any(|build| build.key.kind != Kind::ConfigMap)
}
