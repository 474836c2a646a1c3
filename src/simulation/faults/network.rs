//! Network faults between the daemon's processes and the API server.

use std::time::Duration;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use tokio::time;

use super::ingredient::{Ingredient, each};
use super::world::World;
use crate::api::limits::{REQUEST_TIMEOUT, WATCH_BACKOFF_MAX, WATCH_SILENCE_MAX};
use crate::simulation::faults::link_control::LinkControl;
use crate::simulation::random::within;

const CUTS: u64 = 100;
const SILENCES: u64 = 101;
const PARTITIONS: u64 = 102;
const API_SERVER_RESTARTS: u64 = 103;

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
