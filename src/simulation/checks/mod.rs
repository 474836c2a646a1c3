//! What has to hold: at every moment, and at rest.

pub(super) mod at_rest;
pub mod invariants;
