//! Stories of the daemon. Together, they need everything that its roles allow.

use std::future::Future;
use std::time::Duration;

use http::Method;
use machine_os_builder::api::{DEFAULT_NAMESPACE, Kind, keys};
use machine_os_builder::apiserver::User;
use machine_os_builder::daemon::replica::ExitReason;
use machine_os_builder::simulation::Process;
use machine_os_builder::simulation::faults::link_control::{Delivery, EventScript, Fate, LinkRequest};
use serde_json::{Value, json};

use super::manifests::BUILD_POD;
use super::world::{World, send};
use crate::harness::cluster::{Cluster, POD, R1, R2, config_map, digest_of, exited, machine_config, pool, secret};

const OPENSHIFT: &str = "openshift-image-builder";

/// Virtual time within which a process has to do what it is to do.
const PATIENCE: Duration = Duration::from_secs(60);
/// The same, where it has not to wait for the next time that it looks.
const AT_ONCE: Duration = Duration::from_millis(100);

/// An opted-in pool whose build is there.
async fn start_build(world: &World) {
    world.cluster.create_pool("worker", R1).await;
    world.cluster.shows("worker", "BuildPending", "BuildPending").await;
    world.cluster.exists(Kind::Pod, POD).await;
}

/// A process that leads, and a pool whose build it has made.
async fn with_build(world: &World) -> (&Cluster, Process) {
    let process = world.start("first");
    start_build(world).await;
    (&world.cluster, process)
}

/// Watch events on this object arrive an hour late.
fn late(what: &'static str) -> EventScript {
    let is_late = move |line: &[u8]| String::from_utf8_lossy(line).contains(what);
    let hour = Duration::from_secs(3_600);
    Box::new(move |_, line| Delivery { late: if is_late(line) { hour } else { Duration::ZERO }, again: 0 })
}

/// Waits for something that has no end of its own.
async fn within<T>(time: Duration, what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(time, future).await.unwrap_or_else(|_| panic!("not within {time:?}: {what}"))
}

pub(super) async fn a_build_succeeds_and_its_config_is_followed_by_another(world: &World) {
    let (cluster, _daemon) = with_build(world).await;
    cluster.run(POD).await;
    cluster.roll_out("worker", R2).await;
    cluster.exists(Kind::Pod, "build-rendered-worker-2").await;
    cluster.publish("worker", R2).await;
    assert_eq!(cluster.events("worker").await.last().unwrap(), "BuildSucceeded");
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
}

pub(super) async fn a_config_comes_after_the_pool_that_wants_it(world: &World) {
    let (cluster, _daemon) = (&world.cluster, world.start("first"));
    cluster.create(pool("worker", R1)).await;
    cluster.shows("worker", "BuildFailed", "MachineConfigMissing").await;
    cluster.rest(Duration::from_secs(5)).await;
    cluster.create(machine_config(R1)).await;
    cluster.exists(Kind::Pod, POD).await;
}

pub(super) async fn a_digest_is_handed_over_in_a_config_map(world: &World) {
    let (cluster, _daemon) = with_build(world).await;
    cluster.create(cluster.digest_left_by(POD, &digest_of(R1)).await).await;
    cluster.set_phase(POD, "Succeeded").await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
}

pub(super) async fn a_build_fails_and_says_why(world: &World) {
    let (cluster, _daemon) = with_build(world).await;
    let uid = cluster.exists(Kind::Pod, POD).await.metadata.uid.unwrap();
    cluster.server.pod_logs().append(&uid, "image-build", "no space left on device");
    cluster.set_pod(POD, json!({"phase": "Failed", "containerStatuses": [exited("image-build", 20, "")]})).await;
    let text = cluster.message("worker", "BuildFailed", "BuildFailed").await;
    assert!(text.contains("no space left on device"), "the pool says what the build has printed: {text}");
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildFailed"], "the pool's Events tell of the build");
    // Asked for again, it is built again.
    cluster.annotate("worker", keys::REBUILD, "again").await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
}

pub(super) async fn a_build_never_starts_and_says_why(world: &World) {
    let (cluster, _daemon) = with_build(world).await;
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
    let text = cluster.message("worker", "BuildPending", "BuildRetrying").await;
    assert!(text.contains("no node is free"), "the pool says why the build does not start: {text}");
}

pub(super) async fn a_key_is_no_pools_and_is_told_of(world: &World) {
    let cluster = &world.cluster;
    cluster.create(config_map("on-cluster-build-custom-dockerfile", json!({"wroker": "RUN x"}))).await;
    let _daemon = world.start("first");
    start_build(world).await;
    let events: kube::Api<k8s_openapi::api::core::v1::Event> =
        kube::Api::namespaced(cluster.client.clone(), DEFAULT_NAMESPACE);
    cluster
        .eventually("an Event about the key", async || {
            let events = events.list(&Default::default()).await.unwrap();
            events.items.into_iter().find(|event| event.message.as_ref().is_some_and(|text| text.contains("wroker")))
        })
        .await;
}

pub(super) async fn a_pool_opts_out_and_is_deleted(world: &World) {
    let (cluster, _daemon) = with_build(world).await;
    cluster.create_pool("infra", R2).await;
    cluster.shows("infra", "BuildPending", "BuildPending").await;
    cluster.opt_out("worker").await;
    cluster.is_gone(Kind::Pod, POD).await;
    cluster.delete(Kind::MachineConfigPool, "infra").await;
    cluster.is_gone(Kind::Pod, "build-rendered-worker-2").await;
}

/// A Secret of the old form.
fn legacy(auth: &str) -> Value {
    let body = json!({"registry.test": {"auth": auth}});
    secret("push", "kubernetes.io/dockercfg", ".dockercfg", &body)
}

