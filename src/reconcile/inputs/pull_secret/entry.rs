//! The entry of a registry, as buildah and the kubelet read it.
//!
//! Both decode `auth`, which goes before `username` and `password`. buildah reads nothing else, wants its padding, and
//! takes NUL characters from the ends of a password; the kubelet wants none of that, and does. Both ignore line breaks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::encoding::{Padding, decode_base64, trim_bytes};

const HELPER: &str =
    "it is empty, as docker leaves one whose credentials are with a helper, and no helper runs in a build pod";

/// The entry in the form that both read, if it is not in it; an error says what is wrong with it.
pub(super) fn canonical(entry: &Value) -> Result<Option<Value>, String> {
    let Value::Object(entry) = entry else { return Err("it is not a JSON object".into()) };
    let text = |name: &str| field(entry, name);
    let (auth, user, password) = (text("auth")?, text("username")?, text("password")?);
    let (identity, registry) = (text("identitytoken")?, text("registrytoken")?);
    if let Some(auth) = auth {
        return of_auth(entry, auth, identity.is_some());
    }
    match (user, password) {
        (Some(user), _) if user.contains(':') => {
            Err("its username has a colon in it, and ends there for a registry".into())
        }
        (Some(user), Some(password)) => {
            check_characters(user.as_bytes(), password.as_bytes())?;
            Ok(Some(with_auth(entry, &STANDARD.encode(format!("{user}:{password}")))))
        }
        (Some(user), None) if identity.is_some() => Ok(Some(with_auth(entry, &STANDARD.encode(format!("{user}:"))))),
        (None, _) if identity.is_some() => {
            Err("it has an identitytoken and no user; add an auth of the user and a colon, in base64".into())
        }
        (Some(_), None) => Err("it has a username and no password".into()),
        (None, Some(_)) => Err("it has a password and no username".into()),
        (None, None) if registry.is_some() => {
            Err("it has a registrytoken alone, which buildah does not read; give it an auth".into())
        }
        (None, None) => Err(HELPER.into()),
    }
}

fn of_auth(entry: &Map<String, Value>, auth: &str, has_token: bool) -> Result<Option<Value>, String> {
    let is_read = decode_base64(auth, Padding::Required);
    let trimmed = auth.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let pair = is_read.clone().or_else(|_| decode_base64(trimmed, Padding::Optional));
    let pair = pair.map_err(|_| "its auth is not base64")?;
    let colon =
        pair.iter().position(|byte| *byte == b':').ok_or("its auth has no colon between a user and a password")?;
    let (user, padded) = (&pair[..colon], &pair[colon + 1..]);
    let password = trim_bytes(padded, |byte| byte == 0);
    if user.is_empty() {
        return Err("its auth has no user before the colon".into());
    }
    if password.is_empty() && !has_token {
        return Err("its auth has no password after the colon".into());
    }
    check_characters(user, password)?;
    if is_read.is_ok() && password.len() == padded.len() {
        return Ok(None);
    }
    let pair = [user, b":", password].concat();
    Ok(Some(with_auth(entry, &STANDARD.encode(pair))))
}

/// Refuses characters that a registry cannot receive (RFC 7617), or that the user has not meant. buildah sends all else as
/// it is: a password may be a key file of many lines.
fn check_characters(user: &[u8], password: &[u8]) -> Result<(), String> {
    if user.iter().any(u8::is_ascii_control) {
        return Err("its user has a line break or another control character in it".into());
    }
    if password.contains(&0) {
        return Err("its password has a NUL character in it".into());
    }
    let is_key_file = password.starts_with(b"{") && password.trim_ascii_end().ends_with(b"}");
    let is_control = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_control);
    if !is_key_file && (is_control(password.first()) || is_control(password.last())) {
        let why = "as echo without -n leaves one at the end";
        return Err(format!("its password has a line break or another control character around it, {why}"));
    }
    Ok(())
}

/// A field, whose name is in any case, as Go reads it; none if it is empty.
fn field<'e>(entry: &'e Map<String, Value>, name: &str) -> Result<Option<&'e str>, String> {
    let mut found = None;
    for (_, value) in entry.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)) {
        match value {
            Value::Null => {}
            Value::String(text) => found = Some(text.as_str()),
            _ => return Err(format!("its {name} is not a string")),
        }
    }
    Ok(found.filter(|text| !text.is_empty()))
}

fn with_auth(entry: &Map<String, Value>, auth: &str) -> Value {
    let mut entry = entry.clone();
    entry.retain(|name, _| !name.eq_ignore_ascii_case("auth"));
    entry.insert("auth".into(), auth.into());
    Value::Object(entry)
}
