//! Tests of the simulation's invariants: a daemon that breaks one is detected.

mod shown;

use std::collections::BTreeSet;

use kube::api::{Api, DeleteParams, Patch, PatchParams};
use machine_os_builder::api::{DEFAULT_NAMESPACE, Kind, Object, keys};
use machine_os_builder::daemon;
use machine_os_builder::reconcile::inputs::build_inputs::BuildInputs;
use machine_os_builder::reconcile::pool::record::{BuildRecord, Published};
use machine_os_builder::simulation::checks::invariants::{Invariant, Invariants};
use machine_os_builder::simulation::people::registry::FakeRegistry;
use serde_json::{Value, json};

use crate::harness::cluster::{Cluster, machine_config_reference};

/// A daemon's bad deeds, and what they are found to be.
struct Impostor {
    user: Cluster,
    daemon: Cluster,
}

impl Impostor {
    async fn new() -> Self {
        let user = Cluster::new().await;
        let daemon = Cluster {
            server: user.server.clone(),
            client: user.server.client(&daemon::user_agent()),
            clock: user.clock,
            invariants: user.invariants.clone(),
            patience: user.patience,
        };
        Self { user, daemon }
    }

    /// The pool `worker` has opted in.
    async fn with_pool() -> Self {
        let impostor = Self::new().await;
        impostor.user.create_pool("worker", "rendered-worker-1").await;
        impostor
    }

    /// Makes a build object that was claimed before.
    async fn make(&self, pod: Value) {
        let attempt = json!({
            "hash": pod["metadata"]["annotations"][keys::INPUT_HASH], "number": 1, "started": "2026-01-01T00:00:00Z",
        });
        let pool = pod["metadata"]["labels"][keys::TARGET_POOL].as_str().unwrap().to_owned();
        let record = json!({"version": 1, "attempt": attempt}).to_string();
        self.user.annotate(&pool, keys::BUILD_RECORD, &record).await;
        self.daemon.create(pod).await;
    }

    /// The invariants that were broken.
    fn found(self) -> BTreeSet<Invariant> {
        let found = self.user.invariants.violations().into_iter().map(|violation| violation.invariant).collect();
        // They are not to be found again when the clusters are dropped.
        let detached = Invariants::attach(&self.user.server, &FakeRegistry::default());
        let Self { mut user, mut daemon } = self;
        user.invariants = detached.clone();
        daemon.invariants = detached;
        found
    }
}

fn pod(rendered: &str, hash: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": format!("build-{rendered}"), "namespace": DEFAULT_NAMESPACE,
            "labels": {keys::BUILD_POD: "", keys::TARGET_POOL: "worker", keys::DESIRED_CONFIG: rendered},
            "annotations": {keys::INPUT_HASH: hash},
        },
        "spec": {"containers": [{"name": "image-build", "image": "registry.test/x"}]},
    })
}

fn shows(types: &[&str]) -> Value {
    let four = ["BuildPending", "Building", "BuildSuccess", "BuildFailed"];
    let conditions: Vec<Value> = four
        .iter()
        .map(|type_| json!({"type": type_, "status": if types.contains(type_) { "True" } else { "False" }, "reason": "x"}))
        .collect();
    json!({"status": {"conditions": conditions}})
}

const POOL: Kind = Kind::MachineConfigPool;

#[tokio::test(start_paused = true)]
async fn two_builds_of_one_pool_are_found() {
    let impostor = Impostor::with_pool().await;
    impostor.make(pod("rendered-worker-1", "1")).await;
    assert!(impostor.user.invariants.violations().is_empty());
    impostor.make(pod("rendered-worker-2", "2")).await;
    assert_eq!(impostor.found(), [Invariant::OneBuild].into());
}

#[tokio::test(start_paused = true)]
async fn two_builds_are_tolerated_only_for_as_long_as_a_request_may_be_on_its_way() {
    let impostor = Impostor::with_pool().await;
    impostor.user.invariants.tolerate_from(impostor.user.clock.now());
    impostor.make(pod("rendered-worker-1", "1")).await;
    impostor.make(pod("rendered-worker-2", "2")).await;
    assert!(impostor.user.invariants.violations().is_empty());
    impostor.user.rest(std::time::Duration::from_secs(11)).await;
    impostor.user.annotate("worker", "any", "news").await;
    assert_eq!(impostor.found(), [Invariant::OneBuild].into());
}

