//! What has to hold, and what did not.

use std::fmt;

use jiff::Timestamp;

/// What has to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// A pool has one build object at most, made from one set of inputs once.
    OneBuild,
    /// Builds are made for pools that are opted in, and that nobody else degrades.
    ForItsPool,
    /// A published image was built from the inputs that it is published with.
    PublishedIsBuilt,
    /// A failure that users are told of is one of theirs: no loss, and no fault in inputs that are no change.
    FailedIsFailed,
    /// Whoever does not lead changes nothing.
    Fenced,
    /// No more builds run at once than may.
    BuildsAtOnce,
    /// What a pool that was opted out or deleted leaves is removed in bounded time.
    CleanUp,
    /// Of the four conditions one is True.
    OneOfFour,
    /// No condition becomes True while others degrade the pool.
    Blocked,
    /// A failure degrades its pool once.
    DegradedOnce,
    /// References and annotations come before the conditions that belong to them; claim, then build; publish, clean up,
    /// say so.
    InOrder,
    /// What others wrote is left alone.
    ForeignIsKept,
    /// What the cluster refuses is shown, in its words, for as long as it does, and tried again now and then.
    RefusalIsShown,
    /// At rest there is nothing left over, and nothing left to do.
    Rest,
}

/// Something that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The time in the simulation.
    pub at: Timestamp,
    /// What should have held.
    pub invariant: Invariant,
    /// The object that it is about.
    pub object: String,
    /// What was the case instead.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: {}: {}", self.at, self.invariant, self.object, self.what)
    }
}

/// What is wrong with an object.
pub(super) struct Breach {
    pub object: String,
    pub what: String,
}

impl Breach {
    pub(super) fn new(object: impl Into<String>, what: impl Into<String>) -> Self {
        Self { object: object.into(), what: what.into() }
    }

    pub(super) fn at(self, invariant: Invariant, at: Timestamp) -> Violation {
        Violation { at, invariant, object: self.object, what: self.what }
    }
}
