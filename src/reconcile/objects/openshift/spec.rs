//! The Build of a build.

use serde_json::{Value, json};

use crate::api::{Object, keys, names};
use crate::reconcile::inputs::build_settings::BuildSettings;
use crate::reconcile::inputs::request::BuildRequest;
use crate::reconcile::objects::{metadata, parts};

/// Where in the build's context the MachineConfig is put: where the Containerfile copies it from.
pub const PAYLOAD_DIRECTORY: &str = "machineconfig";

pub(in crate::reconcile::objects) fn object(request: &BuildRequest, settings: &BuildSettings) -> Object {
    let rendered = &request.inputs.rendered_config;
    let config_map = |name: String, directory: &str| json!({"configMap": {"name": name}, "destinationDir": directory});
    let mut build = parts::empty(request, settings);
    let mut spec = json!({
        "completionDeadlineSeconds": settings.deadline_s(),
        "source": {
            "type": "Dockerfile",
            // The same text as in the ConfigMap, which is laid over it: the build system reads this one to know which
            // images it will need credentials for.
            "dockerfile": metadata::containerfile(request),
            "configMaps": [
                config_map(names::payload(rendered), PAYLOAD_DIRECTORY),
                config_map(names::containerfile(rendered), ""),
            ],
        },
        "strategy": {
            "type": "Docker",
            "dockerStrategy": {
                "pullSecret": {"name": request.pull_secret.name},
                "imageOptimizationPolicy": "SkipLayers",
            },
        },
        "output": {
            "to": {"kind": "DockerImage", "name": request.image()},
            "pushSecret": {"name": request.push_secret.name},
            "imageLabels": [{"name": keys::IMAGE_POOL, "value": request.pool}],
        },
    });
    add(&mut spec, settings);
    build.data = json!({ "spec": spec });
    build
}

/// Adds those of the settings that Builds have fields for; what is not set is left to the cluster.
fn add(spec: &mut Value, settings: &BuildSettings) {
    if !settings.resources.is_empty() {
        spec["resources"] = parts::resources(settings);
    }
    if !settings.node_selector.is_empty() {
        spec["nodeSelector"] = json!(settings.node_selector);
    }
    if settings.trusted_ca_config_map.is_some() {
        spec["mountTrustedCA"] = json!(true);
    }
    let proxies = settings.proxy.variables();
    if !proxies.is_empty() {
        // As arguments, which steps see and images do not keep. Variables of the strategy would be put into the image,
        // each proxy's password among them.
        let arguments = proxies.into_iter().map(|(name, value)| json!({"name": name, "value": value}));
        spec["strategy"]["dockerStrategy"]["buildArgs"] = arguments.collect();
    }
}
