//! Deleted objects that their finalizers keep.

use jiff::Timestamp;

use super::observed::{BuildObject, Observed};
use super::{Effect, messages};
use crate::api::Pool;
use crate::api::conditions::EventReason;
use crate::reconcile::pool::events::PoolEvent;

/// The Event about the first object that finalizers keep for too long, unless it was emitted before.
pub(super) fn emit(observed: &Observed<'_>, pool: &Pool<'_>) -> Option<Effect> {
    observed.made().find_map(|made| emit_for(observed, pool, &made))
}

/// The Event about `made`, if finalizers keep it for too long, unless it was emitted before.
pub(super) fn emit_for(observed: &Observed<'_>, pool: &Pool<'_>, made: &BuildObject<'_>) -> Option<Effect> {
    if made.held_at()? > observed.inputs.now {
        return None;
    }
    let message = messages::held(made.key, made.finalizers(), &observed.inputs.settings.namespace);
    let occurrence = made.uid().to_owned();
    observed.emit(pool, PoolEvent { reason: EventReason::CleanUpHeld, message, occurrence, cause: None })
}

/// When the next object needs a forced deletion or an Event.
pub(super) fn next(observed: &Observed<'_>) -> Option<Timestamp> {
    let held = observed.made().filter_map(|made| made.held_at()).filter(|time| *time > observed.inputs.now);
    held.chain(observed.next_forced_deletion()).min()
}
