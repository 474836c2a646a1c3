//! A simulated user who changes the image builder at random times, while builds run.

use std::time::Duration;

use kube::Client;
use kube::api::{Patch, PatchParams};
use rand::RngExt as _;
use serde_json::json;
use tokio::time;

use crate::api::Kind;
use crate::api::names::BUILD_CONFIG;
use crate::reconcile::inputs::image_builder::{BUILDER_TYPE, ImageBuilder};
use crate::simulation::random::stream;
use crate::simulation::seed;

/// The name under which the user sends requests.
pub const USER_AGENT: &str = "user";

/// The stream of random numbers that are the user's own.
const RANDOM_STREAM: u64 = 2;

/// Asks for one builder after the other, until it is dropped; `seed` says when.
pub async fn run(client: Client, seed: u64) {
    let mut random = stream(seed, RANDOM_STREAM);
    for builder in ImageBuilder::ALL.iter().cycle().skip(1) {
        // Shorter than most builds: it happens before, during and after them.
        time::sleep(Duration::from_millis(random.random_range(30_000..240_000))).await;
        let patch = Patch::Merge(json!({"data": {BUILDER_TYPE: builder.name()}}));
        let config_maps = seed::api(&client, Kind::ConfigMap);
        if let Err(error) = config_maps.patch(BUILD_CONFIG, &PatchParams::default(), &patch).await {
            tracing::warn!(%error, "failed to change the image builder");
        }
    }
}
