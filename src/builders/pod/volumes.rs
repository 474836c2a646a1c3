//! What the container that builds finds mounted: its inputs, credentials, and what the settings add.

use serde_json::{Value, json};

use crate::api::names;
use crate::builders::{BuildSettings, DigestHandoff};
use crate::plan::request::BuildRequest;

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

/// The volumes of all that `image-build` reads.
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
        credentials("base-image-pull-creds", &request.pull_secret.name),
        credentials("final-image-push-creds", &request.push_secret.name),
    ];
    if let Some(config_map) = &settings.trusted_ca_config_map {
        volumes.push(file(TRUSTED_CA, config_map, &settings.trusted_ca_key));
    }
    if let Some(config_map) = &settings.registries_config_map {
        volumes.push(file(REGISTRIES, config_map, REGISTRIES.1));
    }
    volumes
}

/// A volume with one file, out of a ConfigMap.
fn file((volume, path): (&str, &str), config_map: &str, key: &str) -> Value {
    json!({"name": volume, "configMap": {"name": config_map, "items": [{"key": key, "path": path}]}})
}

/// Where `image-build` finds them.
pub(super) fn mounts(settings: &BuildSettings) -> Vec<Value> {
    let mut volumes = vec!["dockerfile", "machineconfig", "base-image-pull-creds", "final-image-push-creds"];
    volumes.extend(settings.trusted_ca_config_map.as_ref().map(|_| TRUSTED_CA.0));
    volumes.extend(settings.registries_config_map.as_ref().map(|_| REGISTRIES.0));
    let read_only = |volume| json!({"name": volume, "mountPath": directory(volume), "readOnly": true});
    let mut mounts: Vec<Value> = volumes.into_iter().map(read_only).collect();
    if settings.digest_handoff == DigestHandoff::ConfigMap {
        mounts.push(json!({"name": "done", "mountPath": directory("done")}));
    }
    mounts
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
