//! ConfigMaps and Secrets.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::super::kinds::{ResourceKind, Strategy};
use super::super::meta;
use super::super::status::FieldError;
use crate::api::limits::{CONFIG_MAP_BYTES_MAX, NAME_BYTES_MAX};
use crate::encoding::{Padding, decode_base64};

const DATA_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
    'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const IMMUTABLE: &str = "field is immutable when `immutable` is set";

/// The keys that Secrets of a type must have.
const REQUIRED: [(&str, &[&str]); 5] = [
    ("kubernetes.io/dockercfg", &[".dockercfg"]),
    ("kubernetes.io/dockerconfigjson", &[".dockerconfigjson"]),
    ("kubernetes.io/service-account-token", &[]),
    ("kubernetes.io/ssh-auth", &["ssh-privatekey"]),
    ("kubernetes.io/tls", &["tls.crt", "tls.key"]),
];
const ACCOUNT: &str = "kubernetes.io/service-account.name";

fn map<'a>(object: &'a Value, field: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    object.get(field).and_then(Value::as_object).into_iter().flatten()
}

/// Writes the bytes in a ConfigMap or a Secret as the server writes them: it keeps what base64 stands for, not the text
/// of a client, which may have line breaks in it. What is not base64 stays as it is, and is refused as such.
pub(crate) fn reencode(kind: &ResourceKind, object: &mut Value) {
    let field = match kind.rules {
        Strategy::Secret => "data",
        Strategy::ConfigMap => "binaryData",
        _ => return,
    };
    let values = object.get_mut(field).and_then(Value::as_object_mut).into_iter().flatten();
    for text in values.filter_map(|(_, value)| if let Value::String(text) = value { Some(text) } else { None }) {
        if let Ok(bytes) = decode_base64(text, Padding::Required) {
            *text = STANDARD.encode(bytes);
        }
    }
}

/// Adds what is wrong with the data of a ConfigMap or a Secret.
pub(super) fn object(kind: &ResourceKind, object: &Value, causes: &mut Vec<FieldError>) {
    let is_encoded = |field| kind.rules == Strategy::Secret || field == "binaryData";
    let mut bytes = 0;
    for field in ["data", "binaryData"] {
        for (key, value) in map(object, field) {
            let place = || format!("{field}[{key}]");
            if let Some(why) = key_fault(key) {
                causes.push(FieldError::invalid(place(), &json!(key), &why));
            }
            if field == "data" && object["binaryData"].get(key).is_some() {
                causes.push(FieldError::invalid(place(), &json!(key), "duplicate of key present in binaryData"));
            }
            let value = value.as_str().unwrap_or_default();
            bytes += if is_encoded(field) { decoded_len(value) } else { value.len() };
        }
    }
    if bytes > CONFIG_MAP_BYTES_MAX {
        let field = if kind.rules == Strategy::Secret { "data" } else { "[]" };
        causes.push(FieldError::too_long(field, CONFIG_MAP_BYTES_MAX));
    }
    if kind.rules == Strategy::Secret {
        secret(object, causes);
    }
}

fn key_fault(key: &str) -> Option<String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match key {
        "." => Some("must not be '.'".to_owned()),
        ".." => Some("must not be '..'".to_owned()),
        _ if key.starts_with("..") => Some("must not start with '..'".to_owned()),
        _ if key.len() > NAME_BYTES_MAX => Some(format!("must be no more than {NAME_BYTES_MAX} characters")),
        _ if key.is_empty() || !key.bytes().all(is_allowed) => Some(DATA_KEY.to_owned()),
        _ => None,
    }
}

fn secret(secret: &Value, causes: &mut Vec<FieldError>) {
    let own = meta::text(secret, "type");
    for key in REQUIRED.iter().filter(|(name, _)| *name == own).flat_map(|(_, keys)| *keys) {
        if secret["data"].get(key).is_none() {
            causes.push(FieldError::required(format!("data[{key}]"), ""));
        }
    }
    for key in [".dockercfg", ".dockerconfigjson"] {
        let decoded = secret["data"][key].as_str().and_then(|text| STANDARD.decode(text).ok());
        let fault =
            decoded.and_then(|bytes| serde_json::from_slice::<Option<BTreeMap<String, IgnoredAny>>>(&bytes).err());
        if let Some(error) = fault.filter(|_| own == format!("kubernetes.io/{}", &key[1..])) {
            let place = format!("data[{key}]");
            causes.push(FieldError::invalid(place, &json!("<secret contents redacted>"), &error.to_string()));
        }
    }
    let account = secret["metadata"]["annotations"].get(ACCOUNT).and_then(Value::as_str).unwrap_or_default();
    if own == "kubernetes.io/service-account-token" && account.is_empty() {
        causes.push(FieldError::required(format!("metadata.annotations[{ACCOUNT}]"), ""));
    }
}

/// Adds what may not change from `old` to `new`.
pub(super) fn update(kind: &ResourceKind, old: &Value, new: &Value, causes: &mut Vec<FieldError>) {
    if kind.rules == Strategy::Secret && old["type"] != new["type"] {
        causes.push(FieldError::invalid("type", &new["type"], "field is immutable"));
    }
    if old["immutable"] != true {
        return;
    }
    if new["immutable"] != true {
        causes.push(FieldError::forbidden("immutable", IMMUTABLE));
    }
    let empty = Map::new();
    for field in ["data", "binaryData"] {
        let of = |object: &Value| object.get(field).and_then(Value::as_object).unwrap_or(&empty).clone();
        if of(old) != of(new) {
            causes.push(FieldError::forbidden(field, IMMUTABLE));
        }
    }
}

/// How many bytes a base64 text stands for.
fn decoded_len(text: &str) -> usize {
    text.trim_end_matches('=').len() * 3 / 4
}
