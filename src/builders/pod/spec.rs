//! The Pod of a build.

use serde_json::{Value, json};

use super::{BuildSettings, IMAGE_BUILD, WAIT_FOR_DONE};
use crate::api::limits::POD_GRACE_PERIOD_S;
use crate::api::{BUILD_SERVICE_ACCOUNT, Kind, Object, names};
use crate::builders::{DigestHandoff, build_object};
use crate::plan::objects;
use crate::plan::request::BuildRequest;

const BUILD_SCRIPT: &str = include_str!("../../../templates/build-image.sh");
const WAIT_SCRIPT: &str = include_str!("../../../templates/wait-for-done.sh");

/// The user and group that buildah runs as: those of the buildah image.
const BUILD_USER: i64 = 1000;

pub(super) fn pod(request: &BuildRequest, settings: &BuildSettings) -> Object {
    let (mut containers, mut volumes) = (vec![image_build(request, settings)], volumes(request));
    if settings.digest_handoff == DigestHandoff::ConfigMap {
        containers.push(wait_for_done(request, settings));
        volumes.extend(helper_volumes());
    }
    let mut pod = build_object(Kind::Pod, request, settings);
    pod.data = json!({ "spec": {
        "restartPolicy": "Never",
        "serviceAccountName": BUILD_SERVICE_ACCOUNT,
        "automountServiceAccountToken": false,
        "terminationGracePeriodSeconds": POD_GRACE_PERIOD_S,
        "imagePullSecrets": [{"name": request.pull_secret.name}],
        "containers": containers,
        "volumes": volumes,
    }});
    pod
}

fn image_build(request: &BuildRequest, settings: &BuildSettings) -> Value {
    let mut environment = vec![
        json!({"name": "BASE_IMAGE", "value": request.inputs.base_image}),
        json!({"name": "FINAL_IMAGE", "value": request.image()}),
        json!({"name": "BUILDAH_ISOLATION", "value": "chroot"}),
        json!({"name": "STORAGE_DRIVER", "value": "vfs"}),
        json!({"name": "HOME", "value": "/home/build"}),
    ];
    if let Some(image) = &request.inputs.extensions_image {
        environment.push(json!({"name": "EXTENSIONS_IMAGE", "value": image}));
    }
    let mut mounts: Vec<Value> = ["dockerfile", "machineconfig", "base-image-pull-creds", "final-image-push-creds"]
        .into_iter()
        .map(|volume| json!({"name": volume, "mountPath": format!("/tmp/{volume}"), "readOnly": true}))
        .collect();
    if settings.digest_handoff == DigestHandoff::ConfigMap {
        mounts.push(json!({"name": "done", "mountPath": "/tmp/done"}));
    }
    json!({
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
        "volumeMounts": mounts,
    })
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

fn volumes(request: &BuildRequest) -> Vec<Value> {
    let rendered = &request.inputs.rendered_config;
    let credentials = |volume: &str, secret: &str| {
        json!({
            "name": volume,
            "secret": {"secretName": secret, "items": [{"key": ".dockerconfigjson", "path": "config.json"}]},
        })
    };
    vec![
        json!({"name": "dockerfile", "configMap": {"name": names::containerfile(rendered)}}),
        json!({"name": "machineconfig", "configMap": {"name": names::payload(rendered)}}),
        credentials("base-image-pull-creds", &request.pull_secret.name),
        credentials("final-image-push-creds", &request.push_secret.name),
    ]
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
