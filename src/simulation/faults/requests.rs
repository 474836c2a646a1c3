//! Faults of requests: refused, lost and late ones.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::options::ReplicaOptions;
use crate::api::limits::REQUEST_TIMEOUT;
use crate::simulation::faults::link_control::{Fate, LinkRequest, Script};
use crate::simulation::random::{stream, within};
use crate::simulation::scenario::Network;

/// The first of the streams of scripts: each process has one.
const SCRIPTS: u64 = 10_000;

/// The fate of the requests of the `number`th process, until the faults stop.
pub fn script(options: &ReplicaOptions, number: u64) -> Script {
    let (options, mut random) = (options.clone(), stream(options.seed, SCRIPTS + number));
    Box::new(move |passing| {
        if options.calm.is_now() {
            return Fate::Arrives;
        }
        let network = &options.network;
        let fate = fate(network, &mut random, passing);
        if !matches!(fate, Fate::Arrives | Fate::Answered(..)) {
            options.tolerate(REQUEST_TIMEOUT);
        }
        match fate {
            Fate::Arrives if !network.latency.is_zero() => {
                Fate::Waits(network.latency.mul_f64(random.random_range(0.0..1.0)))
            }
            fate => fate,
        }
    })
}

fn fate(network: &Network, random: &mut ChaCha8Rng, passing: &LinkRequest) -> Fate {
    let mut left: f64 = random.random_range(0.0..1.0);
    let which = random.random_range(0..60_u64);
    let after = within(random, 0..9);
    let mut is_within = |share: f64| {
        left -= share;
        left < 0.0
    };
    if is_within(network.errors.get()) {
        return match which % 5 {
            0 if passing.is_write() => Fate::Answered(409, None),
            1 => Fate::Answered(429, Some(1 + which % 3)),
            2 => Fate::Answered(503, Some(1)),
            3 => Fate::Answered(503, None),
            _ => Fate::Answered(500, None),
        };
    }
    if is_within(network.lost.get()) {
        return [Fate::Fails, Fate::Unanswered, Fate::Vanishes, Fate::AnswerVanishes, Fate::Truncated]
            [usize::try_from(which % 5).unwrap_or_default()];
    }
    if is_within(network.slow.get()) {
        return if which % 2 == 0 { Fate::Waits(after) } else { Fate::AnswerWaits(after) };
    }
    Fate::Arrives
}
