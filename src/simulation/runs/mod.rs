//! What can be run: a fleet, scenarios, the crash sweep, and real time.

pub(super) mod fleet;
pub mod real_time;
pub(super) mod report;
pub mod scenario;
pub mod sweep;
