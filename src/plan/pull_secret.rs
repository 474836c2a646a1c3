//! Pull secrets: whichever of two bodies a Secret has under whichever of two types, a build can mount one form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::{Map, Value, json};

use super::fault::{FaultReason, InputFault};
use crate::api::{Key, Kind, Object, Sensitive, keys, names};

const MODERN_TYPE: &str = "kubernetes.io/dockerconfigjson";
const MODERN_KEY: &str = ".dockerconfigjson";
const LEGACY_TYPE: &str = "kubernetes.io/dockercfg";
const LEGACY_KEY: &str = ".dockercfg";

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
/// A modern body under the modern type is mounted as it is. Everything else becomes a Secret of the
/// modern type beside it, a pure function of the source, which owns it.
pub fn normalise(source: &Object) -> Result<PullSecret, InputFault> {
    let name = source.metadata.name.clone().unwrap_or_default();
    let fault = |problem: String| InputFault {
        reason: FaultReason::SecretInvalid,
        object: Key::new(Kind::Secret, &name),
        key: None,
        problem,
        fix: format!(
            "make it anew as a Secret of type {MODERN_TYPE}, for instance with kubectl create secret docker-registry"
        ),
        is_missing: false,
    };
    let secret_type = source.data.get("type").and_then(Value::as_str).unwrap_or("Opaque");
    let (key, is_modern_type) = match secret_type {
        MODERN_TYPE => (MODERN_KEY, true),
        LEGACY_TYPE => (LEGACY_KEY, false),
        other => return Err(fault(format!("its type is {other:?}, which holds no registry credentials"))),
    };
    let fault = |problem: &str| InputFault { key: Some(key.to_owned()), ..fault(problem.to_owned()) };
    let body = body(source, key).map_err(fault)?;
    let is_modern_body = body.contains_key("auths");
    if is_modern_type && is_modern_body {
        return Ok(PullSecret { name, canonical: None });
    }
    let modern = if is_modern_body { Value::Object(body) } else { json!({ "auths": body }) };
    let canonical = canonical_secret(source, &name, &modern);
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

/// The credentials in a Secret, checked; errors never quote any of it.
fn body(source: &Object, key: &str) -> Result<Map<String, Value>, &'static str> {
    let encoded = source.data.pointer(&format!("/data/{key}")).and_then(Value::as_str);
    let plain = source.data.pointer(&format!("/stringData/{key}")).and_then(Value::as_str);
    let bytes = match (plain, encoded) {
        (Some(plain), _) => plain.as_bytes().to_vec(),
        (None, Some(encoded)) => STANDARD.decode(encoded).map_err(|_| "it is not base64")?,
        (None, None) => return Err("it is missing"),
    };
    if bytes.trim_ascii().is_empty() {
        return Err("it is empty");
    }
    let Ok(Value::Object(body)) = serde_json::from_slice(&bytes) else {
        return Err("it is not a JSON object");
    };
    let hosts = match body.get("auths") {
        None => &body,
        Some(Value::Object(hosts)) => hosts,
        Some(_) => return Err("its auths is not a JSON object"),
    };
    if hosts.values().any(|entry| !entry.is_object()) {
        return Err("the entry of a registry host is not a JSON object");
    }
    Ok(body)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(secret_type: &str, key: &str, body: &str) -> Object {
        serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Secret", "type": secret_type,
            "metadata": {"name": "pull", "namespace": "ns", "uid": "u1"},
            "data": {key: STANDARD.encode(body)},
        }))
        .unwrap()
    }

    fn canonical_body(source: &Object) -> Value {
        let canonical = normalise(source).unwrap().canonical.expect("a canonical Secret");
        let canonical = canonical.expose();
        assert!(is_canonical_of(canonical, source));
        assert_eq!(canonical.data["type"], MODERN_TYPE);
        let encoded = canonical.data["data"][MODERN_KEY].as_str().unwrap();
        serde_json::from_slice(&STANDARD.decode(encoded).unwrap()).unwrap()
    }

    const LEGACY: &str = r#"{"registry.test":{"auth":"eA=="}}"#;
    const MODERN: &str = r#"{"auths":{"registry.test":{"auth":"eA=="}}}"#;

    #[test]
    fn a_modern_secret_is_mounted_as_it_is() {
        let found = normalise(&secret(MODERN_TYPE, MODERN_KEY, MODERN)).unwrap();
        assert_eq!(found.name, "pull");
        assert!(found.canonical.is_none());
    }

    #[test]
    fn l29_every_other_mix_of_type_and_body_becomes_a_modern_secret() {
        let expected: Value = serde_json::from_str(MODERN).unwrap();
        for (secret_type, key, body) in
            [(LEGACY_TYPE, LEGACY_KEY, LEGACY), (LEGACY_TYPE, LEGACY_KEY, MODERN), (MODERN_TYPE, MODERN_KEY, LEGACY)]
        {
            let source = secret(secret_type, key, body);
            assert_eq!(canonical_body(&source), expected, "{secret_type} {body}");
            assert_eq!(normalise(&source).unwrap().name, "pull-canonical");
        }
    }

    #[test]
    fn l30_an_empty_auths_is_not_wrapped_again() {
        let source = secret(LEGACY_TYPE, LEGACY_KEY, r#"{"auths":{}}"#);
        assert_eq!(canonical_body(&source), json!({"auths": {}}));
    }

    #[test]
    fn l28_a_name_alone_does_not_make_a_secret_canonical() {
        let source = secret(LEGACY_TYPE, LEGACY_KEY, LEGACY);
        let mut lookalike = source.clone();
        lookalike.metadata.name = Some("pull-canonical".into());
        assert!(!is_canonical_of(&lookalike, &source));
    }

    #[test]
    fn bad_bodies_are_named_and_never_quoted() {
        for (secret_type, key, body, problem) in [
            ("Opaque", MODERN_KEY, MODERN, "its type is \"Opaque\""),
            (MODERN_TYPE, LEGACY_KEY, MODERN, "it is missing"),
            (MODERN_TYPE, MODERN_KEY, "", "it is empty"),
            (MODERN_TYPE, MODERN_KEY, " \n", "it is empty"),
            (MODERN_TYPE, MODERN_KEY, "hunter2", "it is not a JSON object"),
            (MODERN_TYPE, MODERN_KEY, "[\"hunter2\"]", "it is not a JSON object"),
            (MODERN_TYPE, MODERN_KEY, r#"{"auths":"hunter2"}"#, "its auths is not"),
            (LEGACY_TYPE, LEGACY_KEY, r#"{"registry.test":"hunter2"}"#, "the entry of a registry host"),
        ] {
            let fault = normalise(&secret(secret_type, key, body)).err().expect(body).to_string();
            assert!(fault.contains(problem), "{fault}");
            assert!(!fault.contains("hunter2"), "{fault}");
        }
    }
}
