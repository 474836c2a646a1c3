//! Checks: the invariants of every moment, and the final state at rest.

pub(super) mod at_rest;
pub mod invariants;
