//! States that no snapshot shows.

use std::time::Duration;

use machine_os_builder::api::{DEFAULT_NAMESPACE, Kind};
use machine_os_builder::apiserver::Verb;
use machine_os_builder::report::PoolPhase;
use machine_os_builder::snapshot::Snapshot;
use serde_json::json;

use super::seen::{client_without, report, reports_to};
use crate::harness::cluster::{Cluster, R1, digest_of, inputs, machine_config, modern_secret, pool};

#[tokio::test(start_paused = true)]
async fn nothing_is_written() {
    let cluster = Cluster::new().await;
    cluster.create_pool("worker", R1).await;
    cluster.server.clear_log();
    assert_eq!(report(&cluster).await.state, PoolPhase::Queued);
    let verbs: Vec<Verb> = cluster.server.log().iter().map(|entry| entry.verb).collect();
    assert!(verbs.iter().all(|verb| matches!(verb, Verb::Get | Verb::List)), "{verbs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_without_builds_is_a_cluster() {
    let cluster = Cluster::without_builds().await;
    let _daemon = cluster.daemon_with_build().await;
    assert_eq!(report(&cluster).await.state, PoolPhase::Pending);
    cluster.use_builder("openshift-image-builder").await;
    cluster.publish("worker", R1).await;
    assert_eq!(report(&cluster).await.input_fault.unwrap().reason, "BuilderNotServed");
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_listed_is_named() {
    let cluster = Cluster::new().await;
    for (path, named) in [
        ("/pods", "list pods in openshift-machine-config-operator"),
        ("/machineconfigs", "list machineconfigs;"),
        ("/builds", "list builds in openshift-machine-config-operator"),
    ] {
        let error = Snapshot::read(client_without(&cluster, path), DEFAULT_NAMESPACE).await.err().unwrap().to_string();
        assert!(error.contains(named) && error.contains("config/rbac/viewer_role.yaml"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_digest_is_read_from_the_config_map_that_the_build_left() {
    let (cluster, daemon) = Cluster::with_build().await;
    daemon.stop().await;
    cluster.set_phase("build-rendered-worker-1", "Succeeded").await;
    let looked = report(&cluster).await;
    assert_eq!((looked.state, looked.is_built()), (PoolPhase::Publishing, false));
    assert_eq!(looked.next.map(|next| next.is_due), Some(false));
    let digest = digest_of(R1);
    cluster.create(cluster.digest_left_by("build-rendered-worker-1", &digest).await).await;
    let looked = report(&cluster).await;
    assert_eq!((looked.state, looked.is_built()), (PoolPhase::Publishing, false));
    assert_eq!(looked.next.map(|next| next.is_due), Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_config_that_is_not_there_is_a_fault_of_the_pools() {
    let (cluster, _daemon) = Cluster::with_daemon().await;
    cluster.create(pool("worker", R1)).await;
    cluster.shows("worker", "BuildFailed", "MachineConfigMissing").await;
    let looked = report(&cluster).await;
    assert_eq!((looked.state, looked.is_failed()), (PoolPhase::InputInvalid, true));
    assert_eq!(looked.input_fault.map(|fault| fault.reason).as_deref(), Some("MachineConfigMissing"));
}

#[tokio::test(start_paused = true)]
async fn a_fault_is_no_failure_before_the_pool_shows_it_or_once_it_is_mended() {
    let cluster = Cluster::bare();
    for object in inputs().into_iter().filter(|object| object["metadata"]["name"] != "push") {
        cluster.create(object).await;
    }
    cluster.create_pool("worker", R1).await;
    let looked = report(&cluster).await;
    assert_eq!((looked.state, looked.is_failed()), (PoolPhase::InputInvalid, false));
    let daemon = cluster.daemon().await;
    cluster.shows("worker", "BuildFailed", "SecretMissing").await;
    assert!(report(&cluster).await.is_failed());
    daemon.stop().await;
    cluster.create(modern_secret("push")).await;
    let looked = report(&cluster).await;
    assert_eq!((looked.state, looked.is_failed()), (PoolPhase::Queued, false));
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_does_not_fit_is_looked_at_again() {
    let cluster = Cluster::new().await;
    // Hardly to be compressed.
    let noise: String = (0..40_000).map(|n| machine_os_builder::api::names::sha256_hex(format!("{n}"))).collect();
    let mut config = machine_config(R1);
    config["spec"]["config"]["noise"] = json!(noise);
    cluster.create(config).await;
    cluster.create(pool("worker", R1)).await;
    let _daemon = cluster.daemon().await;
    cluster.shows("worker", "BuildFailed", "PayloadTooLarge").await;
    cluster.rest(Duration::from_secs(5)).await;
    let looked = report(&cluster).await;
    assert_eq!((looked.state, looked.is_failed()), (PoolPhase::InputInvalid, true));
}

#[tokio::test(start_paused = true)]
async fn a_report_on_many_pools_says_who_waits_for_whom() {
    let cluster = Cluster::new().await;
    for name in ["a", "b", "c"] {
        cluster.create_pool(name, &format!("rendered-{name}-1")).await;
    }
    let reports = reports_to(&cluster, cluster.server.client("status")).await;
    let places: Vec<_> = reports.iter().map(|report| report.queue.as_ref().unwrap().position).collect();
    assert_eq!(places, [1, 2, 3]);
    assert!(cluster.get(Kind::Pod, "build-rendered-a-1").await.is_none());
}
