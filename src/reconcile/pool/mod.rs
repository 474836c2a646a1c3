//! The state of builds as a pool shows it: the build record, conditions, patches and Events.

pub mod conditions;
pub mod events;
pub mod patch;
pub mod progress;
pub mod record;
