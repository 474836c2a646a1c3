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
    /// The runtime's clock, shown wrong, as a machine's clock may be until somebody sets it.
    Wrong {
        /// The time when the clock was made, as it should have been.
        epoch: Timestamp,
        /// The runtime's time then.
        started: Instant,
        /// How far it is ahead at first; less than nothing is behind.
        first: SignedDuration,
        /// When it is set.
        set_at: Instant,
        /// How far it is ahead from then on.
        then: SignedDuration,
    },
}

/// One moment, as two clocks show it.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// By the clock of the wall, which may be wrong, and be set.
    pub wall: Timestamp,
    /// By a clock that is never set: for how long something lasts.
    pub steady: Instant,
}

impl Clock {
    /// A clock that shows `epoch` now, and goes as the runtime's does.
    pub fn starting_at(epoch: Timestamp) -> Self {
        Self::Runtime { epoch, started: Instant::now() }
    }

    /// The same clock, but `first` ahead, and `then` ahead from `set_at` on. The machine's clock stays as it is.
    #[must_use]
    pub const fn wrong_by(self, first: SignedDuration, set_at: Instant, then: SignedDuration) -> Self {
        match self {
            Self::System => Self::System,
            Self::Runtime { epoch, started } | Self::Wrong { epoch, started, .. } => {
                Self::Wrong { epoch, started, first, set_at, then }
            }
        }
    }

    /// This moment.
    pub fn moment(&self) -> Moment {
        Moment { wall: self.now(), steady: Instant::now() }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Runtime { epoch, started } => since(*epoch, *started),
            Self::Wrong { epoch, started, first, set_at, then } => {
                let ahead = if *set_at <= Instant::now() { *then } else { *first };
                since(*epoch, *started).checked_add(ahead).unwrap_or(Timestamp::MAX)
            }
        }
    }
}

fn since(epoch: Timestamp, started: Instant) -> Timestamp {
    let elapsed = SignedDuration::try_from(started.elapsed()).unwrap_or(SignedDuration::MAX);
    epoch.checked_add(elapsed).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_wrong_clock_is_off_until_it_is_set_and_goes_on_all_the_same() {
        let right = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
        let set_at = Instant::now() + Duration::from_secs(60);
        let wrong = right.wrong_by(SignedDuration::from_secs(90), set_at, SignedDuration::from_secs(-5));
        let ahead = || wrong.now().duration_since(right.now()).as_secs();
        assert_eq!(ahead(), 90);
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(ahead(), 90);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(ahead(), -5);
    }
}
