//! The time, from the machine or from a paused runtime.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Where the time comes from.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A moment, and the runtime's time since: virtual time, where the runtime's clock is paused.
    Runtime {
        /// The time when the clock was made.
        epoch: Timestamp,
        /// The runtime's time then.
        started: Instant,
    },
}

impl Clock {
    /// A clock that shows `epoch` now, and goes as the runtime's does.
    pub fn starting_at(epoch: Timestamp) -> Self {
        Self::Runtime { epoch, started: Instant::now() }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Runtime { epoch, started } => {
                let elapsed = SignedDuration::try_from(started.elapsed()).unwrap_or(SignedDuration::MAX);
                epoch.checked_add(elapsed).unwrap_or(Timestamp::MAX)
            }
        }
    }
}
