//! Names: objects of ours, of earlier builds, and of others; and names that do not fit.

use std::time::Duration;

use machine_os_builder::api::{Kind, keys};
use serde_json::{Value, json};

use crate::harness::cluster::{Cluster, POD, R1, config_map, foreign_pod, machine_config, message, pool};

fn labels() -> Value {
    json!({keys::BUILD_POD: "", keys::TARGET_POOL: "worker", keys::DESIRED_CONFIG: R1})
}

#[tokio::test(start_paused = true)]
async fn l24_a_foreign_pod_of_the_builds_name_is_never_touched_and_shown_until_it_is_gone() {
    let cluster = Cluster::new().await;
    let foreign = cluster.create(foreign_pod(POD, json!({}))).await;
    let daemon = cluster.daemon_with_pool().await;
    cluster.shows("worker", "BuildFailed", "NameConflict").await;
    assert!(message(&cluster.pool("worker").await, "BuildFailed").contains(&format!("Pod {POD}")));
    cluster.rest(Duration::from_secs(3600)).await;
    assert_eq!(cluster.get(Kind::Pod, POD).await, Some(foreign));
    assert_eq!(daemon.overview().await.unwrap().building, 0, "a conflict holds no slot");
    assert_eq!(cluster.events("worker").await, ["ConfigInvalid"]);
    cluster.delete(Kind::Pod, POD).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
}

#[tokio::test(start_paused = true)]
async fn l24_a_foreign_config_map_of_the_payloads_name_is_never_touched() {
    let cluster = Cluster::new().await;
    let foreign = cluster.create(config_map("mc-rendered-worker-1", json!({"a": "b"}))).await;
    let _daemon = cluster.daemon_with_pool().await;
    cluster.shows("worker", "BuildFailed", "NameConflict").await;
    cluster.rest(Duration::from_secs(600)).await;
    assert_eq!(cluster.get(Kind::ConfigMap, "mc-rendered-worker-1").await, Some(foreign));
    cluster.delete(Kind::ConfigMap, "mc-rendered-worker-1").await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
}

#[tokio::test(start_paused = true)]
async fn two_pools_that_want_one_config_are_built_one_after_the_other_left_alone() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let pod = cluster.exists(Kind::Pod, POD).await;
    cluster.set_phase(POD, "Running").await;
    cluster.create(pool("infra", R1)).await;
    cluster.shows("infra", "BuildFailed", "NameConflict").await;
    cluster.rest(Duration::from_secs(600)).await;
    assert_eq!(cluster.exists(Kind::Pod, POD).await.metadata.uid, pod.metadata.uid);
    cluster.publish("worker", R1).await;
    cluster.shows("infra", "BuildPending", "BuildPending").await;
    cluster.publish("infra", R1).await;
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn l24_a_stale_pod_with_our_labels_is_replaced() {
    let cluster = Cluster::new().await;
    let stale = cluster.create(foreign_pod(POD, labels())).await;
    let _daemon = cluster.daemon_with_pool().await;
    let fresh = cluster
        .eventually("a fresh pod", async || {
            cluster.get(Kind::Pod, POD).await.filter(|pod| pod.metadata.uid != stale.metadata.uid)
        })
        .await;
    assert!(fresh.metadata.annotations.unwrap().contains_key(keys::INPUT_HASH));
    cluster.shows("worker", "BuildPending", "BuildPending").await;
}

#[tokio::test(start_paused = true)]
async fn l21_objects_that_were_made_before_a_crash_are_adopted() {
    let (cluster, daemon) = Cluster::with_pool().await;
    let pod = cluster.exists(Kind::Pod, POD).await;
    daemon.stop().await;
    let _daemon = cluster.daemon().await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.rest(Duration::from_secs(60)).await;
    assert_eq!(cluster.get(Kind::Pod, POD).await.unwrap().metadata.uid, pod.metadata.uid);
}

#[tokio::test(start_paused = true)]
async fn l25_what_earlier_builds_left_is_removed_by_label() {
    let cluster = Cluster::new().await;
    let mut leftover = config_map("mc-rendered-worker-0", json!({}));
    leftover["metadata"]["labels"] = labels();
    cluster.create(leftover).await;
    let _daemon = cluster.daemon_with_pool().await;
    cluster.is_gone(Kind::ConfigMap, "mc-rendered-worker-0").await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
}

#[tokio::test(start_paused = true)]
async fn l24_an_object_with_our_labels_and_a_name_of_its_own_is_left_alone() {
    let cluster = Cluster::new().await;
    let mut copy = config_map("copy-of-something", json!({}));
    copy["metadata"]["labels"] = labels();
    cluster.create(copy).await;
    let _daemon = cluster.daemon_with_pool().await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.publish("worker", R1).await;
    assert_eq!(cluster.build_objects().await, ["copy-of-something"]);
}

#[tokio::test(start_paused = true)]
async fn l17_an_object_that_a_finalizer_holds_is_not_deleted_over_and_over() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let held = json!({"metadata": {"finalizers": ["example.com/hold"]}});
    cluster.merge(Kind::ConfigMap, "mc-rendered-worker-1", held).await;
    cluster.publish("worker", R1).await;
    cluster.rest(Duration::from_secs(300)).await;
    cluster.is_left_alone_for(Duration::from_secs(3600)).await;
    cluster.merge(Kind::ConfigMap, "mc-rendered-worker-1", json!({"metadata": {"finalizers": null}})).await;
    cluster.is_gone(Kind::ConfigMap, "mc-rendered-worker-1").await;
}

#[tokio::test(start_paused = true)]
async fn names_that_do_not_fit_a_label_or_a_tag_are_shortened_and_kept_whole_beside() {
    let cluster = Cluster::new().await;
    let (name, rendered) = (format!("p{}", "o".repeat(79)), format!("rendered-{}", "l".repeat(150)));
    cluster.create(machine_config(&rendered)).await;
    cluster.create(pool(&name, &rendered)).await;
    let _daemon = cluster.daemon().await;
    cluster.shows(&name, "BuildPending", "BuildPending").await;
    let pod = cluster.exists(Kind::Pod, &format!("build-{rendered}")).await;
    let (labels, annotations) = (pod.metadata.labels.unwrap(), pod.metadata.annotations.unwrap());
    assert_eq!((labels[keys::TARGET_POOL].len(), labels[keys::DESIRED_CONFIG].len()), (63, 63));
    assert_eq!((&annotations[keys::TARGET_POOL], &annotations[keys::DESIRED_CONFIG]), (&name, &rendered));
    let image = pod.data["spec"]["containers"][0]["env"][1]["value"].as_str().unwrap();
    assert_eq!(image.rsplit_once(':').unwrap().1.len(), 128);
    cluster.succeed(&rendered).await;
    cluster.shows(&name, "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_object_name_that_would_be_too_long_is_bad_input() {
    let cluster = Cluster::new().await;
    let rendered = format!("rendered-{}", "l".repeat(240));
    cluster.create(pool("worker", &rendered)).await;
    let _daemon = cluster.daemon().await;
    cluster.shows("worker", "BuildFailed", "NameInvalid").await;
}
