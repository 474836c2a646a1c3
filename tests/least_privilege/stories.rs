//! What the daemon lives through: between them, the stories need all that its roles allow.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use http::Method;
use machine_os_builder::api::{DEFAULT_NAMESPACE, Kind, keys};
use machine_os_builder::daemon::replica::End;
use machine_os_builder::simulation::network::{Fate, Passing};
use serde_json::json;

use crate::common::{config_map, digest_of, exited, message, secret};
use crate::world::World;

const R1: &str = "rendered-worker-1";
const R2: &str = "rendered-worker-2";
const POD: &str = "build-rendered-worker-1";
const OPENSHIFT: &str = "openshift-image-builder";

/// A story, by its name.
pub type Story = (&'static str, for<'w> fn(&'w World) -> LocalBoxFuture<'w, ()>);

macro_rules! stories {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), |world| $name(world).boxed_local())),*] };
}

pub const STORIES: &[Story] = stories![
    a_build_succeeds_and_its_config_is_followed_by_another,
    a_digest_is_handed_over_in_a_config_map,
    a_build_fails_and_says_why,
    a_build_never_starts_and_says_why,
    a_pool_opts_out_and_is_deleted,
    legacy_secrets_are_brought_into_form_and_kept_there,
    a_build_is_openshifts,
    a_pool_changes_while_it_is_patched,
    what_is_made_is_somebody_elses,
    the_lease_is_released_and_taken_over,
];

async fn a_build_succeeds_and_its_config_is_followed_by_another(world: &World) {
    let cluster = &world.cluster;
    let _daemon = world.start("first");
    cluster.start_build("worker", R1).await;
    cluster.set_phase(POD, "Running").await;
    cluster.shows("worker", "Building", "BuildRunning").await;
    cluster.roll_out("worker", R2).await;
    cluster.exists(Kind::Pod, "build-rendered-worker-2").await;
    cluster.succeed(R2).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(cluster.events("worker").await.last().unwrap(), "BuildSucceeded");
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
}

async fn a_digest_is_handed_over_in_a_config_map(world: &World) {
    let cluster = &world.cluster;
    let _daemon = world.start("first");
    cluster.start_build("worker", R1).await;
    cluster.create(config_map("digest-rendered-worker-1", json!({"digest": digest_of(R1)}))).await;
    cluster.set_phase(POD, "Succeeded").await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
}

async fn a_build_fails_and_says_why(world: &World) {
    let cluster = &world.cluster;
    let _daemon = world.start("first");
    cluster.start_build("worker", R1).await;
    cluster.set_pod(POD, json!({"phase": "Failed", "containerStatuses": [exited("image-build", 20, "")]})).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildFailed"]);
    // Asked for again, it is built again.
    cluster.annotate("worker", keys::REBUILD, "again").await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
}

async fn a_build_never_starts_and_says_why(world: &World) {
    let cluster = &world.cluster;
    let _daemon = world.start("first");
    cluster.start_build("worker", R1).await;
    let uid = cluster.exists(Kind::Pod, POD).await.metadata.uid;
    let events: kube::Api<k8s_openapi::api::core::v1::Event> =
        kube::Api::namespaced(cluster.client.clone(), DEFAULT_NAMESPACE);
    let event = json!({
        "metadata": {"name": "unscheduled"}, "type": "Warning", "reason": "FailedScheduling",
        "message": "no node is free", "lastTimestamp": "2026-01-01T00:00:01Z",
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": POD, "namespace": DEFAULT_NAMESPACE, "uid": uid},
    });
    events.create(&Default::default(), &serde_json::from_value(event).unwrap()).await.unwrap();
    cluster.rest(Duration::from_secs(600)).await;
    cluster.shows("worker", "BuildPending", "BuildRetrying").await;
    let text = message(&cluster.pool("worker").await, "BuildPending");
    assert!(text.contains("no node is free"), "{text}");
}

async fn a_pool_opts_out_and_is_deleted(world: &World) {
    let cluster = &world.cluster;
    let _daemon = world.start("first");
    cluster.start_build("worker", R1).await;
    cluster.create_pool("infra", R2).await;
    cluster.shows("infra", "BuildPending", "BuildPending").await;
    cluster.opt_out("worker").await;
    cluster.is_gone(Kind::Pod, POD).await;
    cluster.delete(Kind::MachineConfigPool, "infra").await;
    cluster.is_gone(Kind::Pod, "build-rendered-worker-2").await;
}

