//! Nodes that run build pods: a simulated one, and one that runs real containers on this machine.

pub mod real;
pub mod simulated;
pub(super) mod timings;