pub(super) async fn a_legacy_secret_is_brought_into_form_and_kept_there(world: &World) {
    let cluster = &world.cluster;
    cluster.delete(Kind::Secret, "push").await;
    cluster.create(legacy("YTpvbmU=")).await;
    let _daemon = world.start("first");
    start_build(world).await;
    let canonical = cluster.exists(Kind::Secret, "push-canonical").await;
    cluster.merge(Kind::Secret, "push", json!({"data": legacy("YTp0d28=")["data"]})).await;
    cluster.roll_out("worker", R2).await;
    cluster
        .eventually("the canonical Secret follows", async || {
            let now = cluster.get(Kind::Secret, "push-canonical").await?;
            (now.metadata.resource_version != canonical.metadata.resource_version).then_some(())
        })
        .await;
}

/// The last request of a process arrives just before its successor sends the same one.
pub(super) async fn a_secret_is_brought_into_form_by_the_process_before(world: &World) {
    let cluster = &world.cluster;
    cluster.delete(Kind::Secret, "push").await;
    cluster.create(legacy("YTpvbmU=")).await;
    let mut first = world.start("first");
    start_build(world).await;
    first.tell_to_stop();
    within(PATIENCE, "the first process ends", first.ended()).await;
    let mut canonical = serde_json::to_value(cluster.exists(Kind::Secret, "push-canonical").await).unwrap();
    cluster.delete(Kind::Secret, "push-canonical").await;
    let is_new_secret = |passing: &LinkRequest| passing.method == Method::POST && passing.path.contains("/secrets");
    let wait = |is_late| if is_late { Fate::Waits(Duration::from_secs(1)) } else { Fate::Arrives };
    let second = world.start_with("second", Box::new(move |passing| wait(is_new_secret(passing))));
    second.wire().set_event_script(late("push-canonical"));
    cluster.create_pool("infra", "rendered-infra-1").await;
    cluster
        .eventually("the Secret is about to be made", async || {
            second.wire().passed().iter().any(is_new_secret).then_some(())
        })
        .await;
    canonical["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    cluster.create(canonical).await;
    cluster.exists(Kind::Pod, "build-rendered-infra-1").await;
}

pub(super) async fn a_build_is_openshifts(world: &World) {
    let cluster = &world.cluster;
    cluster.use_builder(OPENSHIFT).await;
    let _daemon = world.start("first");
    cluster.start_build("worker", R1).await;
    cluster.exists(Kind::Build, POD).await;
    let complete = json!({"phase": "Complete", "output": {"to": {"imageDigest": digest_of(R1)}}});
    cluster.set_build(POD, complete).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    cluster.is_gone(Kind::Build, POD).await;
}

pub(super) async fn a_pool_changes_while_it_is_patched(world: &World) {
    let cluster = &world.cluster;
    let mut is_first = true;
    let daemon = world.start_with(
        "first",
        Box::new(move |passing: &LinkRequest| {
            let is_patch = passing.method == Method::PATCH;
            if is_patch && std::mem::take(&mut is_first) { Fate::Waits(Duration::from_secs(2)) } else { Fate::Arrives }
        }),
    );
    cluster.create_pool("worker", R1).await;
    cluster.rest(Duration::from_secs(1)).await;
    daemon.wire().set_event_script(late("MachineConfigPool"));
    cluster.roll_out("worker", R2).await;
    cluster.exists(Kind::Pod, "build-rendered-worker-2").await;
}

/// The daemon finds foreign objects under the names of build objects when it creates these.
pub(super) async fn what_is_made_is_somebody_elses(world: &World) {
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
pub(super) async fn names_are_taken(world: &World) {
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
pub(super) async fn is_blocked(world: &World, pool: &str) {
    world.cluster.create_pool(pool, &format!("rendered-{pool}-1")).await;
    world.cluster.shows(pool, "BuildFailed", "NameConflict").await;
}

pub(super) async fn the_lease_is_kept(world: &World) {
    let mut first = world.start("first");
    assert!(within(PATIENCE, "the first process leads", first.acts()).await);
    world.cluster.rest(Duration::from_secs(30)).await;
    assert!(first.is_acting(), "the first process keeps its lease");
}

pub(super) async fn the_lease_is_released_and_taken_over(world: &World) {
    let mut first = world.start("first");
    assert!(within(PATIENCE, "the first process leads", first.acts()).await);
    let mut second = world.start("second");
    start_build(world).await;
    first.tell_to_stop();
    assert_eq!(within(PATIENCE, "the first process ends", first.ended()).await, Some(ExitReason::Stopped));
    assert!(within(AT_ONCE, "the second process leads at once", second.acts()).await);
    world.cluster.publish("worker", R1).await;
}

/// The requests of a build pod's helper, with the token of the pod.
pub(super) async fn a_build_pod_leaves_its_digest(world: &World) {
    let (cluster, _daemon) = with_build(world).await;
    let pod = cluster.server.service().as_user(User::service_account(DEFAULT_NAMESPACE, BUILD_POD));
    let config_maps = format!("/api/v1/namespaces/{DEFAULT_NAMESPACE}/configmaps");
    let digest = cluster.digest_left_by(POD, &digest_of(R1)).await;
    let is_left = send(pod, Method::POST, &config_maps, &digest).await.0 == 201;
    let ends = ["image-build", "wait-for-done"].map(|container| exited(container, i32::from(!is_left), ""));
    cluster
        .set_pod(POD, json!({"phase": if is_left { "Succeeded" } else { "Failed" }, "containerStatuses": ends}))
        .await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
}
