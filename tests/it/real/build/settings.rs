//! Builds by their settings: a registry whose certificate is of an authority that only a ConfigMap knows, images that only
//! a ConfigMap says where to find, and a proxy.

use std::process::Command;

use machine_os_builder::api::conditions::BUILD_SUCCESS;

use super::secrets;
use super::world::World;
use crate::real::{machine_config, output_of};

const NAME: &str = "rendered-layered-settings";

#[tokio::test]
#[ignore = "needs root, buildah, docker-registry, skopeo, mmdebstrap and htpasswd"]
async fn pull_push_and_steps_go_by_the_settings() {
    let world = World::by_settings().await;
    let refusal = without_the_config_map(&world);
    assert!(refusal.contains("certificate signed by unknown authority"), "{refusal}");

    let config = machine_config::rendered_as(NAME);
    world.create_pool(&config).await;
    let step = "[[ $HTTPS_PROXY == *@proxy.test:3128 && $https_proxy == $HTTPS_PROXY ]]";
    world.customize(&format!("RUN [\"/bin/bash\", \"-c\", \"{step}\"]")).await;
    world.opt_in().await;
    world.logged(&World::pod_of(&config), "Trying to pull mirrored.test/release/").await;
    world.shows(BUILD_SUCCESS).await;

    let image = world.user.image().await.unwrap();
    let digest = world.registry.digest(&format!("{}:{NAME}", world.repository()));
    assert_eq!(image, format!("{}@{digest}", world.repository()));
    let about = output_of(world.registry.skopeo().args(["inspect", "--config", &format!("docker://{image}")]));
    assert!(about.contains("proxy.test:3128"), "the step is told of: {about}");
    assert!(!about.contains("pr0xy-s-Secret"), "{about}");
    let logs = world.logs.lock().unwrap().clone();
    let mut texts = world.printed().into_iter().map(|(_, text)| text).chain(logs.into_values());
    assert!(texts.all(|text| !text.contains("pr0xy-s-Secret")));
    secrets::assert_nowhere(&world, None).await;
}

/// The error of a pull with the password, but without the ConfigMap.
fn without_the_config_map(world: &World) -> String {
    let mut command = Command::new("skopeo");
    command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
    command.env("REGISTRY_AUTH_FILE", world.registry.path("auth.json"));
    let output = command.args(["inspect", &format!("docker://{}", world.base_image)]).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}
