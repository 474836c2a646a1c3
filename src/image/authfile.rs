//! Credentials for registries, from the files that podman, buildah, skopeo and docker share
//! (containers-auth.json(5)).

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::api::Sensitive;

/// Who to be to a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password, or a token that stands in for it.
    pub password: Sensitive<String>,
}

/// The files that are looked into where no other is named, in this order; `variable` reads the environment.
pub fn default_paths(variable: impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let below = |name: &str, file: &str| variable(name).map(|directory| Path::new(&directory).join(file));
    let named = variable("REGISTRY_AUTH_FILE").map(PathBuf::from);
    if let Some(named) = named {
        return vec![named];
    }
    let known = [
        below("XDG_RUNTIME_DIR", "containers/auth.json"),
        below("HOME", ".config/containers/auth.json"),
        below("HOME", ".docker/config.json"),
    ];
    known.into_iter().flatten().collect()
}

/// The credentials for `registry/repository` in an authfile: those of the longest path that leads to it, or else those
/// of its registry.
pub fn credentials(authfile: &Value, image: &str) -> Option<Credentials> {
    let known = authfile.get("auths")?.as_object()?;
    let mut name = Some(image);
    while let Some(wanted) = name {
        let matches = known.iter().filter(|(key, _)| is_key_of(key, wanted));
        if let Some(found) = matches.filter_map(|(_, entry)| credentials_of(entry)).next() {
            return Some(found);
        }
        name = wanted.rsplit_once('/').map(|(shorter, _)| shorter);
    }
    None
}

/// Keys are names of registries or of paths in them; Docker's are addresses.
fn is_key_of(key: &str, wanted: &str) -> bool {
    match key.split_once("://") {
        Some((_, address)) => address.split('/').next() == Some(wanted),
        None => key == wanted,
    }
}

fn credentials_of(entry: &Value) -> Option<Credentials> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(auth) = text("auth") {
        let pair = String::from_utf8(STANDARD.decode(auth.trim()).ok()?).ok()?;
        let (username, password) = pair.split_once(':')?;
        return Some(Credentials { username: username.to_owned(), password: Sensitive::new(password.to_owned()) });
    }
    Some(Credentials { username: text("username")?.to_owned(), password: Sensitive::new(text("password")?.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_longest_path_wins() {
        let auth = |name: &str| json!({"auth": STANDARD.encode(format!("{name}:p:w"))});
        let file = json!({"auths": {
            "registry.test": auth("host"),
            "registry.test/org": auth("org"),
            "registry.test/org/os": auth("os"),
            "https://old.test/v1/": auth("old"),
            "words.test": {"username": "u", "password": "w"},
            "empty.test": {},
            "broken.test": {"auth": "!"},
        }});
        for (image, expected) in [
            ("registry.test/org/os", Some("os")),
            ("registry.test/org/other", Some("org")),
            ("registry.test/organ/os", Some("host")),
            ("registry.test:5000/org/os", None),
            ("old.test/os", Some("old")),
            ("words.test/os", Some("u")),
            ("empty.test/os", None),
            ("broken.test/os", None),
        ] {
            assert_eq!(credentials(&file, image).map(|found| found.username).as_deref(), expected, "{image}");
        }
        assert_eq!(credentials(&file, "registry.test/x").unwrap().password.expose(), "p:w");
        assert!(!format!("{:?}", credentials(&file, "registry.test/x")).contains("p:w"));
        assert_eq!(credentials(&json!({}), "registry.test/x"), None);
    }

    #[test]
    fn the_environment_names_the_file_or_where_it_may_be() {
        let paths = |known: &[(&str, &str)]| {
            let known: Vec<_> = known.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            default_paths(|name| known.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()))
        };
        assert_eq!(paths(&[("REGISTRY_AUTH_FILE", "/x"), ("HOME", "/h")]), [PathBuf::from("/x")]);
        let both = paths(&[("XDG_RUNTIME_DIR", "/run/u"), ("HOME", "/h")]);
        assert_eq!(both[0], PathBuf::from("/run/u/containers/auth.json"));
        assert_eq!(both.last(), Some(&PathBuf::from("/h/.docker/config.json")));
        assert!(paths(&[]).is_empty());
    }
}
