//! When to restart a crashed actor: soon at first, later each time, and slowly in a meltdown.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::api::limits::{
    MELTDOWN_BACKOFF, MELTDOWN_CRASHES, MELTDOWN_WINDOW, RESTART_BACKOFF_FIRST, RESTART_BACKOFF_MAX,
};
use crate::jitter::Jitter;

/// The crashes of one actor.
#[derive(Debug, Default)]
pub struct Crashes {
    recent: VecDeque<Instant>,
}

/// When to restart an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restart {
    /// The wait before it.
    pub after: Duration,
    /// Whether the actor crashes so often that the daemon counts a meltdown, for an administrator to see.
    pub is_meltdown: bool,
}

impl Crashes {
    /// Notes a crash at `now`, and forgets those older than the window.
    pub fn note(&mut self, now: Instant, jitter: &Jitter) -> Restart {
        self.recent.retain(|crash| now.duration_since(*crash) <= MELTDOWN_WINDOW);
        self.recent.push_back(now);
        let count = self.recent.len();
        if count >= MELTDOWN_CRASHES {
            return Restart { after: jitter.spread(MELTDOWN_BACKOFF), is_meltdown: true };
        }
        let after =
            jitter.backoff(RESTART_BACKOFF_FIRST, RESTART_BACKOFF_MAX, u32::try_from(count).unwrap_or(u32::MAX));
        Restart { after, is_meltdown: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_grow_until_the_meltdown_and_start_over_after_a_quiet_window() {
        let jitter = Jitter::seeded(1);
        let mut crashes = Crashes::default();
        let start = Instant::now();
        for (n, full) in [1, 2, 4, 8].into_iter().enumerate() {
            let restart = crashes.note(start + Duration::from_secs(n as u64), &jitter);
            let full = Duration::from_secs(full);
            assert!(!restart.is_meltdown && restart.after >= full / 2 && restart.after <= full, "{n}: {restart:?}");
        }
        let fifth = crashes.note(start + Duration::from_secs(5), &jitter);
        assert!(fifth.is_meltdown && fifth.after >= MELTDOWN_BACKOFF / 2);
        let later = crashes.note(start + MELTDOWN_WINDOW * 3, &jitter);
        assert!(!later.is_meltdown && later.after <= RESTART_BACKOFF_FIRST);
    }
}
