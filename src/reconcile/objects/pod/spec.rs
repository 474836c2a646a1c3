//! The Pod of a build.

use serde_json::{Value, json};

use super::containers::{IMAGE_BUILD, IMAGE_PUSH, WAIT_FOR_DONE};
use super::resources::{OF_HELPER, OF_PUSH, beside};
use super::volumes::{build_mounts, helper_volumes, push_mounts, variables, volumes, wait_mounts};
use crate::api::limits::POD_GRACE_PERIOD_S;
use crate::api::{BUILD_SERVICE_ACCOUNT, Kind, Object, keys, names};
use crate::reconcile::inputs::build_settings::{BuildSettings, DigestHandoff};
use crate::reconcile::inputs::request::BuildRequest;
use crate::reconcile::objects::{metadata, parts};

/// A script, with what all of them share before it.
macro_rules! script {
    ($name:literal) => {
        concat!(include_str!("../../../../templates/common.sh"), include_str!(concat!("../../../../templates/", $name)))
    };
}

const BUILD_SCRIPT: &str = script!("build-image.sh");
const PUSH_SCRIPT: &str = script!("push-image.sh");
const WAIT_SCRIPT: &str = script!("wait-for-done.sh");

/// The user and group that buildah runs as: those of the buildah image.
const BUILD_USER: i64 = 1000;
/// What OpenShift is to admit build pods by: a user of their own choice, and no privilege besides.
const SECURITY_CONTEXT_CONSTRAINTS: &str = "anyuid";

pub(in crate::reconcile::objects) fn object(request: &BuildRequest, settings: &BuildSettings) -> Object {
    let mut containers = vec![image_build(request, settings), image_push(request, settings)];
    let mut volumes = volumes(request, settings);
    if settings.digest_handoff == DigestHandoff::ConfigMap {
        containers.push(wait_for_done(request, settings));
        volumes.extend(helper_volumes());
    }
    let mut pod = parts::empty(request, settings);
    let annotations = pod.metadata.annotations.get_or_insert_default();
    annotations.insert(keys::REQUIRED_SCC.to_owned(), SECURITY_CONTEXT_CONSTRAINTS.to_owned());
    let mut spec = json!({
        "restartPolicy": "Never",
        "serviceAccountName": BUILD_SERVICE_ACCOUNT,
        "automountServiceAccountToken": false,
        "terminationGracePeriodSeconds": POD_GRACE_PERIOD_S,
        "activeDeadlineSeconds": settings.deadline_s(),
        "imagePullSecrets": [{"name": request.pull_secret.name}],
        "containers": containers,
        "volumes": volumes,
    });
    schedule(&mut spec, settings);
    pod.data = json!({ "spec": spec });
    pod
}

/// Says where the pod may run; what is not set is left to the cluster.
fn schedule(spec: &mut Value, settings: &BuildSettings) {
    if !settings.node_selector.is_empty() {
        spec["nodeSelector"] = json!(settings.node_selector);
    }
    if !settings.tolerations.is_empty() {
        spec["tolerations"] = json!(settings.tolerations);
    }
    if let Some(name) = &settings.priority_class_name {
        spec["priorityClassName"] = json!(name);
    }
}

fn image_build(request: &BuildRequest, settings: &BuildSettings) -> Value {
    let mut environment = vec![
        variable("BASE_IMAGE", &request.inputs.base_image),
        variable("FINAL_IMAGE", &request.image()),
        variable("RENDERED_CONFIG", &request.inputs.rendered_config),
        variable("POOL", &request.pool),
        variable("BUILDAH_ISOLATION", settings.isolation.into()),
    ];
    if let Some(image) = &request.inputs.extensions_image {
        environment.push(variable("EXTENSIONS_IMAGE", image));
    }
    let mut container = with_buildah(IMAGE_BUILD, BUILD_SCRIPT, environment, settings);
    container["volumeMounts"] = build_mounts(settings);
    if !settings.resources.is_empty() {
        container["resources"] = parts::resources(settings);
    }
    container
}

fn image_push(request: &BuildRequest, settings: &BuildSettings) -> Value {
    let environment = vec![variable("FINAL_IMAGE", &request.image())];
    let mut container = with_buildah(IMAGE_PUSH, PUSH_SCRIPT, environment, settings);
    container["volumeMounts"] = push_mounts(settings);
    if let Some(resources) = beside(settings, OF_PUSH) {
        container["resources"] = resources;
    }
    container
}

/// A container that runs buildah.
fn with_buildah(name: &str, script: &str, mut environment: Vec<Value>, settings: &BuildSettings) -> Value {
    environment.push(variable("STORAGE_DRIVER", settings.storage_driver.into()));
    environment.push(variable("HOME", "/home/build"));
    environment.extend(variables(settings));
    json!({
        "name": name,
        "image": settings.builder_image,
        "command": ["/bin/bash", "-c", script],
        "env": environment,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        // Rootless buildah maps users through setuid helpers. What a runtime gives every container is enough for them,
        // and is all that OpenShift admits; but the privileges of a setuid program must not be forbidden.
        "securityContext": {"runAsUser": BUILD_USER, "runAsGroup": BUILD_USER},
    })
}

fn wait_for_done(request: &BuildRequest, settings: &BuildSettings) -> Value {
    let mut container = json!({
        "name": WAIT_FOR_DONE,
        "image": request.inputs.base_image,
        "command": ["/bin/bash", "-c", WAIT_SCRIPT],
        "env": [{"name": "DIGEST_MANIFEST", "value": digest_manifest(request, settings)}],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "runAsUser": BUILD_USER,
            "runAsGroup": BUILD_USER,
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": wait_mounts(),
    });
    if let Some(resources) = beside(settings, OF_HELPER) {
        container["resources"] = resources;
    }
    container
}

fn variable(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

/// The ConfigMap in which the helper leaves the digest, with `@DIGEST@` in its place.
fn digest_manifest(request: &BuildRequest, settings: &BuildSettings) -> String {
    let name = names::digest(&request.inputs.rendered_config);
    let mut config_map = Object::new(&name, &Kind::ConfigMap.resource());
    config_map.metadata = metadata::metadata(request, name, &settings.namespace);
    config_map.data = json!({"data": {names::DIGEST_KEY: "@DIGEST@"}});
    serde_json::to_string(&config_map).expect("an object has string keys only")
}