/// A process that died may have sent a request that creates a build after its successor gave the slot away.
#[tokio::test(start_paused = true)]
async fn a_build_in_excess_that_was_tolerated_may_run_on_and_no_other_may_follow() {
    let impostor = Impostor::new().await;
    impostor.user.invariants.limit_builds(1);
    let names = ["one", "two", "three"];
    for name in names {
        impostor.user.create_pool(name, &format!("rendered-{name}-1")).await;
    }
    let make = async |name: &str, hash| {
        let mut pod = pod(&format!("rendered-{name}-1"), hash);
        pod["metadata"]["labels"][keys::TARGET_POOL] = json!(name);
        impostor.make(pod).await;
    };
    impostor.user.invariants.tolerate_from(impostor.user.clock.now());
    make("one", "1").await;
    make("two", "2").await;
    impostor.user.rest(std::time::Duration::from_secs(11)).await;
    impostor.user.annotate("one", "any", "news").await;
    assert_eq!(impostor.user.invariants.violations(), []);
    make("three", "3").await;
    assert_eq!(impostor.found(), [Invariant::BuildsAtOnce].into());
}

#[tokio::test(start_paused = true)]
async fn a_build_for_no_pool_is_found() {
    let impostor = Impostor::new().await;
    impostor.daemon.create(pod("rendered-worker-1", "1")).await;
    assert_eq!(impostor.found(), [Invariant::ForItsPool].into());
}

#[tokio::test(start_paused = true)]
async fn a_build_that_nobody_claimed_is_found() {
    let impostor = Impostor::with_pool().await;
    impostor.daemon.create(pod("rendered-worker-1", "1")).await;
    assert_eq!(impostor.found(), [Invariant::InOrder].into());
}

#[tokio::test(start_paused = true)]
async fn an_image_that_no_build_made_is_found() {
    let impostor = Impostor::with_pool().await;
    impostor.daemon.annotate("worker", keys::NEWEST_IMAGE, "registry.test/org/os@sha256:0").await;
    assert_eq!(impostor.found(), [Invariant::PublishedIsBuilt].into());
}

