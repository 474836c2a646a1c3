//! The commands `status` and `explain`, with the viewer's roles.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use kube::Client;
use machine_os_builder::api::{DEFAULT_NAMESPACE, Kind};
use machine_os_builder::apiserver::User;
use machine_os_builder::causes::with_causes;
use machine_os_builder::cluster::watch::Watches;
use machine_os_builder::cluster::watch_health::WatchHealth;
use machine_os_builder::jitter::Jitter;
use machine_os_builder::reconcile::decide::DecideSettings;
use machine_os_builder::reconcile::observed::index::WatchEvent;
use machine_os_builder::snapshot::{Reports, Snapshot, read_daemon};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::authorizer::{binding, role, user};
use super::manifests::objects;
use super::stories::{is_blocked, names_are_taken};
use super::world::{VIEWER, World, collection_of, send};
use crate::harness::cluster::{digest_of, machine_config, pool};

const ROLES: &str = "machine-os-builder-viewer";
const PATIENCE: Duration = Duration::from_secs(60);

/// The objects in `config/rbac`, with the viewer's roles bound to a user.
pub(super) fn bound() -> Vec<Value> {
    let bindings = [
        binding(None, ("ClusterRole", ROLES), &user(VIEWER)),
        binding(Some(DEFAULT_NAMESPACE), ("Role", ROLES), &user(VIEWER)),
    ];
    objects().into_iter().chain(bindings).collect()
}

fn client(world: &World) -> Client {
    let viewer = User { name: VIEWER.to_owned(), groups: vec!["system:authenticated".to_owned()], ..User::default() };
    Client::new(world.cluster.server.service().as_user(viewer).with_agent(VIEWER), DEFAULT_NAMESPACE)
}

/// Looks at everything once; what keeps one from that is what the commands say.
async fn look(world: &World) -> Reports {
    let snapshot = Snapshot::read(client(world), DEFAULT_NAMESPACE).await;
    let snapshot = snapshot.unwrap_or_else(|error| panic!("{}", with_causes(&error)));
    let reports = snapshot.reports(&DecideSettings::default(), world.cluster.clock.now()).await;
    reports.unwrap_or_else(|error| panic!("{}", with_causes(&error)))
}

/// Names that are taken, a config that is too large, and a digest that no daemon has read.
pub(super) async fn what_there_is_is_shown(world: &World) {
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
    cluster.create(cluster.digest_left_by("build-rendered-edge-1", &digest_of("rendered-edge-1")).await).await;
    cluster.set_phase("build-rendered-edge-1", "Succeeded").await;
    let edge = look(world).await.pools.into_iter().find(|report| report.name == "edge").unwrap();
    let next = edge.next.unwrap().what;
    assert_eq!(next, "publish the image on the pool", "the digest of the image is known");
}

/// The requests of `status --watch`.
pub(super) async fn what_changes_is_followed(world: &World) {
    let cluster = &world.cluster;
    let _daemon = world.start("first");
    let (sender, mut events) = mpsc::unbounded_channel();
    let sink = Arc::new(move |event| drop(sender.send(event)));
    let (jitter, health) = (Jitter::seeded(7), WatchHealth::default());
    let mut watches = Watches::new(client(world), DEFAULT_NAMESPACE.to_owned(), jitter, sink, health);
    watches.follow(Snapshot::read(client(world), DEFAULT_NAMESPACE).await.unwrap().scopes());
    cluster.rest(Duration::from_secs(5)).await;
    while events.try_recv().is_ok() {}
    cluster.create_pool("worker", "rendered-worker-1").await;
    cluster.exists(Kind::Pod, "build-rendered-worker-1").await;
    cluster.use_builder("openshift-image-builder").await;
    cluster.create_pool("infra", "rendered-infra-1").await;
    cluster.exists(Kind::Build, "build-rendered-infra-1").await;
    let mut unseen = vec![Kind::MachineConfigPool, Kind::MachineConfig, Kind::ConfigMap, Kind::Pod, Kind::Build];
    while !unseen.is_empty() {
        let event = timeout(PATIENCE, events.recv()).await;
        let event =
            event.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: a change of {} is seen", unseen[0].name()));
        if let Some(WatchEvent::Applied(scope, _)) = event {
            unseen.retain(|kind| *kind != scope.kind);
        }
    }
}

pub(super) async fn a_namespace_that_is_not_there_is_named(world: &World) {
    let rules = json!([{"apiGroups": ["", "build.openshift.io"], "resources": ["configmaps", "pods", "builds"], "verbs": ["list"]}]);
    let viewer = user(VIEWER);
    for object in [role(None, "lists", rules), binding(None, ("ClusterRole", "lists"), &viewer)] {
        let path = collection_of(&object);
        assert_eq!(send(world.cluster.server.service(), Method::POST, &path, &object).await.0, 201);
    }
    let said = match Snapshot::read(client(world), "nosuch").await {
        Ok(_) => "nothing".to_owned(),
        Err(error) => with_causes(&error),
    };
    assert!(said.contains("there is no namespace nosuch"), "there is no namespace nosuch, and it was said: {said}");
}

pub(super) async fn what_the_daemon_says_of_itself_is_read(world: &World) {
    let _daemon = world.start("first");
    world.cluster.rest(Duration::from_secs(10)).await;
    let daemon = read_daemon(&client(world), DEFAULT_NAMESPACE).await.unwrap();
    let settings = daemon.settings.as_ref().expect("the settings of the daemon are known");
    assert_eq!(settings.max_attempts, DecideSettings::default().attempts_max);
    assert_eq!(daemon.is_at_work(world.cluster.clock.now()), Some(true));
}
