//! User input in a form that would be dropped or misread: the daemon refuses it by object and key, and reports it once.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, ListParams};
use machine_os_builder::api::{DEFAULT_NAMESPACE, Kind};
use serde_json::{Value, json};

use super::inputs::{cluster_with, is_refused_until_mended, set};
use crate::harness::cluster::{Cluster, R1, config_map, inputs, machine_config, message, modern_secret, pool, secret};

const CUSTOM: &str = "on-cluster-build-custom-dockerfile";
const MODERN: &str = "kubernetes.io/dockerconfigjson";

/// A cluster with such a ConfigMap of Containerfile texts.
async fn cluster_with_custom(fields: Value) -> Cluster {
    cluster_with(|objects| {
        let mut custom = config_map(CUSTOM, Value::Null);
        custom.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        objects.push(custom);
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn text_in_binary_data_is_not_left_out() {
    let latin1 = STANDARD.encode(b"FROM configs\n# paquets n\xe9cessaires\n");
    let cluster = cluster_with_custom(json!({"binaryData": {"worker": latin1}})).await;
    let says = [CUSTOM, "key worker", "binaryData", "not UTF-8", "save it as UTF-8"];
    is_refused_until_mended(cluster, "ContainerfileInvalid", &says, async |c| {
        let mended = json!({"binaryData": null, "data": {"worker": "FROM configs"}});
        c.merge(Kind::ConfigMap, CUSTOM, mended).await;
    })
    .await;
    for (name, key, value) in [
        ("machine-config-osimageurl", "releaseVersion", "4.16.0"),
        ("machine-config-osimageurl", "baseOSExtensionsContainerImage", "registry.test/extensions:9"),
        ("on-cluster-build-config", "finalImagePullspec", "registry.test/org/os"),
        ("on-cluster-build-config", "imageBuilderType", "custom-pod-builder"),
    ] {
        let cluster = cluster_with(|objects| {
            let object = objects.iter_mut().find(|object| object["metadata"]["name"] == name).unwrap();
            object["data"].as_object_mut().unwrap().remove(key);
            object["binaryData"] = json!({key: STANDARD.encode(b"\xff\xfe4\0")});
        })
        .await;
        is_refused_until_mended(cluster, "ValueInvalid", &[name, key, "binaryData"], async |c| {
            c.merge(Kind::ConfigMap, name, json!({"binaryData": null, "data": {key: value}})).await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_containerfile_that_cannot_be_meant_is_refused_by_its_pools_key() {
    for (text, says) in [
        ("\u{feff}FROM configs\nRUN x", "a byte order mark in line 1"),
        ("FROM configs\n\u{feff}RUN x", "a byte order mark in line 2"),
        ("F\0R\0O\0M\0 \0c\0", "a NUL character"),
        ("FROM alpine:3.18\nRUN x", "\"alpine:3.18\" (FROM in line 1)"),
        ("FROM configs AS a\nFROM extract AS b\nFROM b", "\"b\" (FROM in line 3)"),
    ] {
        let cluster = cluster_with_custom(json!({"data": {"worker": text}})).await;
        is_refused_until_mended(cluster, "ContainerfileInvalid", &[CUSTOM, "key worker", says], async |c| {
            c.merge(Kind::ConfigMap, CUSTOM, json!({"data": {"worker": "FROM configs\r\nRUN x\r\n"}})).await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_config_without_an_ignition_config_is_refused_before_there_is_a_pod() {
    for (spec, says) in [
        (json!({"kernelArguments": ["nosmt"]}), "key spec.config: it is missing"),
        (json!({"config": null}), "key spec.config: it is missing"),
        (json!({"config": "text"}), "key spec.config: it is not an object"),
        (json!({"config": {"storage": {}}}), "key spec.config.ignition.version: it is missing"),
    ] {
        let cluster = Cluster::new().await;
        let mut config = machine_config(R1);
        config["spec"] = spec;
        cluster.create(config).await;
        cluster.create(pool("worker", R1)).await;
        let says = ["MachineConfig rendered-worker-1", says];
        is_refused_until_mended(cluster, "MachineConfigInvalid", &says, async |c| {
            c.merge(Kind::MachineConfig, R1, machine_config(R1)).await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_pull_secret_that_no_build_can_use_is_refused() {
    for (body, says) in [
        (json!({"credHelpers": {"registry.test": "ecr-login"}}), "no credential helper runs in a build pod"),
        (json!({"auths": {}, "credsStore": "desktop"}), "no credential helper runs in a build pod"),
        (json!({"Auths": {"registry.test": {"auth": "dTpw"}}}), "did you mean auths?"),
        (json!({"auths": {"registry.test": {}}}), "the entry of \"registry.test\": it is empty"),
        (json!({"auths": {"registry.test": {"auth": STANDARD.encode("hunter2")}}}), "no colon"),
    ] {
        let cluster = cluster_with(|objects| {
            objects.retain(|object| object["metadata"]["name"] != "push");
            objects.push(secret("push", MODERN, ".dockerconfigjson", &body));
        })
        .await;
        is_refused_until_mended(cluster, "SecretInvalid", &["Secret push", says], async |c| {
            c.merge(Kind::Secret, "push", json!({"data": modern_secret("push")["data"]})).await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn user_and_password_are_brought_into_the_form_that_buildah_reads() {
    let body = json!({"auths": {"registry.test": {"username": "alice", "password": "hunter2"}}});
    let cluster = cluster_with(|objects| {
        objects.retain(|object| object["metadata"]["name"] != "push");
        objects.push(secret("push", MODERN, ".dockerconfigjson", &body));
    })
    .await;
    let _daemon = cluster.daemon().await;
    let pod = cluster.exists(Kind::Pod, "build-rendered-worker-1").await;
    assert!(pod.data["spec"].to_string().contains("\"push-canonical\""));
    let canonical = cluster.exists(Kind::Secret, "push-canonical").await;
    let body = canonical.data["data"][".dockerconfigjson"].as_str().unwrap();
    let body: Value = serde_json::from_slice(&STANDARD.decode(body).unwrap()).unwrap();
    assert_eq!(body["auths"]["registry.test"]["auth"], STANDARD.encode("alice:hunter2"));
    // The canonical Secret follows its source.
    let rotated = json!({"auths": {"registry.test": {"username": "alice", "password": "hunter3"}}});
    let rotated = secret("push", MODERN, ".dockerconfigjson", &rotated);
    cluster.merge(Kind::Secret, "push", json!({"data": rotated["data"]})).await;
    cluster.roll_out("worker", "rendered-worker-2").await;
    cluster.exists(Kind::Pod, "build-rendered-worker-2").await;
    let followed = cluster.exists(Kind::Secret, "push-canonical").await;
    assert_ne!(followed.data["data"], canonical.data["data"]);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_ends_with_a_line_break_is_refused_with_its_cause() {
    for key in ["finalImagePullspec", "baseImagePullSecretName"] {
        let value = inputs()[1]["data"][key].as_str().unwrap().to_owned();
        let cluster = cluster_with(|o| set(o, "on-cluster-build-config", key, json!(format!("{value}\n")))).await;
        let reason = if key == "finalImagePullspec" { "ControlCharacter" } else { "NameInvalid" };
        is_refused_until_mended(cluster, reason, &[key, "write it on one line"], async |c| {
            c.merge(Kind::ConfigMap, "on-cluster-build-config", json!({"data": {key: value}})).await;
        })
        .await;
    }
}

/// The Events about the ConfigMap of Containerfile texts.
async fn told(cluster: &Cluster) -> Vec<Event> {
    let events: Api<Event> = Api::namespaced(cluster.client.clone(), DEFAULT_NAMESPACE);
    let mut events = events.list(&ListParams::default()).await.unwrap().items;
    events.retain(|event| event.involved_object.name.as_deref() == Some(CUSTOM));
    events
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_no_pools_is_told_of_once_on_its_config_map() {
    let cluster = cluster_with_custom(json!({"data": {"worker": "RUN x", "wroker": "RUN x"}})).await;
    let uid = cluster.exists(Kind::ConfigMap, CUSTOM).await.metadata.uid;
    let daemon = cluster.daemon().await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    let [event] = cluster.eventually("an Event", async || <[Event; 1]>::try_from(told(&cluster).await).ok()).await;
    assert_eq!((event.reason.as_deref(), event.type_.as_deref()), (Some("ConfigInvalid"), Some("Warning")));
    assert_eq!(event.involved_object.uid, uid);
    assert_eq!(event.involved_object.kind.as_deref(), Some("ConfigMap"));
    let text = event.message.unwrap();
    assert!(text.contains("key wroker") && text.contains("the pools are worker") && text.contains("rename"), "{text}");

    // Other changes and a restart cause no second report; another key is reported.
    cluster.merge(Kind::ConfigMap, CUSTOM, json!({"data": {"worker": "RUN y"}})).await;
    cluster.rest(Duration::from_secs(60)).await;
    daemon.stop().await;
    let _daemon = cluster.daemon().await;
    cluster.rest(Duration::from_secs(60)).await;
    assert_eq!(told(&cluster).await.len(), 1);
    cluster.merge(Kind::ConfigMap, CUSTOM, json!({"data": {"Worker": "RUN y"}})).await;
    cluster.eventually("another Event", async || (told(&cluster).await.len() == 2).then_some(())).await;
    cluster.server.clear_log();
    cluster.rest(Duration::from_secs(60)).await;
    assert_eq!(cluster.daemon_requests(), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_key_whose_pool_comes_a_moment_later_is_not_told_of() {
    let (cluster, _daemon) = Cluster::with_daemon().await;
    cluster.create(config_map(CUSTOM, json!({"worker": "RUN x"}))).await;
    cluster.rest(Duration::from_secs(1)).await;
    cluster.create_pool("worker", R1).await;
    cluster.rest(Duration::from_secs(60)).await;
    assert_eq!(told(&cluster).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_published_stays_so_while_its_containerfile_cannot_be_meant() {
    let (cluster, _daemon) = Cluster::with_image().await;
    cluster.create(config_map(CUSTOM, json!({"worker": "FROM scratch"}))).await;
    cluster.rest(Duration::from_secs(60)).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(cluster.events("worker").await.last().unwrap(), "ConfigInvalid");
    assert!(!message(&cluster.pool("worker").await, "BuildSuccess").is_empty());
}
