//! The environment of the daemon: one ingredient for each fault and each action that a scenario can ask for.
//!
//! | file | content |
//! |---|---|
//! | [`network`] | cuts, silences and partitions links; restarts the API server |
//! | [`requests`] | loses, delays and refuses requests |
//! | [`events`] | delays and repeats watch events |
//! | [`replicas`] | runs the daemon's processes, and replaces those that end |
//! | [`processes`] | crashes, stops and pauses processes |
//! | [`builds`] | decides how builds end, and deletes build objects |
//! | [`neighbours`] | writes the status of pools, degrades pools, resets users' objects |
//! | [`admission`] | refuses writes for a while, as quotas, policies and webhooks do |
//! | [`users`] | opts pools in and out, edits inputs, rolls out configs, asks for rebuilds |
//!
//! Each ingredient has its own stream of random numbers, so that adding one does not change the others.

pub mod admission;
pub mod builds;
pub mod events;
mod ingredient;
pub mod link_control;
pub mod neighbours;
pub mod network;
pub mod options;
pub mod processes;
pub mod refusals;
pub mod replicas;
pub mod requests;
pub mod users;
mod watched;
mod world;

use self::ingredient::Ingredient;
pub use self::world::World;

/// All ingredients of the scenario of `world`.
pub fn ingredients(world: &World) -> Vec<Ingredient<'_>> {
    let mut all = builds::ingredients(world);
    all.extend(neighbours::ingredients(world));
    all.extend(network::ingredients(world));
    all.extend(processes::ingredients(world));
    all.extend(admission::ingredients(world));
    all.extend(users::ingredients(world));
    all
}
