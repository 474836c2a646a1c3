//! A foreign object under a name that a build needs.

use jiff::SignedDuration;

use super::observed::Observed;
use super::{Decision, Effect, commands, patches, report_outcome};
use crate::api::conditions::{BUILD_FAILED, EventReason, reason};
use crate::api::limits::NAME_CONFLICT_INTERVAL_S;
use crate::api::pool::field;
use crate::api::{Key, Kind, Pool, names};
use crate::reconcile::inputs::pull_secret;
use crate::reconcile::inputs::request::BuildRequest;
use crate::reconcile::pool::conditions::ConditionUpdate;
use crate::reconcile::pool::events::PoolEvent;
use crate::reconcile::pool::record::{BuildRecord, Conflict};
use crate::reconcile::slots::Demand;

/// What to do about an object in the way of the build of `request`; `None` if there is none.
pub(super) fn decide(observed: &Observed<'_>, pool: &Pool<'_>, request: &BuildRequest) -> Option<Decision> {
    if let Some((what, uid)) = conflict(observed, request) {
        return Some(show_conflict(observed, pool, &what, &uid));
    }
    // No watch covers a build object without labels. If the pool shows that one is in the way, the daemon reads it
    // before it shows anything else.
    let key = shown_in_the_way(observed, pool, request)?;
    let is_unknown = observed.inputs.cache.get(&key).is_none() && !observed.inputs.cache.is_absent(&key);
    is_unknown.then(|| Decision::act(Demand::None, Effect::Read(key)))
}

/// The key and UID of a foreign object under a name that the build needs.
fn conflict(observed: &Observed<'_>, request: &BuildRequest) -> Option<(Key, String)> {
    let foreign = observed.foreign.iter().find(|made| made.is_of(request));
    let secret = || {
        let canonical = [&request.pull_secret, &request.push_secret].into_iter().filter_map(|s| s.canonical.as_ref());
        canonical.map(|secret| Key::of(Kind::Secret, secret.expose())).find_map(|key| {
            let there = observed.inputs.cache.get(&key).filter(|there| !pull_secret::is_made_here(there))?;
            Some((key, there.metadata.uid.clone().unwrap_or_default()))
        })
    };
    foreign.map(|made| (made.key.clone(), made.uid().to_owned())).or_else(secret)
}

/// The foreign object that the pool shows to be in the way of the build object.
fn shown_in_the_way(observed: &Observed<'_>, pool: &Pool<'_>, request: &BuildRequest) -> Option<Key> {
    pool.shown().filter(|condition| field(condition, "reason") == reason::NAME_CONFLICT)?;
    let name = names::build(&request.inputs.rendered_config);
    // An older version of this program did not record the object.
    let kind = match &observed.record.conflict {
        Some(conflict) => [Kind::Pod, Kind::Build].into_iter().find(|kind| kind.name() == conflict.kind)?,
        None => request.builder.kind(),
    };
    Some(Key::new(kind, name))
}

fn show_conflict(observed: &Observed<'_>, pool: &Pool<'_>, what: &Key, uid: &str) -> Decision {
    let text = format!(
        "{what} exists and was not made for a build of this pool, which needs its name; to fix it, delete or rename it"
    );
    let message = commands::with_next(&text, &commands::look_at(what, &observed.inputs.settings.namespace));
    let pool_event = PoolEvent {
        reason: EventReason::ConfigInvalid,
        message: message.clone(),
        occurrence: format!("{} {uid} {}", reason::NAME_CONFLICT, report_outcome::shown_since(pool)),
        cause: Some(reason::NAME_CONFLICT),
    };
    let shown = ConditionUpdate { type_: BUILD_FAILED, reason: reason::NAME_CONFLICT.into(), message };
    // A shown conflict was emitted before: the daemon does not emit its Event again after it has expired.
    let effect = record_conflict(observed, pool, what).or_else(|| patches::refer(pool, None)).or_else(|| {
        let status = report_outcome::show_failure(observed, pool, &shown, None)?;
        observed.emit(pool, pool_event).or(Some(status))
    });
    let again = observed.inputs.now.checked_add(SignedDuration::from_secs(NAME_CONFLICT_INTERVAL_S)).ok();
    Decision::rest(Demand::None, effect, again)
}

/// Records which object is in the way, because a successor process has to check whether it still is.
fn record_conflict(observed: &Observed<'_>, pool: &Pool<'_>, what: &Key) -> Option<Effect> {
    let conflict = Conflict { kind: what.kind.name().to_owned(), name: what.name.clone() };
    if observed.record.conflict.as_ref() == Some(&conflict) {
        return None;
    }
    let record = BuildRecord { conflict: Some(conflict), ..observed.record.clone() };
    patches::record(pool, &record, |patch| patches::unrefer(patch, pool))
}
