//! The volumes of the containers: inputs, credentials, files that they pass to each other, and volumes from the
//! settings.
//!
//! A container mounts only the credentials that it needs: the steps of a build run in `image-build`, and a process that
//! escapes from one can read everything mounted there.

use serde_json::{Value, json};

use crate::api::names;
use crate::reconcile::inputs::build_settings::{BuildSettings, DigestHandoff};
use crate::reconcile::inputs::request::BuildRequest;

/// The volume with the credentials to push with.
pub const PUSH_CREDENTIALS: &str = "final-image-push-creds";
/// The volume with those to pull with.
const PULL_CREDENTIALS: &str = "base-image-pull-creds";
/// The volume in which `image-build` leaves the image.
pub const IMAGE_LAYOUT: &str = "image-layout";
/// The volume in which `image-push` leaves the digest for the helper, where there is one.
const DONE: &str = "done";
/// The volume with the helper's token.
const TOKEN: &str = "digest-writer-token";
/// Where clients of the API server look for a token.
const TOKEN_DIRECTORY: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The volume with the bundle of trusted certificate authorities, and its file.
const TRUSTED_CA: (&str, &str) = ("trusted-ca", "ca-bundle.crt");
/// The volume with the configuration of registries, and its file, whose name is its key in the ConfigMap too.
const REGISTRIES: (&str, &str) = ("registries", "registries.conf");
/// Where Go's programs look for certificates of authorities by themselves, on any Linux.
const SYSTEM_CERTIFICATES: &str = "/etc/ssl/certs:/etc/pki/tls/certs";

/// Where a volume is mounted.
fn directory(volume: &str) -> String {
    format!("/tmp/{volume}")
}

/// The volumes of all that is there without a helper.
pub(super) fn volumes(request: &BuildRequest, settings: &BuildSettings) -> Vec<Value> {
    let rendered = &request.inputs.rendered_config;
    let credentials = |volume: &str, secret: &str| {
        json!({
            "name": volume,
            "secret": {"secretName": secret, "items": [{"key": ".dockerconfigjson", "path": "config.json"}]},
        })
    };
    let mut volumes = vec![
        json!({"name": "dockerfile", "configMap": {"name": names::containerfile(rendered)}}),
        json!({"name": "machineconfig", "configMap": {"name": names::payload(rendered)}}),
        credentials(PULL_CREDENTIALS, &request.pull_secret.name),
        credentials(PUSH_CREDENTIALS, &request.push_secret.name),
    ];
    if let Some(config_map) = &settings.trusted_ca_config_map {
        volumes.push(file(TRUSTED_CA, config_map, &settings.trusted_ca_key));
    }
    if let Some(config_map) = &settings.registries_config_map {
        volumes.push(file(REGISTRIES, config_map, REGISTRIES.1));
    }
    volumes.push(json!({"name": IMAGE_LAYOUT, "emptyDir": {}}));
    volumes
}

/// A volume with one file, out of a ConfigMap.
fn file((volume, path): (&str, &str), config_map: &str, key: &str) -> Value {
    json!({"name": volume, "configMap": {"name": config_map, "items": [{"key": key, "path": path}]}})
}

/// What the helper waits for its digest in, and hands it over with.
pub(super) fn helper_volumes() -> [Value; 2] {
    [
        json!({"name": DONE, "emptyDir": {"medium": "Memory"}}),
        json!({"name": TOKEN, "projected": {"sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
        ]}}),
    ]
}

/// What `image-build` finds: nothing to push with.
pub(super) fn build_mounts(settings: &BuildSettings) -> Value {
    let own = ["dockerfile", "machineconfig", PULL_CREDENTIALS].map(read_only);
    own.into_iter().chain(of_settings(settings)).chain([writable(IMAGE_LAYOUT)]).collect()
}

/// What `image-push` finds: nothing that a build is made from but its image, which it cannot change.
pub(super) fn push_mounts(settings: &BuildSettings) -> Value {
    let own = [PUSH_CREDENTIALS].map(read_only);
    let helped = settings.digest_handoff == DigestHandoff::ConfigMap;
    let done = helped.then(|| writable(DONE));
    own.into_iter().chain(of_settings(settings)).chain([read_only(IMAGE_LAYOUT)]).chain(done).collect()
}

/// What the helper finds.
pub(super) fn wait_mounts() -> Value {
    json!([read_only(DONE), {"name": TOKEN, "mountPath": TOKEN_DIRECTORY, "readOnly": true}])
}

/// What both that run buildah find of the settings.
fn of_settings(settings: &BuildSettings) -> impl Iterator<Item = Value> {
    let authorities = settings.trusted_ca_config_map.as_ref().map(|_| TRUSTED_CA.0);
    let registries = settings.registries_config_map.as_ref().map(|_| REGISTRIES.0);
    authorities.into_iter().chain(registries).map(read_only)
}

fn read_only(volume: &str) -> Value {
    json!({"name": volume, "mountPath": directory(volume), "readOnly": true})
}

fn writable(volume: &str) -> Value {
    json!({"name": volume, "mountPath": directory(volume)})
}

/// The variables by which buildah finds what the settings add.
pub(super) fn variables(settings: &BuildSettings) -> Vec<Value> {
    let mut variables = Vec::new();
    if settings.trusted_ca_config_map.is_some() {
        // Not SSL_CERT_FILE, which would take the place of the image's own bundle: directories are read besides it.
        let directories = format!("{SYSTEM_CERTIFICATES}:{}", directory(TRUSTED_CA.0));
        variables.push(json!({"name": "SSL_CERT_DIR", "value": directories}));
    }
    if settings.registries_config_map.is_some() {
        let file = format!("{}/{}", directory(REGISTRIES.0), REGISTRIES.1);
        variables.push(json!({"name": "CONTAINERS_REGISTRIES_CONF", "value": file}));
    }
    // buildah passes these on to the steps of the build, and leaves them out of the image.
    let proxies = settings.proxy.variables();
    // A kubelet takes $$ for a $, and $(NAME) for a variable.
    let literal = |value: &str| value.replace('$', "$$");
    variables.extend(proxies.into_iter().map(|(name, value)| json!({"name": name, "value": literal(value)})));
    variables
}
