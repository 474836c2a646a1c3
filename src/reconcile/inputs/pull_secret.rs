//! Pull secrets: a Secret has either of two bodies under either of two types; a build can mount only one form.

mod body;
mod entry;
mod registry;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::{Map, Value, json};

use self::registry::shown;
use super::fault::{FaultReason, InputFault};
use crate::api::{Key, Kind, Object, Sensitive, keys, names};
use crate::encoding::{Padding, decode_base64};

const MODERN_TYPE: &str = "kubernetes.io/dockerconfigjson";
const MODERN_KEY: &str = ".dockerconfigjson";
const LEGACY_TYPE: &str = "kubernetes.io/dockercfg";
const LEGACY_KEY: &str = ".dockercfg";

/// What else a file of docker's has at its top, in lower case. Hosts are named otherwise.
const OTHER_FIELDS: [&str; 26] = [
    "aliases",
    "cliplugins",
    "clipluginsextradirs",
    "configformat",
    "credentialspath",
    "currentcontext",
    "detachkeys",
    "experimental",
    "features",
    "httpheaders",
    "imagesformat",
    "kubernetes",
    "networksformat",
    "nodesformat",
    "orchestrator",
    "plugins",
    "pluginsformat",
    "proxies",
    "prunefilters",
    "psformat",
    "secretformat",
    "serviceinspectformat",
    "servicesformat",
    "stackorchestrator",
    "statsformat",
    "volumesformat",
];
/// Those of them by which docker finds credentials elsewhere.
const HELPERS: [&str; 2] = ["credhelpers", "credsstore"];

/// A Secret that a build can mount.
#[derive(Clone, PartialEq)]
pub struct PullSecret {
    /// The name of the Secret to mount.
    pub name: String,
    /// The Secret that has to be there for it, if it is not the user's own.
    pub canonical: Option<Sensitive<Object>>,
}

/// The Secret to mount for the user's Secret `source`.
///
/// A modern body under the modern type, whose entries all of a build reads, is mounted as it is. Everything else becomes
/// a Secret of the modern type beside it, a pure function of the source, which owns it. What a build cannot use is
/// refused: without a word, it would be read as no credentials at all.
pub fn normalise(source: &Object) -> Result<PullSecret, InputFault> {
    let name = source.metadata.name.clone().unwrap_or_default();
    let fault_at = |key: Option<&str>, problem: String| {
        let fix = format!(
            "make it anew as a Secret of type {MODERN_TYPE}, for instance with kubectl create secret docker-registry"
        );
        InputFault::new(FaultReason::SecretInvalid, Key::new(Kind::Secret, &name), key, problem, fix)
    };
    let secret_type = source.data.get("type").and_then(Value::as_str).unwrap_or("Opaque");
    let (key, is_modern_type) = match secret_type {
        MODERN_TYPE => (MODERN_KEY, true),
        LEGACY_TYPE => (LEGACY_KEY, false),
        other => return Err(fault_at(None, format!("its type is {other:?}, which holds no registry credentials"))),
    };
    let fault = |problem: String| fault_at(Some(key), problem);
    let body = bytes(source, key).and_then(|bytes| body::parse(&bytes)).map_err(fault)?;
    let hosts = hosts(&body).map_err(fault)?;
    let canonical = canonical_hosts(hosts).map_err(fault)?;
    if is_modern_type && body.contains_key("auths") && canonical == *hosts {
        return Ok(PullSecret { name, canonical: None });
    }
    let canonical = canonical_secret(source, &name, &json!({ "auths": canonical }));
    Ok(PullSecret { name: names::canonical_secret(&name), canonical: Some(Sensitive::new(canonical)) })
}

