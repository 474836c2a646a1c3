//! Watches that fail or go blind, and bodies that never end: the daemon notices, reports and recovers.

mod bodies;
mod history;
mod line;
mod optional;
mod refusals;
mod silence;

/// The pool's config.
const R: &str = "rendered-worker-1";
/// The pod that builds it.
const POD: &str = "build-rendered-worker-1";
