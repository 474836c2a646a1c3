//! Bad input: the daemon shows it on the pool, reports it once, and builds as soon as it is corrected.

use std::time::Duration;

use machine_os_builder::api::{Kind, Object, Pool};
use serde_json::{Value, json};

use crate::harness::cluster::{Cluster, R1, inputs, machine_config, message, modern_secret, pool, secret, shown};

/// A cluster with inputs that `change` spoiled, and an opted-in pool.
pub(super) async fn cluster_with(change: impl FnOnce(&mut Vec<Value>)) -> Cluster {
    let cluster = Cluster::bare();
    let mut objects = inputs();
    change(&mut objects);
    for object in objects {
        cluster.create(object).await;
    }
    cluster.create_pool("worker", R1).await;
    cluster
}

pub(super) fn set(objects: &mut [Value], object: &str, key: &str, value: Value) {
    let object = objects.iter_mut().find(|o| o["metadata"]["name"] == object).unwrap();
    object["data"][key] = value;
}

/// The daemon shows the fault, creates nothing, emits one Event, and builds once `mend` has corrected it.
pub(super) async fn is_refused_until_mended(
    cluster: Cluster,
    reason: &str,
    says: &[&str],
    mend: impl AsyncFnOnce(&Cluster),
) {
    let daemon = cluster.daemon().await;
    cluster.shows("worker", "BuildFailed", reason).await;
    let pool = cluster.pool("worker").await;
    let text = message(&pool, "BuildFailed");
    for part in says {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(text.contains("; next: oc "), "no command is named in {text}");
    assert!(Pool::new(&pool).is_degraded_by_build());
    cluster.rest(Duration::from_secs(600)).await;
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
    assert_eq!(cluster.events("worker").await, ["ConfigInvalid"]);
    mend(&cluster).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    assert!(!Pool::new(&cluster.pool("worker").await).is_degraded_by_build());
    daemon.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_config_map() {
    let cluster = cluster_with(|objects| objects.retain(|o| o["metadata"]["name"] != "on-cluster-build-config")).await;
    is_refused_until_mended(
        cluster,
        "ConfigMapMissing",
        &["ConfigMap on-cluster-build-config", "create it"],
        async |c| {
            c.create(inputs().remove(1)).await;
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn l31_an_empty_base_image() {
    let cluster = cluster_with(|o| set(o, "machine-config-osimageurl", "baseOSContainerImage", json!(""))).await;
    let says = ["machine-config-osimageurl", "baseOSContainerImage", "it is empty", "set it"];
    is_refused_until_mended(cluster, "KeyMissing", &says, async |c| {
        let patch = json!({"data": {"baseOSContainerImage": "registry.test/release/os:9"}});
        c.merge(Kind::ConfigMap, "machine-config-osimageurl", patch).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn l32_a_line_break_in_a_release_version() {
    let cluster = cluster_with(|o| set(o, "machine-config-osimageurl", "releaseVersion", json!("4\nRUN evil"))).await;
    is_refused_until_mended(cluster, "ControlCharacter", &["releaseVersion", "remove it"], async |c| {
        c.merge(Kind::ConfigMap, "machine-config-osimageurl", json!({"data": {"releaseVersion": "4"}})).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_pullspec_that_cannot_be_pushed_to() {
    let digested = format!("registry.test/os@sha256:{}", "0".repeat(64));
    for bad in ["org/os:latest", "registry.test/UPPER", digested.as_str()] {
        let cluster = cluster_with(|o| set(o, "on-cluster-build-config", "finalImagePullspec", json!(bad))).await;
        let says = ["on-cluster-build-config", "finalImagePullspec", "registry-host/repository"];
        is_refused_until_mended(cluster, "PullspecInvalid", &says, async |c| {
            let patch = json!({"data": {"finalImagePullspec": "registry.test/os"}});
            c.merge(Kind::ConfigMap, "on-cluster-build-config", patch).await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret() {
    let cluster = cluster_with(|objects| objects.retain(|o| o["metadata"]["name"] != "push")).await;
    is_refused_until_mended(
        cluster,
        "SecretMissing",
        &["Secret push", "finalImagePushSecretName", "create it"],
        async |c| {
            c.create(modern_secret("push")).await;
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_another_type() {
    let cluster = cluster_with(|objects| {
        objects.retain(|o| o["metadata"]["name"] != "pull");
        objects.push(secret("pull", "Opaque", "x", &json!({})));
    })
    .await;
    is_refused_until_mended(cluster, "SecretInvalid", &["Secret pull", "\"Opaque\"", "dockerconfigjson"], async |c| {
        c.delete(Kind::Secret, "pull").await;
        c.create(modern_secret("pull")).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_machine_config() {
    let cluster = Cluster::new().await;
    cluster.create(pool("worker", R1)).await;
    is_refused_until_mended(cluster, "MachineConfigMissing", &["MachineConfig rendered-worker-1"], async |c| {
        c.create(machine_config(R1)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_config_that_is_not_rendered_or_has_no_possible_name() {
    for (name, reason) in [("worker-1", "MachineConfigNotRendered"), ("rendered-../x", "NameInvalid")] {
        let cluster = Cluster::new().await;
        cluster.create(pool("worker", name)).await;
        is_refused_until_mended(cluster, reason, &["MachineConfigPool worker", "spec.configuration.name"], async |c| {
            c.roll_out("worker", R1).await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn l33_a_payload_that_cannot_fit_is_a_clear_terminal_condition_and_holds_no_slot() {
    let cluster = Cluster::new().await;
    let noise: String = (0..40_000u32).map(|n| machine_os_builder::api::names::sha256_hex(n.to_be_bytes())).collect();
    let mut config = machine_config("rendered-big-1");
    config["spec"]["noise"] = json!(noise);
    cluster.create(config).await;
    cluster.create(pool("big", "rendered-big-1")).await;
    let _daemon = cluster.daemon_deciding(|settings| settings.concurrent_builds_max = 1).await;
    cluster.shows("big", "BuildFailed", "PayloadTooLarge").await;
    cluster.start_build("worker", R1).await;
    cluster.set_phase("build-rendered-worker-1", "Running").await;
    cluster.rest(Duration::from_secs(60)).await;
    cluster.server.clear_log();
    cluster.rest(Duration::from_secs(1800)).await;
    assert_eq!(cluster.daemon_requests(), [] as [&str; 0], "no endless loop");
}

#[tokio::test(start_paused = true)]
async fn l48_unreadable_input_is_no_change() {
    let (cluster, _daemon) = Cluster::with_daemon().await;
    cluster.build("built", "rendered-built-1").await;
    cluster.start_build("running", "rendered-running-1").await;

    cluster.merge(Kind::ConfigMap, "on-cluster-build-config", json!({"data": {"finalImagePullspec": "typo"}})).await;
    cluster.rest(Duration::from_secs(60)).await;
    cluster.shows("built", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(cluster.events("built").await, ["BuildStarted", "BuildSucceeded", "ConfigInvalid"]);
    cluster.publish("running", "rendered-running-1").await;
}

#[tokio::test(start_paused = true)]
async fn bad_input_of_a_pool_that_others_degrade_is_not_shown() {
    let cluster = cluster_with(|objects| objects.retain(|o| o["metadata"]["name"] != "push")).await;
    let conditions = json!([{"type": "RenderDegraded", "status": "True"}]);
    cluster.merge_status(Kind::MachineConfigPool, "worker", json!({"status": {"conditions": conditions}})).await;
    let _daemon = cluster.daemon().await;
    cluster.rest(Duration::from_secs(60)).await;
    assert!(shown(&cluster.pool("worker").await).is_empty());
}

fn versions(objects: &[Option<Object>]) -> Vec<Option<String>> {
    objects.iter().map(|o| o.as_ref().and_then(|o| o.metadata.resource_version.clone())).collect()
}

#[tokio::test(start_paused = true)]
async fn l27_l29_legacy_secrets_are_followed_in_secrets_of_our_own_and_never_written() {
    let legacy = |auth: &str| json!({"registry.test": {"auth": auth}});
    let cluster = cluster_with(|objects| {
        objects.retain(|o| o["metadata"]["name"] != "push");
        objects.push(secret("push", "kubernetes.io/dockercfg", ".dockercfg", &legacy("YTpvbmU=")));
    })
    .await;
    let users = async || {
        let mut objects = Vec::new();
        for name in ["push", "pull"] {
            objects.push(cluster.get(Kind::Secret, name).await);
        }
        for name in ["on-cluster-build-config", "machine-config-osimageurl"] {
            objects.push(cluster.get(Kind::ConfigMap, name).await);
        }
        objects
    };
    let before = versions(&users().await);
    let _daemon = cluster.daemon().await;
    let pod = cluster.exists(Kind::Pod, "build-rendered-worker-1").await;
    let mounted: Vec<_> = pod.data["spec"]["volumes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|v| v["secret"]["secretName"].as_str())
        .collect();
    assert_eq!(mounted, ["pull", "push-canonical"]);
    let canonical = cluster.exists(Kind::Secret, "push-canonical").await;
    assert_eq!(canonical.metadata.owner_references.as_ref().unwrap()[0].name, "push");
    assert!(
        canonical
            .metadata
            .labels
            .as_ref()
            .unwrap()
            .contains_key("machineconfiguration.openshift.io/canonicalizedSecret")
    );
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.publish("worker", R1).await;
    assert_eq!(versions(&users().await), before);

    // Rotated: in step again before the next build.
    let rotated = secret("push", "kubernetes.io/dockercfg", ".dockercfg", &legacy("YTp0d28="));
    cluster.merge(Kind::Secret, "push", json!({"data": rotated["data"]})).await;
    cluster.roll_out("worker", "rendered-worker-2").await;
    cluster.exists(Kind::Pod, "build-rendered-worker-2").await;
    let body = &cluster.exists(Kind::Secret, "push-canonical").await.data["data"][".dockerconfigjson"];
    let expected = secret("x", "", "k", &json!({"auths": legacy("YTp0d28=")}));
    assert_eq!(*body, expected["data"]["k"]);
}

#[tokio::test(start_paused = true)]
async fn l28_a_users_secret_of_a_canonical_ones_name_is_never_written() {
    let cluster = cluster_with(|objects| {
        objects.retain(|o| o["metadata"]["name"] != "push");
        objects.push(secret(
            "push",
            "kubernetes.io/dockercfg",
            ".dockercfg",
            &json!({"registry.test": {"auth": "dTpw"}}),
        ));
        objects.push(secret("push-canonical", "Opaque", "mine", &json!("precious")));
    })
    .await;
    let before = cluster.get(Kind::Secret, "push-canonical").await;
    let _daemon = cluster.daemon().await;
    cluster.shows("worker", "BuildFailed", "NameConflict").await;
    cluster.rest(Duration::from_secs(600)).await;
    assert_eq!(cluster.get(Kind::Secret, "push-canonical").await, before);
    cluster.delete(Kind::Secret, "push-canonical").await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_not_watched_for_a_while_is_read_anew() {
    let (cluster, _daemon) = Cluster::with_daemon().await;
    let name_pull = async |name: &str| {
        let patch = json!({"data": {"baseImagePullSecretName": name}});
        cluster.merge(Kind::ConfigMap, "on-cluster-build-config", patch).await;
        cluster.rest(Duration::from_secs(5)).await;
    };
    name_pull("typo").await;
    cluster.delete(Kind::Secret, "pull").await;
    let legacy = json!({"registry.test": {"auth": "YTpuZXc="}});
    cluster.create(secret("pull", "kubernetes.io/dockercfg", ".dockercfg", &legacy)).await;
    name_pull("pull").await;
    cluster.create_pool("worker", R1).await;
    let pod = cluster.exists(Kind::Pod, "build-rendered-worker-1").await;
    assert_eq!(pod.data["spec"]["imagePullSecrets"][0]["name"], "pull-canonical");
}

#[tokio::test(start_paused = true)]
async fn l13_a_build_that_fails_while_inputs_are_unreadable_is_shown() {
    let (cluster, _daemon) = Cluster::with_build().await;
    cluster.merge(Kind::ConfigMap, "on-cluster-build-config", json!({"data": {"finalImagePullspec": "typo"}})).await;
    cluster.rest(Duration::from_secs(5)).await;
    cluster.set_phase("build-rendered-worker-1", "Failed").await;
    // The fault has to be corrected first; the message also reports the earlier failure.
    cluster.shows("worker", "BuildFailed", "PullspecInvalid").await;
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "ConfigInvalid", "BuildFailed"]);
}

#[tokio::test(start_paused = true)]
async fn an_extensions_image_is_a_stage() {
    let cluster = cluster_with(|o| {
        set(o, "machine-config-osimageurl", "baseOSExtensionsContainerImage", json!("registry.test/ext:9"));
    })
    .await;
    let _daemon = cluster.daemon().await;
    let containerfile = cluster.exists(Kind::ConfigMap, "dockerfile-rendered-worker-1").await;
    assert!(
        containerfile.data["data"]["Dockerfile"].as_str().unwrap().contains("FROM registry.test/ext:9 AS extensions")
    );
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_not_overwritten() {
    let cluster = Cluster::new().await;
    let mut odd = pool("worker", R1);
    let record = "machineconfiguration.openshift.io/build-record";
    odd["metadata"]["annotations"] = json!({record: "{\"version\": 99}"});
    cluster.create(machine_config(R1)).await;
    cluster.create(odd).await;
    let _daemon = cluster.daemon().await;
    cluster.shows("worker", "BuildFailed", "RecordInvalid").await;
    cluster.merge(Kind::MachineConfigPool, "worker", json!({"metadata": {"annotations": {record: null}}})).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
}
