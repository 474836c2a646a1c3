//! Changes while a build runs.

use kube::api::DeleteParams;
use machine_os_builder::api::Kind;
use machine_os_builder::api::conditions::BUILD_SUCCESS;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::secrets;
use super::world::{PATIENCE, POLL, World};
use crate::harness::daemon::POOL;
use crate::harness::processes::processes;
use crate::real::machine_config;

const FIRST: &str = "rendered-layered-first";
const SECOND: &str = "rendered-layered-second";
/// A step that the build of the first config does not come past.
const HOLD: &str = "RUN if grep -q first /etc/rendered-name; then echo held; sleep 3600; fi";

/// A world whose build of the first config is under way, and stays so.
async fn building() -> World {
    let (world, config) = (World::new().await, machine_config::rendered_as(FIRST));
    world.customize(HOLD).await;
    world.create_pool(&config).await;
    world.opt_in().await;
    world.logged(&World::pod_of(&config), "\nheld\n").await;
    let running = processes(&world.repository());
    assert!(running.iter().any(|line| line.starts_with("buildah build ")), "{running:?}");
    assert!(!processes("sleep 3600").is_empty());
    world
}

/// Waits until no process has anything to do with this image.
async fn gone(image: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !processes(image).is_empty() {
        assert!(Instant::now() < deadline, "still there: {:?}", processes(image));
        sleep(POLL).await;
    }
}

#[tokio::test]
#[ignore = "needs root, buildah, docker-registry, skopeo, mmdebstrap and htpasswd"]
async fn a_build_ends_with_its_pool() {
    let world = building().await;
    world.user.api(Kind::MachineConfigPool).delete(POOL, &DeleteParams::default()).await.unwrap();
    gone(&world.repository()).await;
    let deadline = Instant::now() + PATIENCE;
    while !world.user.leftovers().await.is_empty() {
        assert!(Instant::now() < deadline, "{:?}", world.user.leftovers().await);
        sleep(POLL).await;
    }
    assert_eq!(world.registry.uploads(), 0);
    secrets::assert_nowhere(&world, None).await;
}

#[tokio::test]
#[ignore = "needs root, buildah, docker-registry, skopeo, mmdebstrap and htpasswd"]
async fn a_change_supersedes_the_build_and_the_newest_image_is_published() {
    let world = building().await;
    let config = machine_config::rendered_as(SECOND);
    world.create(config).await;
    let spec = json!({"spec": {"configuration": {"name": SECOND}}});
    world.merge(Kind::MachineConfigPool, POOL, spec).await;
    gone(&format!("{}:{FIRST}", world.repository())).await;
    world.shows(BUILD_SUCCESS).await;
    let digest = world.registry.digest(&format!("{}:{SECOND}", world.repository()));
    assert_eq!(world.user.image().await, Some(format!("{}@{digest}", world.repository())));
    assert_eq!(world.registry.tags(&world.repository()), [SECOND]);
    assert_eq!(world.user.leftovers().await, Vec::<String>::new());
    assert_eq!(world.user.reasons().await, ["BuildStarted", "BuildSuperseded", "BuildStarted", "BuildSucceeded"]);
}
