//! The durations of builds.

use std::time::Duration;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// How long the phases of one build take.
#[derive(Debug, Clone, Copy)]
pub(in crate::simulation) struct BuildTimings {
    pub(in crate::simulation) pending: Duration,
    pub(in crate::simulation) running: Duration,
}

impl BuildTimings {
    /// The pace of a build that runs for a given time.
    pub(in crate::simulation) fn of(running: Duration) -> Self {
        const PENDING_MAX: Duration = Duration::from_secs(1);
        Self { pending: PENDING_MAX.min(running / 4), running }
    }

    /// A pace as builds in a cluster have it.
    pub(in crate::simulation) fn random(random: &mut ChaCha8Rng) -> Self {
        let mut within = |range: std::ops::Range<u64>| Duration::from_millis(random.random_range(range));
        Self { pending: within(1_000..20_000), running: within(120_000..600_000) }
    }
}
