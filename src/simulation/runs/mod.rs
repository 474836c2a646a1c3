//! The runs: a fleet, scenarios, the crash sweep, and a run in real time.

pub(super) mod fleet;
mod parallel;
pub mod real_time;
pub(super) mod report;
pub mod scenario;
pub mod sweep;
