//! The whole path, from the label on a pool to the digest on it.

use std::time::Duration;

use serde_json::Value;

use super::image;
use super::secrets;
use super::stages::Stages;
use super::world::World;
use crate::real::machine_config;

/// Far more than it takes: what it takes is printed.
const SHARE_OF_CONTROLLER_MAX: Duration = Duration::from_secs(2);

/// Opts in a pool that wants this config, and compares the resulting image with it.
async fn build(world: &World, config: &Value) -> Stages {
    world.create_pool(config).await;
    let stages = Stages::follow(world, &World::pod_of(config)).await;

    let name = config["metadata"]["name"].as_str().unwrap();
    let digest = world.registry.digest(&format!("{}:{name}", world.repository()));
    let image = world.user.image().await.unwrap();
    assert_eq!(image, format!("{}@{digest}", world.repository()));
    assert_eq!(world.user.leftovers().await, Vec::<String>::new());
    assert_eq!(world.user.reasons().await, ["BuildStarted", "BuildSucceeded"]);

    let unpacked = image::unpack(&world.registry, &image);
    image::assert_holds(&unpacked, config);
    secrets::assert_nowhere(world, Some(&unpacked)).await;
    assert!(stages.share_of_controller() < SHARE_OF_CONTROLLER_MAX, "{stages}");
    stages
}

#[tokio::test]
#[ignore = "needs root, buildah, docker-registry, skopeo, mmdebstrap and htpasswd"]
async fn an_image_holds_what_the_config_asks_for_and_its_digest_is_the_registrys() {
    println!("{}", build(&World::new().await, &machine_config::given()).await);
}

#[tokio::test]
#[ignore = "needs root, buildah, docker-registry, skopeo, mmdebstrap and htpasswd"]
async fn a_config_of_700_kb_is_built() {
    println!("{}", build(&World::new().await, &machine_config::large("rendered-layered-large")).await);
}
