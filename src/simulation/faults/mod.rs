//! Everything that happens around the daemon, and to it: one ingredient for each thing that a scenario can ask for.
//!
//! | file | what it does |
//! |---|---|
//! | [`network`] | loses, delays and refuses requests; cuts, silences and partitions; restarts the API server |
//! | [`events`] | lets the events of watches come late, and more than once |
//! | [`processes`] | runs the processes of the daemon, and lets them crash and stop |
//! | [`builds`] | says how builds end, and deletes some |
//! | [`neighbours`] | writes the status of pools, degrades them, resets users' objects |
//! | [`admission`] | refuses writes for a while, as quotas, policies and webhooks do |
//! | [`users`] | opts in and out, edits, rolls out, asks for rebuilds |
//!
//! Each ingredient draws from random numbers of its own, so that one more of them leaves the others as they were.

pub mod admission;
pub mod builds;
pub mod events;
pub mod link_control;
pub mod neighbours;
pub mod network;
pub mod processes;
pub mod users;
mod watched;
mod world;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use rand_chacha::ChaCha8Rng;
use tokio::time;

pub use self::world::{FaultGate, World, random};
use super::runs::scenario::Every;

/// Something that goes on until it is dropped.
pub type Ingredient<'w> = LocalBoxFuture<'w, ()>;

/// All that the scenario of `world` asks for.
pub fn ingredients(world: &World) -> Vec<Ingredient<'_>> {
    [builds::ingredients(world), neighbours::ingredients(world), network::ingredients(world)]
        .into_iter()
        .flatten()
        .chain(processes::ingredients(world))
        .chain(admission::ingredients(world))
        .chain(users::ingredients(world))
        .collect()
}

/// Acts `every` so often, on average; the numbers of `stream` say when, and are there for the act itself.
fn each<'w>(
    world: &'w World,
    every: Every,
    stream: u64,
    mut act: impl AsyncFnMut(&mut ChaCha8Rng) + 'w,
) -> Ingredient<'w> {
    async move {
        let mut random = world.random(stream);
        while let Some(wait) = every.next(&mut random) {
            time::sleep(wait).await;
            act(&mut random).await;
        }
    }
    .boxed_local()
}