/// A Secret of this name that a build could mount, to stand in for one that cannot be seen. There is nothing in it.
pub fn stand_in(name: &str) -> Object {
    let mut secret = Object::new(name, &Kind::Secret.resource());
    secret.data = json!({"type": MODERN_TYPE, "data": {MODERN_KEY: STANDARD.encode(r#"{"auths":{}}"#)}});
    secret
}

/// Whether `secret` was made by [`normalise`] from the Secret `source`, going by label and owner, not by name.
pub fn is_canonical_of(secret: &Object, source: &Object) -> bool {
    let metadata = &secret.metadata;
    let owners = metadata.owner_references.as_deref().unwrap_or_default();
    is_labelled(secret) && owners.iter().any(|owner| Some(&owner.uid) == source.metadata.uid.as_ref())
}

/// Whether `secret` has the label of those that [`normalise`] makes, and belongs to a Secret of which it may be one: one
/// that was made anew since has another UID.
pub fn is_made_here(secret: &Object) -> bool {
    let name = secret.metadata.name.as_deref().unwrap_or_default();
    let owners = secret.metadata.owner_references.as_deref().unwrap_or_default();
    let is_source =
        |owner: &OwnerReference| owner.kind == Kind::Secret.name() && names::canonical_secret(&owner.name) == name;
    is_labelled(secret) && owners.iter().any(is_source)
}

fn is_labelled(secret: &Object) -> bool {
    secret.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(keys::CANONICALIZED_SECRET))
}

/// What a Secret holds under `key`.
fn bytes(source: &Object, key: &str) -> Result<Vec<u8>, String> {
    let text = |field: &str| source.data.get(field).and_then(|values| values.get(key)).and_then(Value::as_str);
    match (text("stringData"), text("data")) {
        (Some(plain), _) => Ok(plain.as_bytes().to_vec()),
        (None, Some(encoded)) => decode_base64(encoded, Padding::Required).map_err(|_| "it is not base64".into()),
        (None, None) => Err("it is missing".into()),
    }
}

/// The entries of a body, by registry: those below `auths`, or all of a legacy one.
fn hosts(body: &Map<String, Value>) -> Result<&Map<String, Value>, String> {
    let is_auths = |name: &String| name.eq_ignore_ascii_case("auths");
    let is_known = |name: &&String| {
        let name = name.to_lowercase();
        is_auths(&name) || HELPERS.contains(&name.as_str()) || OTHER_FIELDS.contains(&name.as_str())
    };
    let is_modern = body.contains_key("auths");
    if let Some(other) = body.keys().find(|name| *name != "auths" && (is_modern || is_known(name))) {
        let shown = shown(other);
        return Err(match other.to_lowercase() {
            name if HELPERS.contains(&name.as_str()) => {
                format!("it has the field {shown}, and no credential helper runs in a build pod")
            }
            name if is_auths(&name) => format!("it has the field {shown}; did you mean auths?"),
            _ => format!("it has the field {shown} beside auths, which no build has a use for; leave it out"),
        });
    }
    match body.get("auths") {
        None => Ok(body),
        Some(Value::Object(hosts)) => Ok(hosts),
        Some(_) => Err("its auths is not a JSON object".into()),
    }
}

/// The entries as all of a build reads them.
fn canonical_hosts(hosts: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let mut canonical = Map::new();
    for (key, value) in hosts {
        let fault = |problem: String| format!("the entry of {}: {problem}", shown(key));
        let entry = entry::canonical(value).map_err(fault)?.unwrap_or_else(|| value.clone());
        let host = registry::canonical_key(key).map_err(fault)?;
        // One that is written as it is read goes before one that is not.
        if host == *key || !hosts.contains_key(host.as_ref()) {
            canonical.insert(host.into_owned(), entry);
        }
    }
    Ok(canonical)
}

fn canonical_secret(source: &Object, source_name: &str, body: &Value) -> Object {
    let mut canonical = Object::new(&names::canonical_secret(source_name), &Kind::Secret.resource());
    canonical.metadata.namespace = source.metadata.namespace.clone();
    canonical.metadata.labels = Some([(keys::CANONICALIZED_SECRET.to_owned(), String::new())].into());
    canonical.metadata.annotations = Some([(keys::CANONICALIZED_FROM.to_owned(), source_name.to_owned())].into());
    canonical.metadata.owner_references = source.metadata.uid.clone().map(|uid| {
        vec![OwnerReference {
            api_version: Kind::Secret.api_version().to_owned(),
            kind: Kind::Secret.name().to_owned(),
            name: source_name.to_owned(),
            uid,
            ..Default::default()
        }]
    });
    canonical.data = json!({"type": MODERN_TYPE, "data": {MODERN_KEY: STANDARD.encode(body.to_string())}});
    canonical
}