async fn legacy_secrets_are_brought_into_form_and_kept_there(world: &World) {
    let cluster = &world.cluster;
    let legacy = |auth: &str| {
        let body = json!({"registry.test": {"auth": auth}});
        secret("push", "kubernetes.io/dockercfg", ".dockercfg", &body)
    };
    cluster.delete(Kind::Secret, "push").await;
    cluster.create(legacy("b25l")).await;
    // Two pools want the same canonical Secret at the same moment: one of them finds that it is there.
    cluster.create_pool("infra", "rendered-infra-1").await;
    cluster.create_pool("worker", R1).await;
    let is_new_secret = |passing: &Passing| passing.method == Method::POST && passing.path.contains("/secrets");
    let wait = move |passing: &Passing| match is_new_secret(passing) {
        true => Fate::Waits(Duration::from_secs(1)),
        false => Fate::Arrives,
    };
    let _daemon = world.start_with("first", Box::new(wait));
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    let canonical = cluster.exists(Kind::Secret, "push-canonical").await;
    cluster.merge(Kind::Secret, "push", json!({"data": legacy("dHdv")["data"]})).await;
    cluster.roll_out("worker", R2).await;
    cluster
        .eventually("the canonical Secret follows", async || {
            let now = cluster.get(Kind::Secret, "push-canonical").await?;
            (now.metadata.resource_version != canonical.metadata.resource_version).then_some(())
        })
        .await;
}

async fn a_build_is_openshifts(world: &World) {
    let cluster = &world.cluster;
    cluster.use_builder(OPENSHIFT).await;
    let _daemon = world.start("first");
    cluster.start_build("worker", R1).await;
    let complete = json!({"phase": "Complete", "output": {"to": {"imageDigest": digest_of(R1)}}});
    cluster.set_build(POD, complete).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    cluster.is_gone(Kind::Build, POD).await;
}

async fn a_pool_changes_while_it_is_patched(world: &World) {
    let cluster = &world.cluster;
    let mut is_first = true;
    let _daemon = world.start_with(
        "first",
        Box::new(move |passing: &Passing| {
            let is_patch = passing.method == Method::PATCH;
            if is_patch && std::mem::take(&mut is_first) { Fate::Waits(Duration::from_secs(2)) } else { Fate::Arrives }
        }),
    );
    cluster.create_pool("worker", R1).await;
    cluster.rest(Duration::from_secs(1)).await;
    cluster.roll_out("worker", R2).await;
    cluster.exists(Kind::Pod, "build-rendered-worker-2").await;
}

/// What others have made under the names of build objects is found when these are to be made.
async fn what_is_made_is_somebody_elses(world: &World) {
    names_are_taken(world).await;
    let _daemon = world.start("first");
    for pool in ["worker", "infra", "master"] {
        if pool == "master" {
            world.cluster.use_builder(OPENSHIFT).await;
        }
        is_blocked(world, pool).await;
    }
}

/// Makes the ConfigMap of one pool's build, the Pod of another's, and the Build of a third one's.
pub async fn names_are_taken(world: &World) {
    let cluster = &world.cluster;
    cluster.create(config_map("mc-rendered-worker-1", json!({"is": "not ours"}))).await;
    let metadata = |name: &str| json!({"name": name, "namespace": DEFAULT_NAMESPACE});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata("build-rendered-infra-1"),
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    });
    cluster.create(pod).await;
    let build = json!({
        "apiVersion": "build.openshift.io/v1", "kind": "Build", "metadata": metadata("build-rendered-master-1"),
    });
    cluster.create(build).await;
}

/// A pool is made, in the way of whose build is something of that name.
pub async fn is_blocked(world: &World, pool: &str) {
    world.cluster.create_pool(pool, &format!("rendered-{pool}-1")).await;
    world.cluster.shows(pool, "BuildFailed", "NameConflict").await;
}

async fn the_lease_is_released_and_taken_over(world: &World) {
    let mut first = world.start("first");
    assert!(first.acts().await);
    let mut second = world.start("second");
    world.cluster.start_build("worker", R1).await;
    first.tell_to_stop();
    assert_eq!(first.ended().await, Some(End::Stopped));
    assert!(second.acts().await);
    world.cluster.succeed(R1).await;
    world.cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    let holders: BTreeSet<String> = world.requests().into_iter().filter_map(|entry| entry.name).collect();
    assert!(holders.contains("machine-os-builder"));
}
