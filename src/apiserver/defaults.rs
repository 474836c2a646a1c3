//! Default values of new objects.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::definition;
use super::kinds::{ResourceKind, Strategy};

/// Fills in what a new object of `kind` leaves out, and what only the server says of it.
pub(super) fn set_defaults(kind: &ResourceKind, body: &mut Value, now: Timestamp) {
    match kind.rules {
        Strategy::Custom if kind.status => {
            body.as_object_mut().map(|object| object.remove("status"));
        }
        Strategy::Namespace => {
            let name = body["metadata"]["name"].clone();
            body["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
            body["spec"] = json!({"finalizers": ["kubernetes"]});
            body["status"] = json!({"phase": "Active"});
        }
        Strategy::Pod => {
            if let Some(spec) = body.get_mut("spec").and_then(Value::as_object_mut) {
                spec.entry("restartPolicy").or_insert_with(|| "Always".into());
                spec.entry("terminationGracePeriodSeconds").or_insert_with(|| 30.into());
                spec.entry("dnsPolicy").or_insert_with(|| "ClusterFirst".into());
                spec.entry("serviceAccountName").or_insert_with(|| "default".into());
                spec.entry("schedulerName").or_insert_with(|| "default-scheduler".into());
                let containers = spec.get_mut("containers").and_then(Value::as_array_mut);
                containers.into_iter().flatten().filter_map(Value::as_object_mut).for_each(set_container_defaults);
            }
            body["status"] = json!({"phase": "Pending"});
        }
        Strategy::Secret => {
            if let Some(secret) = body.as_object_mut() {
                secret.entry("type").or_insert_with(|| "Opaque".into());
            }
            encode_strings(body);
        }
        Strategy::Definition => definition::accept(body, now),
        Strategy::Plain | Strategy::Custom | Strategy::ConfigMap | Strategy::Event => {}
    }
}

fn set_container_defaults(container: &mut Map<String, Value>) {
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let name = image.rsplit('/').next().unwrap_or_default();
    let moves = !name.contains('@') && name.split_once(':').is_none_or(|(_, tag)| tag == "latest");
    container.entry("imagePullPolicy").or_insert_with(|| if moves { "Always" } else { "IfNotPresent" }.into());
    container.entry("terminationMessagePath").or_insert_with(|| "/dev/termination-log".into());
    container.entry("terminationMessagePolicy").or_insert_with(|| "File".into());
}

/// Moves a Secret's `stringData` into its `data`.
pub(super) fn encode_strings(secret: &mut Value) {
    let Some(Value::Object(strings)) = secret.as_object_mut().and_then(|secret| secret.remove("stringData")) else {
        return;
    };
    if !secret["data"].is_object() {
        secret["data"] = json!({});
    }
    for (key, value) in strings {
        secret["data"][key] = STANDARD.encode(value.as_str().unwrap_or_default()).into();
    }
}
