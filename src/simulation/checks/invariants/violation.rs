//! Invariants, and violations of them.

use std::fmt;

use jiff::Timestamp;

use crate::simulation::checks::at_rest::Finding;

/// An invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// A pool has at most one build object, and the daemon builds a set of inputs only once.
    OneBuild,
    /// The daemon creates builds only for pools that are opted in and not degraded by another controller.
    ForItsPool,
    /// A published image was built from the inputs that it is published with.
    PublishedIsBuilt,
    /// The daemon reports a failure only if the build failed, not if it was lost. An unreadable input is no change, so
    /// it does not replace a success.
    FailedIsFailed,
    /// A process that does not hold the lease writes nothing.
    Fenced,
    /// No more builds run at once than the limit allows.
    BuildsAtOnce,
    /// The daemon removes the objects of a pool that was opted out or deleted within a bounded time.
    CleanUp,
    /// Exactly one of the four conditions is True.
    OneOfFour,
    /// No condition becomes True while other controllers degrade the pool.
    Blocked,
    /// A failure degrades its pool once.
    DegradedOnce,
    /// References and annotations come before the conditions that belong to them; claim, then build; publish, clean up,
    /// say so.
    InOrder,
    /// The daemon does not change what other clients wrote.
    ForeignIsKept,
    /// The daemon reports a refused write in the API server's words for as long as the refusal lasts, and retries it at
    /// intervals.
    RefusalIsShown,
    /// A pool whose build failed shows an input that became unusable since, in place of the failure.
    BadInputIsShown,
    /// At rest, no objects are left over and no work is pending.
    Rest,
}

/// A violation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The time in the simulation.
    pub at: Timestamp,
    /// The invariant.
    pub invariant: Invariant,
    /// The object that it is about.
    pub object: String,
    /// The state that was found instead.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: {}: {}", self.at, self.invariant, self.object, self.what)
    }
}

impl Violation {
    pub(super) fn new(invariant: Invariant, at: Timestamp, Finding { object, what }: Finding) -> Self {
        Self { at, invariant, object, what }
    }
}
