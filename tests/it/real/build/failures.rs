//! Builds that fail, and builds that almost do.

use machine_os_builder::api::conditions::{BUILD_FAILED, BUILD_SUCCESS};
use machine_os_builder::api::{Kind, keys};
use machine_os_builder::reconcile::inputs::build_inputs::BuildInputs;
use serde_json::{Value, json};

use super::secrets;
use super::world::World;
use crate::harness::daemon::POOL;
use crate::real::machine_config;
use crate::real::registry::Credentials;

const NAME: &str = "rendered-layered-1";

/// A world with a pool that is not opted in yet.
async fn world() -> (World, Value) {
    let (world, config) = (World::new().await, machine_config::rendered_as(NAME));
    world.create_pool(&config).await;
    (world, config)
}

/// Opts the pool in, and gives the message of its failed build, and all that the build wrote.
async fn fail(world: &World, config: &Value) -> (String, String) {
    world.opt_in().await;
    let condition = world.condition(BUILD_FAILED).await;
    assert_eq!(condition["reason"], "BuildFailed", "{condition}");
    let log = world.log(&World::pod_of(config)).await;
    secrets::assert_nowhere(world, None).await;
    assert_eq!(world.user.reasons().await, ["BuildStarted", "BuildFailed"]);
    (condition["message"].as_str().unwrap().to_owned(), log)
}

#[tokio::test]
#[ignore = "needs root, buildah, docker-registry, skopeo, mmdebstrap and htpasswd"]
async fn a_push_that_is_denied_is_not_tried_again() {
    let (world, config) = world().await;
    world.change_secret("push", &Credentials::new("writer", "wr0ng-s-Secret")).await;
    let (message, log) = fail(&world, &config).await;
    assert!(message.contains("exit code 41"), "{message}");
    assert!(log.contains("access denied") && !log.contains("trying again"), "{log}");
    assert!(!message.contains("wr0ng-s-Secret") && !log.contains("wr0ng-s-Secret"), "{message} {log}");
}

#[tokio::test]
#[ignore = "needs root, buildah, docker-registry, skopeo, mmdebstrap and htpasswd"]
async fn a_pull_that_is_denied_is_not_tried_again() {
    let (world, config) = world().await;
    world.change_secret("pull", &Credentials::new("reader", "wr0ng-s-Secret")).await;
    let (message, log) = fail(&world, &config).await;
    assert!(message.contains("exit code 31"), "{message}");
    assert!(log.contains("access denied") && !log.contains("trying again"), "{log}");
}

#[tokio::test]
#[ignore = "needs root, buildah, docker-registry, skopeo, mmdebstrap and htpasswd"]
async fn a_push_is_tried_again_while_the_registry_is_down_or_out_of_order() {
    let (mut world, config) = world().await;
    let pod = World::pod_of(&config);
    // The build goes on once the registry is down.
    let address = world.registry.host.replace(':', "/");
    let hold = format!("echo held; while (: < /dev/tcp/{address}) 2> /dev/null; do sleep 0.1; done");
    world.customize(&format!("RUN [\"/bin/bash\", \"-c\", \"{hold}\"]")).await;
    world.opt_in().await;
    world.logged(&pod, "\nheld\n").await;
    world.registry.stop();
    world.logged(&pod, "(try 1 of 5)").await;
    world.registry.break_storage();
    world.registry.resume();
    world.logged(&pod, "(try 2 of 5)").await;
    world.registry.mend_storage();
    world.shows(BUILD_SUCCESS).await;
    let digest = world.registry.digest(&format!("{}:{NAME}", world.repository()));
    assert_eq!(world.user.image().await, Some(format!("{}@{digest}", world.repository())));
    assert_eq!(world.user.reasons().await, ["BuildStarted", "BuildSucceeded"], "it is one attempt");
    secrets::assert_nowhere(&world, None).await;
}

#[tokio::test]
#[ignore = "needs root, buildah, docker-registry, skopeo, mmdebstrap and htpasswd"]
async fn a_step_that_fails_is_told_with_its_output() {
    let (world, config) = world().await;
    world.customize("RUN cat /no/such/file").await;
    let (message, _) = fail(&world, &config).await;
    assert!(message.contains("exit code 20"), "{message}");
    assert!(message.contains("building at STEP \"RUN cat /no/such/file\""), "{message}");
    assert!(message.contains("cat: /no/such/file: No such file or directory"), "{message}");
}

#[tokio::test]
#[ignore = "needs root, buildah, docker-registry, skopeo, mmdebstrap and htpasswd"]
async fn a_payload_that_another_has_made_is_not_built() {
    let (world, config) = world().await;
    // While an input is at fault no build is made, and there is time to put something in its place.
    let push_secret = |name: &str| json!({"data": {"finalImagePushSecretName": name}});
    world.merge(Kind::ConfigMap, "on-cluster-build-config", push_secret("missing")).await;
    world.opt_in().await;
    world.condition(BUILD_FAILED).await;
    world.create(damaged_payload(&world, &config)).await;
    world.merge(Kind::ConfigMap, "on-cluster-build-config", push_secret("push")).await;
    // It bears all but the mark of an attempt, and is made anew; the image is that of the config.
    world.shows(BUILD_SUCCESS).await;
    let digest = world.registry.digest(&format!("{}:{NAME}", world.repository()));
    assert_eq!(world.user.image().await, Some(format!("{}@{digest}", world.repository())));
    assert_eq!(world.registry.uploads(), 1);
}

/// A payload like the one that the daemon makes for the build of this config, but for what is in it.
fn damaged_payload(world: &World, config: &Value) -> Value {
    let rendered = config["metadata"]["name"].as_str().unwrap();
    let inputs = BuildInputs {
        rendered_config: rendered.to_owned(),
        base_image: world.base_image.clone(),
        extensions_image: None,
        release_version: "4.16.0".to_owned(),
        custom_containerfile: None,
        repository: world.repository(),
        generation: 0,
    };
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": format!("mc-{rendered}"),
            "labels": {keys::BUILD_POD: "", keys::TARGET_POOL: POOL, keys::DESIRED_CONFIG: rendered},
            "annotations": {keys::INPUT_HASH: inputs.hash()},
        },
        "data": {"machineconfig.json.gz": "H4sIAAAAAAAA"},
    })
}
