//! An ingredient of a scenario: a fault or an action that happens every now and then.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use rand_chacha::ChaCha8Rng;
use tokio::time;

use super::world::World;
use crate::simulation::scenario::Every;

/// An ingredient: it runs until it is dropped.
pub(super) type Ingredient<'w> = LocalBoxFuture<'w, ()>;

/// Acts `every` so often, on average; the numbers of `stream` say when, and are there for the act itself.
pub(super) fn each<'w>(
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
