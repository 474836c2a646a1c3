//! The main job, seen from the cluster: an opted-in pool gets its layered OS image.

use std::time::Duration;

use machine_os_builder::api::{Kind, keys};
use machine_os_builder::reconcile::objects::payload::Payload;
use serde_json::{Value, json};

use crate::harness::cluster::{
    Cluster, R1, config_map, digest_of, image_on, machine_config, machine_config_reference, pool, references, shown,
};

#[tokio::test(start_paused = true)]
async fn a_pool_is_built_from_its_label_to_its_digest() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let pod = cluster.exists(Kind::Pod, "build-rendered-worker-1").await;
    let pool = cluster.pool("worker").await;
    let reference = json!({
        "apiVersion": "v1", "kind": "Pod", "name": "build-rendered-worker-1",
        "namespace": "openshift-machine-config-operator", "uid": pod.metadata.uid,
    });
    assert_eq!(references(&pool), (vec![reference.clone()], vec![reference.clone()]));
    assert_eq!(pool.data["spec"]["configuration"]["source"][0], machine_config_reference());
    assert_eq!(
        cluster.build_objects().await,
        ["build-rendered-worker-1", "dockerfile-rendered-worker-1", "mc-rendered-worker-1"]
    );

    cluster.run("build-rendered-worker-1").await;
    assert_eq!(references(&cluster.pool("worker").await).1, [reference]);

    cluster.publish("worker", R1).await;
    let pool = cluster.pool("worker").await;
    assert_eq!(image_on(&pool), Some(format!("registry.test/org/os@{}", digest_of(R1))));
    assert_eq!(references(&pool), (vec![], vec![]));
    assert_eq!(pool.data["spec"]["configuration"]["source"], json!([machine_config_reference()]));
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildSucceeded"]);
}

