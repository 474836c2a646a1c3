//! Random numbers, all from the seed of the run.

use std::ops::Range;
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Random numbers from a seed, of which each stream has its own.
pub(super) fn stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    random
}

/// A time within `seconds`, by chance.
pub(super) fn within(random: &mut ChaCha8Rng, seconds: Range<u64>) -> Duration {
    Duration::from_millis(random.random_range(seconds.start * 1000..seconds.end * 1000))
}
