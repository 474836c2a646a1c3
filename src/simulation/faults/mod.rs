//! The environment of the daemon: one ingredient for each fault and each action that a scenario can ask for.
//!
//! | file | content |
//! |---|---|
//! | [`network`] | loses, delays and refuses requests; cuts, silences and partitions links; restarts the API server |
//! | [`events`] | delays and repeats watch events |
//! | [`processes`] | runs the daemon's processes, and crashes and stops them |
//! | [`builds`] | decides how builds end, and deletes build objects |
//! | [`neighbours`] | writes the status of pools, degrades pools, resets users' objects |
//! | [`admission`] | refuses writes for a while, as quotas, policies and webhooks do |
//! | [`users`] | opts pools in and out, edits inputs, rolls out configs, asks for rebuilds |
//!
//! Each ingredient has its own stream of random numbers, so that adding one does not change the others.

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

/// An ingredient: it runs until it is dropped.
pub type Ingredient<'w> = LocalBoxFuture<'w, ()>;

/// All ingredients of the scenario of `world`.
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
