//! Objects that were told to go, and that their finalizers keep.

use jiff::Timestamp;

use super::facts::{Facts, Made};
use super::serve;
use super::{Effect, messages};
use crate::api::Pool;
use crate::api::conditions::event;
use crate::plan::notes::Note;

/// The Event about the first object that is kept for longer than it may be, unless it was told.
pub(super) fn tell(facts: &Facts<'_>, pool: &Pool<'_>) -> Option<Effect> {
    facts.made().find_map(|made| tell_of(facts, pool, &made))
}

/// The Event about `made`, if it is kept for longer than it may be, unless it was told.
pub(super) fn tell_of(facts: &Facts<'_>, pool: &Pool<'_>, made: &Made<'_>) -> Option<Effect> {
    if made.held_at()? > facts.view.now {
        return None;
    }
    let message = messages::held(made.key, made.finalizers(), &facts.view.settings.namespace);
    let occurrence = made.uid().to_owned();
    serve::tell(facts, pool, Note { reason: event::CLEAN_UP_HELD, message, occurrence, is_warning: true, cause: None })
}

/// When the next object has to be deleted by force, or told of.
pub(super) fn next(facts: &Facts<'_>) -> Option<Timestamp> {
    let held = facts.made().filter_map(|made| made.held_at()).filter(|time| *time > facts.view.now);
    held.chain(facts.next_forced_deletion()).min()
}
