//! Faults of the daemon's processes: crashes, orderly restarts, and pauses.

use rand::RngExt as _;
use tokio::time;

use super::ingredient::{Ingredient, each};
use super::replicas::Command;
use super::world::World;
use crate::api::limits::REQUEST_TIMEOUT;
use crate::simulation::random::within;

const CRASHES: u64 = 110;
const RESTARTS: u64 = 111;
const PAUSES: u64 = 112;

/// Crashes, orderly restarts, and pauses.
pub(super) fn ingredients(world: &World) -> Vec<Ingredient<'_>> {
    let (processes, replicas) = (&world.scenario.processes, &world.replicas);
    let count = world.scenario.replicas;
    vec![
        each(world, processes.crashes, CRASHES, async move |random| {
            replicas.command(random.random_range(0..count), Command::Crash);
        }),
        each(world, processes.restarts, RESTARTS, async move |random| {
            replicas.command(random.random_range(0..count), Command::Stop);
        }),
        each(world, processes.pauses, PAUSES, async move |random| {
            let (place, lasts) = (random.random_range(0..count), within(random, 3..90));
            let Some(wire) = replicas.wire(place) else { return };
            wire.pause();
            time::sleep(lasts).await;
            // The process sends its pending requests now.
            replicas.tolerate(REQUEST_TIMEOUT);
            wire.resume();
        }),
    ]
}
