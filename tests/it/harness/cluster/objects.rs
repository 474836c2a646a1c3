//! Objects as a test writes them, and what objects show.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use machine_os_builder::api::conditions::BUILD_CONDITIONS;
use machine_os_builder::api::{DEFAULT_NAMESPACE, Object, Pool, keys};
use serde_json::{Value, json};

/// The config that the pool `worker` wants in most tests, and a later one.
pub(crate) const R1: &str = "rendered-worker-1";
pub(crate) const R2: &str = "rendered-worker-2";
/// The pod that builds the first.
pub(crate) const POD: &str = "build-rendered-worker-1";

/// The build conditions that are True, with their reasons.
pub(crate) fn shown(object: &Object) -> Vec<(String, String)> {
    let pool = Pool::new(object);
    BUILD_CONDITIONS
        .iter()
        .filter(|type_| pool.is_true(type_))
        .map(|type_| ((*type_).to_owned(), pool.condition(type_).unwrap()["reason"].as_str().unwrap().to_owned()))
        .collect()
}

pub(crate) fn message(object: &Object, condition: &str) -> String {
    Pool::new(object).condition(condition).and_then(|c| c["message"].as_str()).unwrap_or_default().to_owned()
}

pub(crate) fn image_on(object: &Object) -> Option<String> {
    Pool::new(object).annotation(keys::NEWEST_IMAGE).map(str::to_owned)
}

/// References to build objects, in the spec and in the status.
pub(crate) fn references(object: &Object) -> (Vec<Value>, Vec<Value>) {
    let pool = Pool::new(object);
    let of = |source: &[Value]| source.iter().filter(|r| r["kind"] != "MachineConfig").cloned().collect();
    (of(pool.spec_source()), of(pool.status_source()))
}

pub(crate) fn exited(container: &str, code: i32, message: &str) -> Value {
    json!({"name": container, "state": {"terminated": {"exitCode": code, "message": message}}})
}

/// The digest of the image that a test build of `rendered` pushes.
pub(crate) fn digest_of(rendered: &str) -> String {
    format!("sha256:{}", machine_os_builder::api::names::sha256_hex(rendered))
}

pub(crate) fn pool(name: &str, rendered: &str) -> Value {
    json!({
        "apiVersion": "machineconfiguration.openshift.io/v1", "kind": "MachineConfigPool",
        "metadata": {"name": name, "labels": {keys::LAYERING_ENABLED: ""}},
        "spec": {"configuration": {"name": rendered, "source": [machine_config_reference()]}},
    })
}

pub(crate) fn machine_config_reference() -> Value {
    json!({"apiVersion": "machineconfiguration.openshift.io/v1", "kind": "MachineConfig", "name": "00-worker"})
}

pub(crate) fn machine_config(name: &str) -> Value {
    json!({
        "apiVersion": "machineconfiguration.openshift.io/v1", "kind": "MachineConfig",
        "metadata": {"name": name},
        "spec": {"config": {"ignition": {"version": "3.4.0"}, "futureField": name}},
    })
}

/// A pod that no daemon has made, unless its labels say so.
pub(crate) fn foreign_pod(name: &str, labels: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": DEFAULT_NAMESPACE, "labels": labels},
        "spec": {"containers": [{"name": "x", "image": "registry.test/x"}]},
    })
}

pub(crate) fn config_map(name: &str, data: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": DEFAULT_NAMESPACE}, "data": data,
    })
}

pub(crate) fn secret(name: &str, secret_type: &str, key: &str, body: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": name, "namespace": DEFAULT_NAMESPACE},
        "type": secret_type, "data": {key: STANDARD.encode(body.to_string())},
    })
}

pub(crate) fn modern_secret(name: &str) -> Value {
    let body = json!({"auths": {"registry.test": {"auth": "dTpw"}}});
    secret(name, "kubernetes.io/dockerconfigjson", ".dockerconfigjson", &body)
}

pub(crate) fn inputs() -> Vec<Value> {
    vec![
        config_map(
            "machine-config-osimageurl",
            json!({
                "baseOSContainerImage": "registry.test/release/os:9",
                "releaseVersion": "4.16.0",
                "osImageURL": "",
            }),
        ),
        config_map(
            "on-cluster-build-config",
            json!({
                "baseImagePullSecretName": "pull",
                "finalImagePushSecretName": "push",
                "finalImagePullspec": "registry.test/org/os:latest",
            }),
        ),
        modern_secret("pull"),
        modern_secret("push"),
    ]
}
