//! Whoever looks by `status` and `explain`: the viewer's roles are enough for that, and every verb of them is needed.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use machine_os_builder::api::{DEFAULT_NAMESPACE, Kind};
use machine_os_builder::apiserver::User;
use machine_os_builder::cluster::health::WatchHealth;
use machine_os_builder::cluster::snapshot::Snapshot;
use machine_os_builder::cluster::watch::Watches;
use machine_os_builder::jitter::Jitter;
use machine_os_builder::plan::decide::Settings;
use serde_json::{Value, json};

use crate::authorizer::{binding, user};
use crate::common::{config_map, digest_of, machine_config, pool};
use crate::daemon::in_virtual_time;
use crate::manifests::{objects, permissions, without};
use crate::stories::{is_blocked, names_are_taken};
use crate::world::{VIEWER, World};

const ROLES: &str = "machine-os-builder-viewer";

/// What is in `config/rbac`, with the viewer's roles bound to somebody.
fn bound() -> Vec<Value> {
    let bindings = [
        binding(None, ("ClusterRole", ROLES), &user(VIEWER)),
        binding(Some(DEFAULT_NAMESPACE), ("Role", ROLES), &user(VIEWER)),
    ];
    objects().into_iter().chain(bindings).collect()
}

/// Looks at everything once, and for a while from then on.
async fn look(world: &World) {
    let viewer = User { name: VIEWER.to_owned(), groups: vec!["system:authenticated".to_owned()], ..User::default() };
    let service = world.cluster.server.service().as_user(viewer).with_agent(VIEWER);
    let client = Client::new(service, DEFAULT_NAMESPACE);
    // What is refused shows in the log of the server.
    let Ok(snapshot) = Snapshot::read(client.clone(), DEFAULT_NAMESPACE).await else { return };
    if snapshot.reports(&Settings::default(), world.cluster.clock.now()).await.is_err() {
        return;
    }
    let (jitter, health) = (Jitter::seeded(7), WatchHealth::default());
    let mut watches = Watches::new(client, DEFAULT_NAMESPACE.to_owned(), jitter, Arc::new(|_| ()), health);
    watches.follow(snapshot.scopes());
    world.cluster.rest(Duration::from_secs(5)).await;
}

/// Names that are taken, a config that is too large, and a digest that no daemon has read.
async fn there_is_much_to_see(world: &World) {
    let cluster = &world.cluster;
    let daemon = world.start("first");
    names_are_taken(world).await;
    is_blocked(world, "infra").await;
    look(world).await;
    cluster.use_builder("openshift-image-builder").await;
    is_blocked(world, "master").await;
    look(world).await;
    let noise: String = (0..40_000_u32).map(|n| machine_os_builder::api::names::sha256_hex(n.to_be_bytes())).collect();
    let mut config = machine_config("rendered-big-1");
    config["spec"]["noise"] = json!(noise);
    cluster.create(config).await;
    cluster.create(pool("big", "rendered-big-1")).await;
    cluster.shows("big", "BuildFailed", "PayloadTooLarge").await;
    cluster.use_builder("custom-pod-builder").await;
    cluster.create_pool("edge", "rendered-edge-1").await;
    cluster.exists(Kind::Pod, "build-rendered-edge-1").await;
    drop(daemon);
    cluster.create(config_map("digest-rendered-edge-1", json!({"digest": digest_of("rendered-edge-1")}))).await;
    cluster.set_phase("build-rendered-edge-1", "Succeeded").await;
    look(world).await;
}

#[test]
fn nothing_but_secrets_is_denied_and_without_any_verb_of_the_roles_something_is() {
    in_virtual_time(async {
        let all = permissions(&bound(), VIEWER);
        let world = World::with(&bound()).await;
        there_is_much_to_see(&world).await;
        let requests: Vec<_> = world.requests().into_iter().filter(|entry| entry.agent == VIEWER).collect();
        for entry in &requests {
            assert_eq!(entry.code == 403, entry.resource == "secrets", "{entry:?}");
        }
        let is_used = |wanted: &&crate::manifests::Permission| requests.iter().any(|entry| wanted.is_for(entry));
        let unused: Vec<String> = all.iter().filter(|wanted| !is_used(wanted)).map(|unused| unused.name()).collect();
        assert_eq!(unused, [] as [&str; 0], "nothing needs this: do the commands?");
        for gone in &all {
            let world = World::with(&without(&bound(), gone)).await;
            let denied = world.denied_in(there_is_much_to_see(&world)).await;
            let denied = denied.unwrap_or_else(|| panic!("all is well without: {}", gone.name()));
            assert!(denied.agent == VIEWER && gone.is_for(&denied), "without: {}, denied is {denied:?}", gone.name());
            println!("without: {}: it is denied", gone.name());
        }
    });
}
