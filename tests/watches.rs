//! Watches that fail or go blind, and bodies that never end: noticed, told, and got over.

#[path = "watches/bodies.rs"]
mod bodies;
mod common;
#[path = "watches/history.rs"]
mod history;
#[path = "watches/line.rs"]
mod line;
#[path = "watches/optional.rs"]
mod optional;
#[path = "watches/refusals.rs"]
mod refusals;
#[path = "watches/silence.rs"]
mod silence;

/// The pool's config.
const R: &str = "rendered-worker-1";
/// The pod that builds it.
const POD: &str = "build-rendered-worker-1";