#[tokio::test(start_paused = true)]
async fn two_or_none_of_the_four_conditions_are_found() {
    for types in [&["Building", "BuildFailed"][..], &[]] {
        let impostor = Impostor::with_pool().await;
        impostor.daemon.merge_status(POOL, "worker", shows(types)).await;
        assert!(impostor.found().contains(&Invariant::OneOfFour), "{types:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_condition_without_its_reference_and_success_without_an_image_are_found() {
    for type_ in ["Building", "BuildSuccess"] {
        let impostor = Impostor::with_pool().await;
        impostor.daemon.merge_status(POOL, "worker", shows(&[type_])).await;
        assert_eq!(impostor.found(), [Invariant::InOrder].into(), "{type_}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_condition_on_a_pool_that_others_degrade_is_found() {
    let impostor = Impostor::with_pool().await;
    let degraded = json!({"type": "NodeDegraded", "status": "True"});
    impostor.user.merge_status(POOL, "worker", json!({"status": {"conditions": [degraded]}})).await;
    let mut shown = shows(&["BuildPending"]);
    shown["status"]["conditions"].as_array_mut().unwrap().push(degraded);
    impostor.daemon.merge_status(POOL, "worker", shown).await;
    assert_eq!(impostor.found(), [Invariant::Blocked].into());
}

/// Found by seed 198 of chaos.
#[tokio::test(start_paused = true)]
async fn a_build_that_was_on_its_way_when_others_degraded_its_pool_may_go_on() {
    let impostor = Impostor::with_pool().await;
    let degraded = json!({"type": "NodeDegraded", "status": "True"});
    impostor.user.merge_status(POOL, "worker", json!({"status": {"conditions": [degraded]}})).await;
    impostor.make(pod("rendered-worker-1", "1")).await;
    let reference = json!([{"apiVersion": "v1", "kind": "Pod", "name": "build-rendered-worker-1"}]);
    impostor.daemon.merge(POOL, "worker", json!({"spec": {"configuration": {"source": reference}}})).await;
    let mut shown = shows(&["Building"]);
    shown["status"]["conditions"].as_array_mut().unwrap().push(degraded);
    shown["status"]["configuration"] = json!({"source": reference});
    impostor.daemon.merge_status(POOL, "worker", shown).await;
    assert!(!impostor.found().contains(&Invariant::Blocked));
}

#[tokio::test(start_paused = true)]
async fn a_degradation_without_its_failure_is_found() {
    let impostor = Impostor::with_pool().await;
    let degraded = json!({"type": "Degraded", "status": "True", "reason": "BuildFailed"});
    impostor.daemon.merge_status(POOL, "worker", json!({"status": {"conditions": [degraded]}})).await;
    assert_eq!(impostor.found(), [Invariant::DegradedOnce].into());
}

#[tokio::test(start_paused = true)]
async fn a_write_of_what_others_wrote_is_found() {
    type Deed = fn() -> (Kind, &'static str, Value);
    let deeds: [Deed; 6] = [
        || (Kind::ConfigMap, "on-cluster-build-config", json!({"data": {"finalImagePullspec": "x"}})),
        || (Kind::Secret, "pull", json!({"metadata": {"labels": {"x": "y"}}})),
        || (Kind::MachineConfig, "rendered-worker-1", json!({"spec": {"fips": true}})),
        || (POOL, "worker", json!({"metadata": {"labels": {"x": "y"}}})),
        || (POOL, "worker", json!({"spec": {"paused": true}})),
        || {
            (
                POOL,
                "worker",
                json!({"spec": {"configuration": {"source": [machine_config_reference(), machine_config_reference()]}}}),
            )
        },
    ];
    for deed in deeds {
        let impostor = Impostor::with_pool().await;
        let (kind, name, patch) = deed();
        impostor.daemon.merge(kind, name, patch.clone()).await;
        assert_eq!(impostor.found(), [Invariant::ForeignIsKept].into(), "{patch}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_of_what_others_made_is_found() {
    let impostor = Impostor::new().await;
    let pods: Api<Object> = impostor.daemon.api(Kind::ConfigMap);
    pods.delete("on-cluster-build-config", &DeleteParams::default()).await.unwrap();
    assert_eq!(impostor.found(), [Invariant::ForeignIsKept].into());
}

#[tokio::test(start_paused = true)]
async fn what_is_left_behind_and_what_is_not_built_is_found() {
    let impostor = Impostor::with_pool().await;
    impostor.make(pod("rendered-worker-1", "1")).await;
    let found: Vec<String> =
        impostor.user.invariants.at_rest().iter().map(|violation| violation.what.clone()).collect();
    assert_eq!(found, ["is left behind", "rendered-worker-1 is not built: it shows None"]);
    let patch = Patch::Merge(json!({"metadata": {"labels": {keys::LAYERING_ENABLED: null}}}));
    impostor.user.api(POOL).patch("worker", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(impostor.user.invariants.at_rest().len(), 2, "the pod, and the record");
}

#[tokio::test(start_paused = true)]
async fn more_builds_than_may_run_at_once_are_found() {
    let impostor = Impostor::new().await;
    impostor.user.invariants.limit_builds(1);
    for (pool, rendered) in [("worker", "rendered-worker-1"), ("infra", "rendered-infra-1")] {
        impostor.user.create_pool(pool, rendered).await;
        let mut pod = pod(rendered, "1");
        pod["metadata"]["labels"][keys::TARGET_POOL] = pool.into();
        impostor.make(pod).await;
    }
    assert_eq!(impostor.found(), [Invariant::BuildsAtOnce].into());
}

#[tokio::test(start_paused = true)]
async fn what_is_still_there_long_after_an_opt_out_is_found() {
    let impostor = Impostor::with_pool().await;
    impostor.make(pod("rendered-worker-1", "1")).await;
    impostor.user.merge(POOL, "worker", json!({"metadata": {"labels": {keys::LAYERING_ENABLED: null}}})).await;
    impostor.user.rest(std::time::Duration::from_secs(14 * 60)).await;
    impostor.user.annotate("worker", "any", "news").await;
    assert!(impostor.user.invariants.violations().is_empty());
    impostor.user.rest(std::time::Duration::from_secs(2 * 60)).await;
    impostor.user.annotate("worker", "any", "other news").await;
    assert_eq!(impostor.found(), [Invariant::CleanUp].into());
}

#[tokio::test(start_paused = true)]
async fn a_success_that_gives_way_to_a_fault_of_an_input_is_found() {
    let impostor = Impostor::with_pool().await;
    let inputs = BuildInputs {
        rendered_config: "rendered-worker-1".into(),
        base_image: "registry.test/os@sha256:0".into(),
        extensions_image: None,
        release_version: "4.16.0".into(),
        custom_containerfile: None,
        repository: "registry.test/org/os".into(),
        generation: 0,
    };
    let image = inputs.image_at("sha256:0");
    let published = Published { hash: inputs.hash(), inputs, image: image.clone(), build: 1 };
    let mut record = BuildRecord::default();
    record.published = Some(published);
    let annotations = json!({keys::BUILD_RECORD: record.to_annotation(), keys::NEWEST_IMAGE: image});
    impostor.user.merge(POOL, "worker", json!({"metadata": {"annotations": annotations}})).await;
    impostor.user.merge_status(POOL, "worker", shows(&["BuildSuccess"])).await;
    impostor.daemon.merge_status(POOL, "worker", shows(&["BuildFailed"])).await;
    assert_eq!(impostor.found(), [Invariant::FailedIsFailed].into());
}
