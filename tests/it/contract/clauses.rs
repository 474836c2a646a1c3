//! Single clauses that no other module covers.

use std::time::Duration;

use machine_os_builder::api::{Kind, keys};
use serde_json::{Value, json};

use crate::harness::cluster::{
    Cluster, POD, R1, digest_of, exited, image_on, inputs, message, modern_secret, references, secret, shown,
};

#[tokio::test(start_paused = true)]
async fn l19_the_image_is_published_then_all_is_deleted_then_success_is_shown() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.rest(Duration::from_secs(5)).await;
    cluster.server.clear_log();
    cluster.publish("worker", R1).await;
    assert_eq!(
        cluster.daemon_requests(),
        [
            "patch machineconfigpools worker 200",
            "delete pods build-rendered-worker-1 200",
            "delete configmaps dockerfile-rendered-worker-1 200",
            "delete configmaps mc-rendered-worker-1 200",
            "get configmaps digest-rendered-worker-1 404",
            "create events  201",
            "patch machineconfigpools/status worker 200",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_attempt_is_claimed_before_anything_is_made_and_the_spec_refers_before_the_status_shows() {
    let (cluster, _daemon) = Cluster::with_build().await;
    assert_eq!(
        cluster.daemon_requests(),
        [
            "patch machineconfigpools/status worker 200",
            "get machineconfigs rendered-worker-1 200",
            "patch machineconfigpools worker 200",
            "create configmaps  201",
            "create configmaps  201",
            "create pods  201",
            "create events  201",
            "patch machineconfigpools worker 200",
            "patch machineconfigpools/status worker 200",
        ]
    );
}

fn record(pool: &machine_os_builder::api::Object) -> Value {
    let text = &pool.metadata.annotations.as_ref().unwrap()[keys::BUILD_RECORD];
    serde_json::from_str(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_record_says_what_is_tried_what_failed_and_what_is_published() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let pod = cluster.exists(Kind::Pod, POD).await.metadata.annotations.unwrap();
    let started = record(&cluster.pool("worker").await);
    assert_eq!((&started["version"], &started["generation"]), (&json!(1), &json!(0)));
    assert_eq!(
        (&started["attempt"]["hash"], &started["attempt"]["number"]),
        (&json!(pod[keys::INPUT_HASH]), &json!(1))
    );
    assert!(started["attempt"]["started"].is_string() && started["published"].is_null());

    cluster.fail(POD).await;
    let failed = record(&cluster.pool("worker").await);
    assert_eq!(
        (&failed["failed"]["hash"], &failed["failed"]["reason"]),
        (&json!(pod[keys::INPUT_HASH]), &json!("BuildFailed"))
    );

    cluster.annotate("worker", keys::REBUILD, "now").await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    let pod = cluster.exists(Kind::Pod, POD).await.metadata.annotations.unwrap();
    cluster.publish("worker", R1).await;
    let pool = cluster.pool("worker").await;
    let done = record(&pool);
    assert_eq!(done["generation"], 1);
    assert_eq!(done["published"]["hash"], pod[keys::INPUT_HASH]);
    assert_eq!(done["published"]["inputs"], serde_json::from_str::<Value>(&pod[keys::INPUTS]).unwrap());
    assert_eq!(done["published"]["image"], json!(image_on(&pool)));
    assert!(done["attempt"].is_null() && done["failed"].is_null());
}

#[tokio::test(start_paused = true)]
async fn each_degradation_of_somebody_elses_blocks_and_is_never_written() {
    for type_ in ["Degraded", "NodeDegraded", "RenderDegraded"] {
        let cluster = Cluster::new().await;
        cluster.create_pool("worker", R1).await;
        let set = async |status: &str| {
            let mut conditions =
                cluster.pool("worker").await.data["status"]["conditions"].as_array().cloned().unwrap_or_default();
            conditions.retain(|condition| condition["type"] != type_);
            conditions.push(json!({"type": type_, "status": status, "reason": "Sick"}));
            cluster
                .merge_status(Kind::MachineConfigPool, "worker", json!({"status": {"conditions": conditions}}))
                .await;
        };
        set("True").await;
        let _daemon = cluster.daemon().await;
        cluster.rest(Duration::from_secs(600)).await;
        let pool = cluster.pool("worker").await;
        assert_eq!(pool.data["status"]["conditions"], json!([{"type": type_, "status": "True", "reason": "Sick"}]));
        assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
        set("False").await;
        cluster.shows("worker", "BuildPending", "BuildPending").await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_required_key_that_is_missing_is_named() {
    for (index, key) in [
        (0, "baseOSContainerImage"),
        (0, "releaseVersion"),
        (1, "baseImagePullSecretName"),
        (1, "finalImagePushSecretName"),
        (1, "finalImagePullspec"),
    ] {
        let cluster = Cluster::bare();
        for (n, mut object) in inputs().into_iter().enumerate() {
            if n == index {
                object["data"].as_object_mut().unwrap().remove(key);
            }
            cluster.create(object).await;
        }
        cluster.create_pool("worker", R1).await;
        let _daemon = cluster.daemon().await;
        let text = cluster.message("worker", "BuildFailed", "KeyMissing").await;
        let object = inputs()[index]["metadata"]["name"].as_str().unwrap().to_owned();
        assert!(text.contains(&object) && text.contains(key) && text.contains("set it to"), "{text}");
        assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_with_a_malformed_body_is_refused_and_never_quoted() {
    let host = json!({"registry.test": "hunter2"});
    for body in [json!({"auths": "hunter2"}), json!({"auths": host}), host] {
        let cluster = Cluster::bare();
        for object in inputs().into_iter().filter(|object| object["metadata"]["name"] != "push") {
            cluster.create(object).await;
        }
        cluster.create(secret("push", "kubernetes.io/dockerconfigjson", ".dockerconfigjson", &body)).await;
        cluster.create_pool("worker", R1).await;
        let _daemon = cluster.daemon().await;
        let text = cluster.message("worker", "BuildFailed", "SecretInvalid").await;
        assert!(text.contains("Secret push") && !text.contains("hunter2"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn l47_other_secrets_and_a_restart_rebuild_nothing() {
    let (cluster, daemon) = Cluster::with_image().await;
    cluster.create(modern_secret("another")).await;
    let names = json!({"data": {"baseImagePullSecretName": "another", "finalImagePushSecretName": "another"}});
    cluster.merge(Kind::ConfigMap, "on-cluster-build-config", names).await;
    cluster.rest(Duration::from_secs(60)).await;
    daemon.stop().await;
    cluster.server.clear_log();
    let _daemon = cluster.daemon().await;
    cluster.rest(Duration::from_secs(600)).await;
    assert_eq!(cluster.daemon_requests(), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn exit_codes_that_may_pass_are_tried_again_and_others_are_not() {
    for (code, is_retried) in [(10, false), (30, true), (31, false), (40, true), (41, false)] {
        let (cluster, _daemon) = Cluster::with_build().await;
        cluster.set_pod(POD, json!({"phase": "Failed", "containerStatuses": [exited("image-build", code, "")]})).await;
        if is_retried {
            cluster.shows("worker", "BuildPending", "BuildRetrying").await;
            cluster.is_gone(Kind::Pod, POD).await;
            cluster.exists(Kind::Pod, POD).await;
        } else {
            cluster.shows("worker", "BuildFailed", "BuildFailed").await;
            cluster.rest(Duration::from_secs(600)).await;
            cluster.shows("worker", "BuildFailed", "BuildFailed").await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pushed_image_is_published_whatever_became_of_the_helper() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let containers = [exited("image-build", 0, &digest_of(R1)), exited("wait-for-done", 1, "no permission")];
    cluster.set_pod(POD, json!({"phase": "Failed", "containerStatuses": containers})).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(image_on(&cluster.pool("worker").await), Some(format!("registry.test/org/os@{}", digest_of(R1))));
}

#[tokio::test(start_paused = true)]
async fn a_long_output_is_cut_to_its_end_and_the_next_command_stays() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let output = format!("{}the last line", "noise ".repeat(600));
    cluster.set_pod(POD, json!({"phase": "Failed", "containerStatuses": [exited("image-build", 20, &output)]})).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    let pool = cluster.pool("worker").await;
    let text = message(&pool, "BuildFailed");
    assert!(text.len() <= 1024 && text.contains("the last line") && text.contains("exit code 20"), "{text}");
    assert!(text.ends_with("logs pod/build-rendered-worker-1 --all-containers"), "{text}");
    assert_eq!(references(&pool).0, references(&pool).1);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_is_not_rendered_any_more_is_left_as_it_is() {
    let (cluster, _daemon) = Cluster::with_image().await;
    cluster.rest(Duration::from_secs(5)).await;
    cluster.server.clear_log();
    cluster.merge(Kind::MachineConfigPool, "worker", json!({"spec": {"configuration": {"name": ""}}})).await;
    cluster.rest(Duration::from_secs(600)).await;
    assert_eq!(cluster.daemon_requests(), [] as [&str; 0]);
    assert_eq!(shown(&cluster.pool("worker").await), [("BuildSuccess".to_owned(), "BuildSucceeded".to_owned())]);
}
