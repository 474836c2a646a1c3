//! The Pod of a build.

use serde_json::{Value, json};

use super::volumes::{mounts, variables, volumes};
use super::{BuildSettings, IMAGE_BUILD, WAIT_FOR_DONE};
use crate::api::limits::POD_GRACE_PERIOD_S;
use crate::api::{BUILD_SERVICE_ACCOUNT, Kind, Object, names};
use crate::builders::{DigestHandoff, build_object, resources};
use crate::plan::objects;
use crate::plan::request::BuildRequest;

const BUILD_SCRIPT: &str = include_str!("../../../templates/build-image.sh");
const WAIT_SCRIPT: &str = include_str!("../../../templates/wait-for-done.sh");

/// The user and group that buildah runs as: those of the buildah image.
const BUILD_USER: i64 = 1000;

pub(super) fn pod(request: &BuildRequest, settings: &BuildSettings) -> Object {
    let (mut containers, mut volumes) = (vec![image_build(request, settings)], volumes(request, settings));
    if settings.digest_handoff == DigestHandoff::ConfigMap {
        containers.push(wait_for_done(request, settings));
        volumes.extend(helper_volumes());
    }
    let mut pod = build_object(Kind::Pod, request, settings);
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
        json!({"name": "BASE_IMAGE", "value": request.inputs.base_image}),
        json!({"name": "FINAL_IMAGE", "value": request.image()}),
        json!({"name": "BUILDAH_ISOLATION", "value": settings.isolation.name()}),
        json!({"name": "STORAGE_DRIVER", "value": settings.storage_driver.name()}),
        json!({"name": "HOME", "value": "/home/build"}),
    ];
    if let Some(image) = &request.inputs.extensions_image {
        environment.push(json!({"name": "EXTENSIONS_IMAGE", "value": image}));
    }
    environment.extend(variables(settings));
    let mut container = json!({
        "name": IMAGE_BUILD,
        "image": settings.builder_image,
        "command": ["/bin/bash", "-c", BUILD_SCRIPT],
        "env": environment,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        // Rootless buildah maps users through setuid helpers, which is all the privilege that it needs.
        "securityContext": {
            "runAsUser": BUILD_USER,
            "runAsGroup": BUILD_USER,
            "capabilities": {"add": ["SETUID", "SETGID"]},
        },
        "volumeMounts": mounts(settings),
    });
    if !settings.resources.is_empty() {
        container["resources"] = resources(settings);
    }
    container
}

fn wait_for_done(request: &BuildRequest, settings: &BuildSettings) -> Value {
    json!({
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
        "volumeMounts": [
            {"name": "done", "mountPath": "/tmp/done", "readOnly": true},
            {
                "name": "digest-writer-token",
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
                "readOnly": true,
            },
        ],
    })
}

/// The ConfigMap in which the helper leaves the digest, with `@DIGEST@` in its place.
fn digest_manifest(request: &BuildRequest, settings: &BuildSettings) -> String {
    let name = names::digest(&request.inputs.rendered_config);
    let mut config_map = Object::new(&name, &Kind::ConfigMap.resource());
    config_map.metadata = objects::metadata(request, name, &settings.namespace);
    config_map.data = json!({"data": {names::DIGEST_KEY: "@DIGEST@"}});
    serde_json::to_string(&config_map).expect("an object has string keys only")
}

/// What the helper waits for its digest in, and hands it over with.
fn helper_volumes() -> [Value; 2] {
    [
        json!({"name": "done", "emptyDir": {"medium": "Memory"}}),
        json!({"name": "digest-writer-token", "projected": {"sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
        ]}}),
    ]
}
