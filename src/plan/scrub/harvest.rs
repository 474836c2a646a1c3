//! The credentials in a Secret, whatever form its body has.

use serde_json::Value;

use crate::api::{Object, Sensitive};
use crate::encoding::{Padding, decode_base64};

/// Keys in files with credentials whose values are none.
const HARMLESS: [&str; 13] = [
    "auths",
    "credhelpers",
    "credsstore",
    "currentcontext",
    "detachkeys",
    "email",
    "imagesformat",
    "provider",
    "psformat",
    "serveraddress",
    "user",
    "useragent",
    "username",
];

/// The credentials in a pull secret: each `auth`, what is encoded in it, and each password and token; of a body that is
/// not JSON, every word.
pub fn credentials(secret: &Object) -> Vec<Sensitive<String>> {
    let mut found = Vec::new();
    let values = |field: &str| secret.data.get(field).and_then(Value::as_object).into_iter().flatten();
    let encoded = values("data").filter_map(|(_, value)| value.as_str());
    let bodies = encoded.map(|text| match decode_base64(text.trim(), Padding::Optional) {
        Ok(bytes) => text_of(&bytes),
        Err(_) => text.to_owned(),
    });
    let plain = values("stringData").filter_map(|(_, value)| value.as_str().map(str::to_owned));
    for body in bodies.chain(plain) {
        of_body(&body, &mut found);
    }
    found.sort();
    found.dedup();
    found.into_iter().map(Sensitive::new).collect()
}

/// The text that bytes stand for, be it UTF-8 or, as editors write it elsewhere, UTF-16.
fn text_of(bytes: &[u8]) -> String {
    let units = |of: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    let text = match (bytes.first(), bytes.get(1)) {
        (Some(0xff), Some(0xfe)) | (Some(1..), Some(0)) => units(u16::from_le_bytes),
        (Some(0xfe), Some(0xff)) | (Some(0), Some(1..)) => units(u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    text.trim_start_matches('\u{feff}').to_owned()
}

fn of_body(body: &str, found: &mut Vec<String>) {
    match serde_json::from_str::<Value>(body) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => collect(&value, found),
        _ => {
            words(body, found);
            // Encoded once too often.
            if let Ok(bytes) = decode_base64(body.trim(), Padding::Optional)
                && let Ok(value @ Value::Object(_)) = serde_json::from_str(&text_of(&bytes))
            {
                collect(&value, found);
            }
        }
    }
}

/// Every string is one, unless its key says what else it is: a body may be wrong in any way.
fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.to_lowercase().replace(['-', '_'], "");
                // What is below a harmless key is harmless itself, but for the hosts.
                if name == "auths" || !HARMLESS.contains(&name.as_str()) {
                    collect(value, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::String(text) => {
            found.push(text.clone());
            // A header: a scheme, and what comes after it.
            let secret = text.rsplit_once(' ').map_or(text.as_str(), |(_, secret)| secret);
            found.push(secret.to_owned());
            pair(secret, found);
        }
        Value::Number(number) => found.push(number.to_string()),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Adds what `auth` stands for: a user, and after a colon a password.
fn pair(auth: &str, found: &mut Vec<String>) {
    let digits: String = auth.chars().filter(|c| !c.is_whitespace() && *c != '\0').collect();
    let digits = digits.replace('-', "+").replace('_', "/");
    let Ok(bytes) = decode_base64(&digits, Padding::Optional) else { return };
    let pair = String::from_utf8_lossy(&bytes).trim_matches('\0').to_owned();
    if let Some((_, password)) = pair.split_once(':') {
        found.extend([password.to_owned(), pair.clone(), digits]);
    }
}

/// Adds every word of a text that cannot be read, but for what names hosts and fields.
fn words(text: &str, found: &mut Vec<String>) {
    const FIELDS: [&str; 6] = ["auths", "auth", "username", "password", "email", "identitytoken"];
    let is_between = |c: char| c.is_whitespace() || c.is_control() || "\"'{}[],".contains(c);
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| !is_between(c)) {
        let length = rest[start..].find(is_between).unwrap_or(rest.len() - start);
        let (word, after) = (&rest[start..start + length], &rest[start + length..]);
        rest = after;
        let is_host = after.trim_start_matches(['"', '\'', ' ', ':']).starts_with('{')
            || word.strip_suffix(':').is_some_and(|key| key.contains('.'));
        let word = word.trim_matches(':');
        if is_host || FIELDS.contains(&word.to_lowercase().as_str()) {
            continue;
        }
        found.push(word.to_owned());
        found.extend(word.split_once(':').map(|(_, password)| password.to_owned()));
        pair(word, found);
    }
    // A password may have any of these in it.
    let is_structure = |line: &&str| line.contains(['{', '}']) || line.ends_with(':');
    found.extend(text.lines().map(str::trim).filter(|line| !is_structure(line)).map(str::to_owned));
}
