//! The durations of builds.

use std::time::Duration;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// How builds go on a cluster that is used in real time.
#[derive(Debug, Clone, Copy)]
pub struct RealTime {
    /// How long a build runs.
    pub build_duration: Duration,
    /// The share of builds that fail, from 0 to 1.
    pub fail_rate: f64,
}

/// How long the phases of one build take.
#[derive(Debug, Clone, Copy)]
pub(in crate::simulation) struct BuildTimings {
    pub(in crate::simulation) pending: Duration,
    pub(in crate::simulation) running: Duration,
}

impl BuildTimings {
    /// The pace of the next build: a given one, or one as builds in a cluster have it.
    pub(in crate::simulation) fn next(given: Option<RealTime>, random: &mut ChaCha8Rng) -> Self {
        const PENDING_MAX: Duration = Duration::from_secs(1);
        if let Some(RealTime { build_duration: running, .. }) = given {
            return Self { pending: PENDING_MAX.min(running / 4), running };
        }
        let mut within = |range: std::ops::Range<u64>| Duration::from_millis(random.random_range(range));
        Self { pending: within(1_000..20_000), running: within(120_000..600_000) }
    }
}
