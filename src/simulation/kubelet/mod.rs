//! Nodes that run build pods: simulated ones, and one that runs them for real.

pub mod real;
pub mod simulated;
pub(super) mod timings;
