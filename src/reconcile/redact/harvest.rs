//! The credentials in a Secret, whatever form its body has.

use serde_json::Value;

use super::needles::Credential;
use crate::api::{Object, Sensitive};
use crate::encoding::{Padding, decode_base64, trim_bytes};

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

/// Shortest line of a password of several lines that is a credential itself: such a password may be shown line by line.
const LINE_BYTES_MIN: usize = 12;
/// Shortest value in a key file that is a credential itself.
const VALUE_BYTES_MIN: usize = 8;
/// Values in Google's key files that are in the names of images and hosts, too, and are no secret.
const PUBLIC: [&str; 7] =
    ["authproviderx509certurl", "authuri", "clientx509certurl", "projectid", "tokenuri", "type", "universedomain"];

/// What is found, as bytes: passwords need not be UTF-8.
struct Found(Vec<Vec<u8>>);

/// The credentials in a pull secret: each `auth`, what is encoded in it, and each password and token; of a body that is
/// not JSON, every word.
pub fn credentials(secret: &Object) -> Vec<Credential> {
    let mut found = Found(Vec::new());
    let values = |field: &str| secret.data.get(field).and_then(Value::as_object).into_iter().flatten();
    let encoded = values("data").filter_map(|(_, value)| value.as_str());
    let bodies = encoded.map(|text| match decode_base64(text.trim(), Padding::Optional) {
        Ok(bytes) => bytes,
        Err(_) => text.as_bytes().to_vec(),
    });
    let plain = values("stringData").filter_map(|(_, value)| value.as_str().map(|text| text.as_bytes().to_vec()));
    for body in bodies.chain(plain) {
        found.body(&body);
    }
    found.0.sort();
    found.0.dedup();
    found.0.into_iter().map(Sensitive::new).collect()
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

/// A name of a field, however it is written.
fn plain(name: &str) -> String {
    name.to_lowercase().replace(['-', '_'], "")
}

impl Found {
    fn body(&mut self, bytes: &[u8]) {
        let body = text_of(bytes);
        match serde_json::from_str::<Value>(&body) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => self.value(&value),
            _ => {
                self.words(&body);
                if str::from_utf8(bytes).is_err() {
                    bytes.split(|byte| b"\r\n".contains(byte)).for_each(|line| self.word(line.trim_ascii()));
                }
                // Encoded once too often.
                if let Ok(bytes) = decode_base64(body.trim(), Padding::Optional)
                    && let Ok(value @ Value::Object(_)) = serde_json::from_str(&text_of(&bytes))
                {
                    self.value(&value);
                }
            }
        }
    }

    /// Every string is one, unless its key says what else it is: a body may be wrong in any way.
    fn value(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| self.field(name, value)),
            Value::Array(items) => items.iter().for_each(|item| self.value(item)),
            Value::String(text) => {
                self.password(text.as_bytes());
                // A header: a scheme, and what comes after it.
                let is_scheme = |word: &str| {
                    ["basic", "bearer", "token"].iter().any(|known| word.trim().eq_ignore_ascii_case(known))
                };
                let header = text.trim().split_once(' ').filter(|(scheme, _)| is_scheme(scheme));
                let secret = header.map_or(text.as_str(), |(_, secret)| secret.trim());
                self.word(secret.as_bytes());
                self.pair(secret);
            }
            Value::Number(number) => self.word(number.to_string().as_bytes()),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn field(&mut self, name: &str, value: &Value) {
        // An address with who logs in, where the name of a registry belongs.
        let userinfo =
            name.rsplit_once('@').map(|(before, _)| before.rsplit_once("//").map_or(before, |(_, after)| after));
        if let Some(userinfo) = userinfo
            && let Some((_, password)) = userinfo.split_once(':').filter(|(user, _)| !user.contains('/'))
        {
            self.word(userinfo.as_bytes());
            self.word(password.as_bytes());
        }
        let name = plain(name);
        match value {
            // Hosts may have any name.
            Value::Object(hosts) if name == "auths" => hosts.iter().for_each(|(host, entry)| {
                self.field(&format!("//{host}"), entry);
            }),
            // The names of programs; what is below them is in the wrong place.
            Value::Object(hosts) if name == "credhelpers" => {
                hosts
                    .values()
                    .filter(|value| value.is_object() || value.is_array())
                    .for_each(|value| self.value(value));
            }
            Value::Object(_) | Value::Array(_) => self.value(value),
            _ if HARMLESS.contains(&name.as_str()) => {}
            _ => self.value(value),
        }
    }

    /// Adds what `auth` stands for: a user, and after a colon a password.
    fn pair(&mut self, auth: &str) {
        let digits: String = auth.chars().filter(|c| !c.is_whitespace() && *c != '\0').collect();
        let digits = digits.replace('-', "+").replace('_', "/");
        let Ok(bytes) = decode_base64(&digits, Padding::Optional) else { return };
        let pair = trim_bytes(&bytes, |byte| byte == 0);
        if let Some(colon) = pair.iter().position(|byte| *byte == b':') {
            self.password(&pair[colon + 1..]);
            self.word(pair);
            self.word(digits.as_bytes());
        }
    }

    /// Adds a credential, and how it is shown where it is no UTF-8 and is taken for that, or for Latin-1.
    fn word(&mut self, word: &[u8]) {
        if word.is_empty() {
            return;
        }
        if str::from_utf8(word).is_err() {
            self.0.push(String::from_utf8_lossy(word).into_owned().into_bytes());
            self.0.push(word.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes());
        }
        self.0.push(word.to_vec());
    }

    /// Adds a password, and the parts in which a long one is shown: its lines, and the values of a key file.
    fn password(&mut self, password: &[u8]) {
        self.word(password);
        if password.contains(&b'\n') {
            let lines = password.split(|byte| b"\r\n".contains(byte)).map(<[u8]>::trim_ascii);
            lines.filter(|line| line.len() >= LINE_BYTES_MIN).for_each(|line| self.word(line));
        }
        if let Ok(value @ Value::Object(_)) = serde_json::from_slice(password) {
            self.key_file(&value);
        }
    }

    fn key_file(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => {
                let private = fields.iter().filter(|(name, _)| !PUBLIC.contains(&plain(name).as_str()));
                private.for_each(|(_, value)| self.key_file(value));
            }
            Value::Array(items) => items.iter().for_each(|item| self.key_file(item)),
            Value::String(text) if text.len() >= VALUE_BYTES_MIN => self.password(text.as_bytes()),
            _ => {}
        }
    }

    /// Adds every word of a text that cannot be read, but for what names hosts and fields.
    fn words(&mut self, text: &str) {
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
            self.word(word.as_bytes());
            word.split_once(':').into_iter().for_each(|(_, password)| self.word(password.as_bytes()));
            self.pair(word);
        }
        // A password may have any of these in it.
        let is_structure = |line: &&str| line.contains(['{', '}']) || line.ends_with(':');
        text.lines().map(str::trim).filter(|line| !is_structure(line)).for_each(|line| self.word(line.as_bytes()));
    }
}
