//! Network faults between the daemon's processes and the API server.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use tokio::time;

use super::world::{FaultGate, random, within};
use super::{Ingredient, World, each};
use crate::api::limits::{REQUEST_TIMEOUT, WATCH_BACKOFF_MAX, WATCH_SILENCE_MAX};
use crate::simulation::faults::link_control::{Fate, LinkControl, LinkRequest, Script};
use crate::simulation::runs::scenario::Network;

const CUTS: u64 = 100;
const SILENCES: u64 = 101;
const PARTITIONS: u64 = 102;
const API_SERVER_RESTARTS: u64 = 103;
/// The first of the streams of scripts: each process has one.
const SCRIPTS: u64 = 10_000;

/// Called with a time for which requests made before may still take effect.
pub type Tolerance = Arc<dyn Fn(Duration) + Send + Sync>;

/// The fate of the requests of the `number`th process, until the faults stop.
pub fn script(network: &Network, seed: u64, number: u64, calm: FaultGate, tolerance: Tolerance) -> Script {
    let (network, mut random) = (network.clone(), random(seed, SCRIPTS + number));
    Box::new(move |passing| {
        if calm.is_now() {
            return Fate::Arrives;
        }
        let fate = fate(&network, &mut random, passing);
        if !matches!(fate, Fate::Arrives | Fate::Answered(..)) {
            tolerance(REQUEST_TIMEOUT);
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

/// Cuts, silences and partitions, each of one process's connections; restarts of the API server, for all.
pub(super) fn ingredients(world: &World) -> Vec<Ingredient<'_>> {
    let network = &world.scenario.network;
    let tolerate = |time: Duration| world.replicas.tolerate(time);
    vec![
        each(world, network.cuts, CUTS, async |random| any(world, random).iter().for_each(LinkControl::cut_standing)),
        each(world, network.silences, SILENCES, async move |random| {
            // Until it is noticed, and what was missed is listed.
            tolerate(WATCH_SILENCE_MAX + REQUEST_TIMEOUT * 4);
            any(world, random).iter().for_each(LinkControl::silence_standing);
        }),
        each(world, network.partitions, PARTITIONS, async move |random| {
            let Some(wire) = any(world, random) else { return };
            let (is_silent, lasts) = (random.random_bool(0.5), within(random, 2..90));
            tolerate(lasts + WATCH_SILENCE_MAX + REQUEST_TIMEOUT * 4);
            let begin = if is_silent { LinkControl::silence } else { LinkControl::cut };
            begin(&wire);
            time::sleep(lasts).await;
            wire.restore();
        }),
        each(world, network.api_server_restarts, API_SERVER_RESTARTS, async move |random| {
            let lasts = within(random, 1..30);
            // Until every watch is opened again, and what was missed is listed.
            tolerate(lasts + WATCH_BACKOFF_MAX + REQUEST_TIMEOUT * 4);
            world.server.stop();
            world.replicas.wires().iter().for_each(LinkControl::cut_standing);
            time::sleep(lasts).await;
            world.server.start();
        }),
    ]
}

/// The link of one process, by chance.
fn any(world: &World, random: &mut ChaCha8Rng) -> Option<LinkControl> {
    let wires = world.replicas.wires();
    if wires.is_empty() {
        return None;
    }
    Some(wires[random.random_range(0..wires.len())].clone())
}
