//! Waits that grow, and that no two waiters share: seeded, so that a run can be repeated.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A shared source of jitter.
#[derive(Debug, Clone)]
pub struct Jitter(Arc<Mutex<ChaCha8Rng>>);

impl Jitter {
    /// Jitter from a seed: the same waits in the same order, in every run.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(ChaCha8Rng::seed_from_u64(seed))))
    }

    /// The wait after `failures` failures in a row: `first`, doubled with each further one up to `max`, of which
    /// between a half and all is waited.
    pub fn backoff(&self, first: Duration, max: Duration, failures: u32) -> Duration {
        const DOUBLINGS_MAX: u32 = 20;
        let doublings = failures.saturating_sub(1).min(DOUBLINGS_MAX);
        self.spread(first.saturating_mul(1 << doublings).min(max))
    }

    /// Between a half of `wait` and all of it.
    pub fn spread(&self, wait: Duration) -> Duration {
        let mut random = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wait.mul_f64(random.random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_within_bounds() {
        let jitter = Jitter::seeded(1);
        let (first, max) = (Duration::from_secs(1), Duration::from_secs(30));
        for failures in 0..200 {
            let wait = jitter.backoff(first, max, failures);
            let full = first.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(max);
            assert!(wait >= full / 2 && wait <= full, "{failures}: {wait:?}");
        }
    }

    #[test]
    fn a_seed_gives_the_same_waits() {
        let waits = |seed| {
            let jitter = Jitter::seeded(seed);
            (1..20).map(|n| jitter.backoff(Duration::from_secs(1), Duration::from_secs(60), n)).collect::<Vec<_>>()
        };
        assert_eq!(waits(7), waits(7));
        assert_ne!(waits(7), waits(8));
    }
}
