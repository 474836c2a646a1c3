//! A registry whose certificate is of an authority that only a ConfigMap knows.

use std::process::Command;

use machine_os_builder::api::conditions::BUILD_SUCCESS;

use crate::real::machine_config;
use crate::secrets;
use crate::world::World;

const NAME: &str = "rendered-layered-trust";

#[tokio::test]
#[ignore = "needs root, buildah, docker-registry, skopeo, mmdebstrap and htpasswd"]
async fn pull_and_push_trust_the_authorities_in_a_config_map() {
    let world = World::trusting_by_config_map("registry-ca").await;
    let refusal = without_the_config_map(&world);
    assert!(refusal.contains("certificate signed by unknown authority"), "{refusal}");

    let config = machine_config::rendered_as(NAME);
    world.create_pool(&config).await;
    world.opt_in().await;
    world.logged(&World::pod_of(&config), "STEP 1").await;
    world.shows(BUILD_SUCCESS).await;
    let digest = world.registry.digest(&format!("{}:{NAME}", world.repository()));
    assert_eq!(world.user.image().await, Some(format!("{}@{digest}", world.repository())));
    secrets::assert_nowhere(&world, None).await;
}

/// What becomes of a pull by somebody who has the password, but not the ConfigMap.
fn without_the_config_map(world: &World) -> String {
    let mut command = Command::new("skopeo");
    command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
    command.env("REGISTRY_AUTH_FILE", world.registry.path("auth.json"));
    let output = command.args(["inspect", &format!("docker://{}", world.base_image)]).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}