#[tokio::test(start_paused = true)]
async fn every_object_of_a_build_is_labelled_and_bears_the_hash_of_its_inputs() {
    let (cluster, _daemon) = Cluster::with_pool().await;
    cluster.exists(Kind::Pod, "build-rendered-worker-1").await;
    let mut hashes = std::collections::BTreeSet::new();
    for (kind, name) in [(Kind::Pod, "build"), (Kind::ConfigMap, "mc"), (Kind::ConfigMap, "dockerfile")] {
        let object = cluster.exists(kind, &format!("{name}-{R1}")).await;
        let (labels, annotations) = (object.metadata.labels.unwrap(), object.metadata.annotations.unwrap());
        assert_eq!(labels[keys::BUILD_POD], "");
        assert_eq!(labels[keys::TARGET_POOL], "worker");
        assert_eq!(labels[keys::DESIRED_CONFIG], R1);
        assert_eq!(annotations[keys::POOL], "");
        hashes.insert(annotations[keys::INPUT_HASH].clone());
    }
    assert_eq!(hashes.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_digest_that_the_build_left_without_a_termination_message_is_taken_and_removed() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.set_phase("build-rendered-worker-1", "Running").await;
    cluster.create(cluster.digest_left_by("build-rendered-worker-1", &digest_of("other")).await).await;
    cluster.set_phase("build-rendered-worker-1", "Succeeded").await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    let image = image_on(&cluster.pool("worker").await);
    assert_eq!(image, Some(format!("registry.test/org/os@{}", digest_of("other"))));
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn l50_a_digest_that_was_there_before_the_build_is_removed_and_never_believed() {
    let cluster = Cluster::new().await;
    cluster.create(config_map("digest-rendered-worker-1", json!({"digest": digest_of("stale")}))).await;
    let _daemon = cluster.daemon_with_pool().await;
    cluster.exists(Kind::Pod, "build-rendered-worker-1").await;
    assert!(cluster.get(Kind::ConfigMap, "digest-rendered-worker-1").await.is_none());
}

#[tokio::test(start_paused = true)]
async fn while_a_build_runs_its_payload_is_the_machine_config_field_for_field() {
    let (cluster, _daemon) = Cluster::with_daemon().await;
    let mut config = machine_config(R1);
    config["metadata"]["futureMetadata"] = json!({"kept": true});
    config["spec"]["futureSetting"] = json!([1, null, {"two": "ü\n"}]);
    config["alsoUnknown"] = json!(0.5);
    cluster.create(config).await;
    cluster.create(pool("worker", R1)).await;

    let original = cluster.raw(Kind::MachineConfig, R1).await.unwrap();
    cluster.exists(Kind::Pod, "build-rendered-worker-1").await;
    let config_map = cluster.raw(Kind::ConfigMap, "mc-rendered-worker-1").await.unwrap();
    let decoded = Payload::decode(config_map["data"]["machineconfig.json.gz"].as_str().unwrap()).unwrap();
    assert_eq!(decoded, original);
    assert_eq!(decoded["metadata"]["futureMetadata"]["kept"], true);
    assert_eq!(decoded["alsoUnknown"], 0.5);
}

/// A pool with fields that no type models, everywhere.
fn pool_with_unknown_fields() -> Value {
    let mut pool = pool("worker", R1);
    pool["metadata"]["futureMetadata"] = json!({"a": [1]});
    pool["metadata"]["annotations"] = json!({"example.com/note": "keep me"});
    pool["metadata"]["labels"]["example.com/label"] = json!("kept");
    pool["spec"]["futureSpec"] = json!({"b": null, "c": 1});
    pool["spec"]["configuration"]["futureConfiguration"] = json!("d");
    pool["spec"]["configuration"]["source"][0]["futureReference"] = json!("e");
    pool
}

fn foreign_status() -> Value {
    json!({
        "futureStatus": {"f": 1},
        "configuration": {"name": "rendered-worker-0", "futureConfiguration": "g", "source": [machine_config_reference()]},
        "conditions": [
            {"type": "Updated", "status": "True", "reason": "", "message": "", "futureCondition": "h"},
            {"type": "RenderDegraded", "status": "False"},
        ],
        "machineCount": 3,
    })
}

/// The fields of a pool that the daemon does not own.
fn foreign_part(pool: &Value) -> Value {
    let mut pool = pool.clone();
    let metadata = pool["metadata"].as_object_mut().unwrap();
    for field in ["resourceVersion", "generation", "managedFields"] {
        metadata.remove(field);
    }
    let annotations = metadata.get_mut("annotations").unwrap().as_object_mut().unwrap();
    annotations.retain(|key, _| key.starts_with("example.com/"));
    let is_ours = |condition: &Value| {
        ["BuildPending", "Building", "BuildSuccess", "BuildFailed"].contains(&condition["type"].as_str().unwrap())
    };
    pool["status"]["conditions"].as_array_mut().unwrap().retain(|condition| !is_ours(condition));
    for half in ["spec", "status"] {
        let source = pool[half]["configuration"]["source"].as_array_mut().unwrap();
        source.retain(|reference| reference["kind"] == "MachineConfig");
    }
    pool
}

#[tokio::test(start_paused = true)]
async fn l16_what_no_type_models_survives_every_write_to_a_pool() {
    let cluster = Cluster::new().await;
    cluster.create(machine_config(R1)).await;
    cluster.create(pool_with_unknown_fields()).await;
    cluster.merge_status(Kind::MachineConfigPool, "worker", json!({"status": foreign_status()})).await;
    let before = foreign_part(&cluster.raw(Kind::MachineConfigPool, "worker").await.unwrap());
    let same = async || {
        let now = cluster.raw(Kind::MachineConfigPool, "worker").await.unwrap();
        assert_eq!(foreign_part(&now), before);
    };

    let _daemon = cluster.daemon().await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    same().await;
    cluster.run("build-rendered-worker-1").await;
    same().await;
    cluster.publish("worker", R1).await;
    same().await;
    cluster.opt_out("worker").await;
    cluster
        .eventually("nothing is shown", async || shown(&cluster.pool("worker").await).is_empty().then_some(()))
        .await;
    let mut opted_out = before.clone();
    opted_out["metadata"]["labels"].as_object_mut().unwrap().remove(keys::LAYERING_ENABLED);
    let now = cluster.raw(Kind::MachineConfigPool, "worker").await.unwrap();
    assert_eq!(foreign_part(&now), opted_out);
}

#[tokio::test(start_paused = true)]
async fn l38_a_neighbour_who_writes_the_status_all_the_time_loses_nothing_and_stops_nothing() {
    let cluster = Cluster::new().await;
    cluster.create_pool("worker", R1).await;
    let neighbour = machine_os_builder::apiserver::ApiServer::client(&cluster.server, "neighbour");
    let api: kube::Api<machine_os_builder::api::Object> =
        kube::Api::all_with(neighbour, &Kind::MachineConfigPool.resource());
    let writer = tokio::spawn(async move {
        for count in 1u64.. {
            // Reads, changes and replaces the status whole, as the rest of the operator does.
            let mut pool = api.get("worker").await.unwrap();
            tokio::task::yield_now().await;
            pool.data["status"]["machineCount"] = json!(count);
            let mut conditions = pool.data["status"]["conditions"].as_array().cloned().unwrap_or_default();
            conditions.retain(|condition| condition["type"] != "Updating");
            conditions.push(json!({"type": "Updating", "status": "True", "message": count.to_string()}));
            pool.data["status"]["conditions"] = json!(conditions);
            let document = serde_json::to_vec(&pool).unwrap();
            let _ =
                api.replace_status("worker", &Default::default(), &serde_json::from_slice(&document).unwrap()).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let _daemon = cluster.daemon().await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.run("build-rendered-worker-1").await;
    cluster.publish("worker", R1).await;
    let pool = cluster.pool("worker").await;
    assert!(pool.data["status"]["machineCount"].as_u64().unwrap() > 10);
    assert!(pool.data["status"]["conditions"].as_array().unwrap().iter().any(|c| c["type"] == "Updating"));
    assert!(!writer.is_finished());
    writer.abort();
}

#[tokio::test(start_paused = true)]
async fn l17_at_rest_no_request_is_sent() {
    let (cluster, _daemon) = Cluster::with_image().await;
    cluster.rest(Duration::from_secs(60)).await;
    cluster.is_left_alone_for(Duration::from_secs(3600)).await;
}

#[tokio::test(start_paused = true)]
async fn an_unrelated_change_of_the_pool_causes_no_build_and_no_write() {
    let (cluster, _daemon) = Cluster::with_image().await;
    cluster.rest(Duration::from_secs(60)).await;
    cluster.server.clear_log();
    cluster.annotate("worker", "example.com/x", "y").await;
    cluster.merge(Kind::MachineConfigPool, "worker", json!({"metadata": {"labels": {"example.com/x": "y"}}})).await;
    cluster.merge_status(Kind::MachineConfigPool, "worker", json!({"status": {"machineCount": 9}})).await;
    cluster.rest(Duration::from_secs(600)).await;
    assert_eq!(cluster.daemon_requests(), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_is_not_opted_in_or_not_rendered_is_left_alone() {
    let (cluster, _daemon) = Cluster::with_daemon().await;
    cluster.create(machine_config(R1)).await;
    let mut opted_out = pool("infra", R1);
    opted_out["metadata"]["labels"] = json!({});
    cluster.create(opted_out).await;
    cluster.create(pool("new", "")).await;
    cluster.rest(Duration::from_secs(600)).await;
    assert_eq!(cluster.daemon_requests(), [] as [&str; 0]);
}
