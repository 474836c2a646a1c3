//! The parts of a build object that are the same for every backend.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::metadata;
use crate::api::{Object, keys, names};
use crate::reconcile::inputs::build_settings::BuildSettings;
use crate::reconcile::inputs::request::BuildRequest;

/// A build object with nothing in it yet: its name, its labels, and the inputs that it is made from.
pub(super) fn empty(request: &BuildRequest, settings: &BuildSettings) -> Object {
    let name = names::build(&request.inputs.rendered_config);
    let mut object = Object::new(&name, &request.builder.kind().resource());
    object.metadata = metadata::metadata(request, name, &settings.namespace);
    add(object.metadata.labels.get_or_insert_default(), &settings.labels);
    add(object.metadata.annotations.get_or_insert_default(), &settings.annotations);
    let inputs = serde_json::to_string(&request.inputs).expect("inputs have string keys only");
    object.metadata.annotations.get_or_insert_default().insert(keys::INPUTS.to_owned(), inputs);
    object
}

/// Adds the entries whose keys are missing: a setting never replaces an entry of this program's own.
fn add(own: &mut BTreeMap<String, String>, more: &BTreeMap<String, String>) {
    for (key, value) in more {
        own.entry(key.clone()).or_insert_with(|| value.clone());
    }
}

/// The resources that a build requests, and its limits, as objects have them.
pub(super) fn resources(settings: &BuildSettings) -> Value {
    let amounts = [("requests", &settings.resources.requests), ("limits", &settings.resources.limits)];
    amounts.into_iter().filter(|(_, amounts)| !amounts.is_empty()).map(|(name, it)| (name, json!(it))).collect()
}
