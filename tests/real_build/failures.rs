//! Builds that fail, and builds that almost do.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use machine_os_builder::api::conditions::{BUILD_FAILED, BUILD_SUCCESS};
use machine_os_builder::api::{DEFAULT_NAMESPACE, Kind, keys};
use serde_json::{Value, json};

use crate::daemon::POOL;
use crate::real::machine_config;
use crate::real::registry::Credentials;
use crate::secrets;
use crate::world::World;

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
    world.opt_in().await;
    world.logged(&pod, "STEP 1").await;
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
async fn a_payload_that_was_damaged_is_not_built() {
    let (world, config) = world().await;
    // An object of somebody else's in the way keeps the build from going on, once its payload is made.
    let in_the_way = format!("dockerfile-{NAME}");
    world.create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": in_the_way}})).await;
    world.opt_in().await;
    assert_eq!(world.condition(BUILD_FAILED).await["reason"], "NameConflict");
    let config_maps: Api<ConfigMap> = Api::namespaced(world.client.clone(), DEFAULT_NAMESPACE);
    let damage = json!({"data": {"machineconfig.json.gz": "H4sIAAAAAAAA"}});
    config_maps.patch(&format!("mc-{NAME}"), &PatchParams::default(), &Patch::Merge(damage)).await.unwrap();
    // One that is the daemon's, and an old one, is replaced at once.
    let labels = json!({"metadata": {"labels": {
        keys::BUILD_POD: "", keys::TARGET_POOL: POOL, keys::DESIRED_CONFIG: NAME,
    }}});
    config_maps.patch(&in_the_way, &PatchParams::default(), &Patch::Merge(labels)).await.unwrap();
    world.logged(&World::pod_of(&config), "the payload is damaged").await;
    let condition = world.condition(BUILD_FAILED).await;
    assert!(condition["message"].as_str().unwrap().contains("exit code 10"), "{condition}");
    world.user.api(Kind::MachineConfigPool).delete(POOL, &DeleteParams::default()).await.unwrap();
}
