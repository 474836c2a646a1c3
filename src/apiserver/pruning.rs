//! Pruning: fields that the kind does not have are removed from an object that a client sends.

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{SelfSubjectAccessReview, SelfSubjectRulesReview, SubjectAccessReview};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Pod, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::WriteContext;
use super::kinds::ResourceKind;
use super::status::StatusError;
use super::validate::reencode;

/// Most levels that an object may have: a few less than what clients read, who see it in lists and in events.
///
/// YAML and JSON patches go deeper than that.
const DEPTH_MAX: usize = 120;

/// Takes from `body` the fields that its kind does not know, and fills in those that have a value of their own.
///
/// A field of the wrong type is refused. So is an unknown field, if the client asks for strict validation.
pub(super) fn prune_and_default(place: &WriteContext<'_>, body: &mut Value) -> Result<(), StatusError> {
    let kind = place.kind;
    if is_deeper_than(body, DEPTH_MAX) {
        return Err(StatusError::bad_request(format!("the object is nested more than {DEPTH_MAX} levels deep")));
    }
    let refuse = |why: String| {
        let version = kind.version();
        StatusError::bad_request(format!("{0} in version {version:?} cannot be handled as a {0}: {why}", kind.name))
    };
    reencode(kind, body);
    let mut unknown = known(kind, body).map_err(refuse)?;
    if let Some(schema) = kind.schema {
        unknown.extend(schema.complete(body));
    }
    match unknown.as_slice() {
        [] => Ok(()),
        _ if !place.is_strict => Ok(()),
        fields => {
            let told: Vec<String> = fields.iter().map(|field| format!("unknown field {field:?}")).collect();
            Err(refuse(format!("strict decoding error: {}", told.join(", "))))
        }
    }
}

fn is_deeper_than(value: &Value, depth: usize) -> bool {
    let Some(below) = depth.checked_sub(1) else { return true };
    match value {
        Value::Array(items) => items.iter().any(|item| is_deeper_than(item, below)),
        Value::Object(fields) => fields.values().any(|field| is_deeper_than(field, below)),
        _ => false,
    }
}

fn known(kind: &ResourceKind, body: &mut Value) -> Result<Vec<String>, String> {
    match kind.name {
        // Unknown fields stay there, as on a server that knows more fields than this one.
        _ if kind.is_custom() => {
            ObjectMeta::deserialize(&body["metadata"]).map(|_| Vec::new()).map_err(|error| error.to_string())
        }
        "Namespace" => typed::<Namespace>(body),
        "Pod" => typed::<Pod>(body),
        "ConfigMap" => typed::<ConfigMap>(body),
        "Secret" => typed::<Secret>(body),
        "Event" => typed::<Event>(body),
        "ServiceAccount" => typed::<ServiceAccount>(body),
        "Lease" => typed::<Lease>(body),
        "Role" => typed::<Role>(body),
        "RoleBinding" => typed::<RoleBinding>(body),
        "ClusterRole" => typed::<ClusterRole>(body),
        "ClusterRoleBinding" => typed::<ClusterRoleBinding>(body),
        "CustomResourceDefinition" => typed::<CustomResourceDefinition>(body),
        "SelfSubjectReview" => typed::<SelfSubjectReview>(body),
        "SelfSubjectAccessReview" => typed::<SelfSubjectAccessReview>(body),
        "SelfSubjectRulesReview" => typed::<SelfSubjectRulesReview>(body),
        "SubjectAccessReview" => typed::<SubjectAccessReview>(body),
        _ => Ok(Vec::new()),
    }
}

/// Takes from `body` what a `T` does not have, and tells what that was.
fn typed<T: DeserializeOwned + Serialize>(body: &mut Value) -> Result<Vec<String>, String> {
    let typed = T::deserialize(&*body).map_err(|error| error.to_string())?;
    let known = serde_json::to_value(typed).map_err(|error| error.to_string())?;
    let mut unknown = Vec::new();
    strip(body, &known, "", &mut unknown);
    Ok(unknown)
}

fn strip(value: &mut Value, known: &Value, path: &str, unknown: &mut Vec<String>) {
    match (value, known) {
        (Value::Object(fields), Value::Object(known)) => fields.retain(|name, value| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match known.get(name) {
                Some(known) => strip(value, known, &path, unknown),
                None if value.is_null() => return false,
                None => {
                    unknown.push(path);
                    return false;
                }
            }
            true
        }),
        (Value::Array(items), Value::Array(known)) if items.len() == known.len() => {
            for (index, (item, known)) in items.iter_mut().zip(known).enumerate() {
                strip(item, known, &format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}
