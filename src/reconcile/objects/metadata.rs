//! The objects of a build, except the build object itself, which its builder makes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::containerfile;
use super::payload::Payload;
use crate::api::limits::CONFIG_MAP_BYTES_MAX;
use crate::api::names::CUSTOM_CONTAINERFILE;
use crate::api::{Key, Kind, Object, keys, names};
use crate::reconcile::inputs::fault::{FaultReason, InputFault};
use crate::reconcile::inputs::request::BuildRequest;

/// Metadata that every object of the build of `request` carries.
pub fn metadata(request: &BuildRequest, name: String, namespace: &str) -> ObjectMeta {
    let BuildRequest { pool, inputs, hash, claim, .. } = request;
    let named = [(keys::TARGET_POOL, pool.as_str()), (keys::DESIRED_CONFIG, inputs.rendered_config.as_str())];
    let mut annotations = vec![(keys::POOL, ""), (keys::INPUT_HASH, hash.as_str())];
    annotations.extend(claim.as_deref().map(|claim| (keys::CLAIM, claim)));
    // A label that holds a shortened name leaves the full one to an annotation of the same key.
    annotations.extend(named.iter().filter(|(_, name)| names::label_value(name) != **name));
    ObjectMeta {
        name: Some(name),
        namespace: Some(namespace.to_owned()),
        labels: Some(
            named
                .iter()
                .map(|(key, name)| ((*key).to_owned(), names::label_value(name).into_owned()))
                .chain([(keys::BUILD_POD.to_owned(), String::new())])
                .collect(),
        ),
        annotations: Some(annotations.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()),
        ..ObjectMeta::default()
    }
}

/// The ConfigMap with the compressed MachineConfig.
pub fn payload_config_map(request: &BuildRequest, payload: &Payload, namespace: &str) -> Object {
    let name = names::payload(&request.inputs.rendered_config);
    config_map(request, name, namespace, json!({ names::PAYLOAD_KEY: payload.as_str() }))
}

/// The ConfigMap with the Containerfile.
pub fn containerfile_config_map(request: &BuildRequest, namespace: &str) -> Object {
    let name = names::containerfile(&request.inputs.rendered_config);
    config_map(request, name, namespace, json!({ names::CONTAINERFILE_KEY: containerfile(request) }))
}

/// The Containerfile.
pub fn containerfile(request: &BuildRequest) -> String {
    containerfile::render(&request.pool, &request.inputs, request.custom_containerfile.as_deref())
}

fn config_map(request: &BuildRequest, name: String, namespace: &str, data: Value) -> Object {
    let mut object = Object::new(&name, &Kind::ConfigMap.resource());
    object.metadata = metadata(request, name, namespace);
    object.data = json!({ "data": data });
    object
}

/// The fault of a Containerfile that does not fit into a ConfigMap, or into what runs the build.
pub fn containerfile_fault(request: &BuildRequest) -> Option<InputFault> {
    let own = request.custom_containerfile.as_ref()?;
    let of_builder = request.builder.containerfile_bytes_max();
    // All else in it is far smaller than half of what fits.
    if own.len() < of_builder.unwrap_or(CONFIG_MAP_BYTES_MAX) / 2 {
        return None;
    }
    let bytes = containerfile(request).len();
    let kind = request.builder.kind().name();
    let in_config_map = CONFIG_MAP_BYTES_MAX - names::CONTAINERFILE_KEY.len();
    let (holder, most, fix) = match of_builder {
        Some(most) if bytes > most => (kind, most, "shorten it, or set imageBuilderType to custom-pod-builder"),
        _ if bytes > in_config_map => ("ConfigMap", in_config_map, "shorten it"),
        _ => return None,
    };
    let problem = format!("with it the Containerfile takes {bytes} bytes, and a {holder} holds {most}");
    let object = Key::new(Kind::ConfigMap, CUSTOM_CONTAINERFILE);
    Some(InputFault::new(FaultReason::ContainerfileTooLarge, object, Some(&request.pool), problem, fix))
}
