//! Keeps credentials out of what is shown to users.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::api::{Object, Sensitive};

/// What stands in the place of a credential.
pub const REDACTED: &str = "[redacted]";

/// The shortest text that is taken for a credential: shorter ones would be found in ordinary words.
const CREDENTIAL_BYTES_MIN: usize = 4;

/// The credentials in a pull secret: each `auth`, what is encoded in it, and each password and token.
pub fn credentials(secret: &Object) -> Vec<Sensitive<String>> {
    let mut found = Vec::new();
    let data = secret.data.get("data").and_then(Value::as_object).into_iter().flatten();
    for value in data.filter_map(|(_, value)| value.as_str()) {
        let body = STANDARD.decode(value).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        collect(&body.unwrap_or_default(), &mut found);
    }
    found.into_iter().map(Sensitive::new).collect()
}

fn collect(value: &Value, found: &mut Vec<String>) {
    let Value::Object(fields) = value else { return };
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("auth", Value::String(auth)) => {
                let pair = STANDARD.decode(auth).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                let password = pair.as_ref().and_then(|pair| pair.split_once(':')).map(|(_, word)| word.to_owned());
                found.extend([Some(auth.clone()), pair, password].into_iter().flatten());
            }
            ("password" | "identitytoken" | "registrytoken", Value::String(text)) => found.push(text.clone()),
            (_, inner) => collect(inner, found),
        }
    }
}

/// `text` without `credentials`, and without what stands between `//` and `@` in addresses.
pub fn scrub(text: &str, credentials: &[Sensitive<String>]) -> String {
    let words = credentials.iter().map(|word| word.expose().as_str());
    let mut words: Vec<&str> = words.filter(|word| word.len() >= CREDENTIAL_BYTES_MIN).collect();
    // The longest first: a credential may be part of another, if only of another Secret's.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let known = words.into_iter().fold(text.to_owned(), |text, word| text.replace(word, REDACTED));
    let mut scrubbed = String::with_capacity(known.len());
    let mut rest = known.as_str();
    while let Some(start) = rest.find("://") {
        let (before, address) = rest.split_at(start + 3);
        scrubbed.push_str(before);
        let end = address.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(address.len());
        rest = match address[..end].rfind('@') {
            Some(at) => {
                scrubbed.push_str(REDACTED);
                &address[at..]
            }
            None => address,
        };
    }
    scrubbed.push_str(rest);
    scrubbed
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn l44_credentials_of_a_pull_secret_never_come_through() {
        let body = json!({"auths": {
            "a.test": {"auth": STANDARD.encode("user:hunter22")},
            "b.test": {"username": "bob", "password": "s3cr3tpw", "identitytoken": "tok-en"},
        }});
        let secret: Object =
            serde_json::from_value(json!({"metadata": {}, "data": {"x": STANDARD.encode(body.to_string())}})).unwrap();
        let found = credentials(&secret);
        let text = format!("login user:hunter22 s3cr3tpw {} tok-en bob", STANDARD.encode("user:hunter22"));
        assert_eq!(scrub(&text, &found), "login [redacted] [redacted] [redacted] [redacted] bob");
    }

    #[test]
    fn l44_no_credential_comes_through_for_being_longer_than_another() {
        let credentials = ["pass", "password"].map(|word| Sensitive::new(word.to_owned()));
        assert_eq!(scrub("password, pass", &credentials), "[redacted], [redacted]");
    }

    #[test]
    fn l44_addresses_are_shown_without_who_logs_in() {
        for (text, expected) in [
            ("GET https://user:token@host/x failed", "GET https://[redacted]@host/x failed"),
            ("see https://host/a@b and http://t@h", "see https://host/a@b and http://[redacted]@h"),
            ("no address: a@b", "no address: a@b"),
        ] {
            assert_eq!(scrub(text, &[]), expected);
        }
    }
}
