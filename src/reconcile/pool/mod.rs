//! What a pool says of its builds: the build record, conditions, patches and Events.

pub mod conditions;
pub mod events;
pub mod patch;
pub mod progress;
pub mod record;
