//! The Build of a build.

use serde_json::json;

use super::PAYLOAD_DIRECTORY;
use crate::api::{Kind, Object, keys, names};
use crate::builders::{BuildSettings, build_object};
use crate::plan::objects;
use crate::plan::request::BuildRequest;

pub(super) fn build(request: &BuildRequest, settings: &BuildSettings) -> Object {
    let rendered = &request.inputs.rendered_config;
    let config_map = |name: String, directory: &str| json!({"configMap": {"name": name}, "destinationDir": directory});
    let mut build = build_object(Kind::Build, request, settings);
    build.data = json!({ "spec": {
        "source": {
            "type": "Dockerfile",
            // The same text as in the ConfigMap, which is laid over it: the build system reads this one to know which
            // images it will need credentials for.
            "dockerfile": objects::containerfile(request),
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
    }});
    build
}
