//! Credentials for registries, from the files that podman, buildah, skopeo and docker share
//! (containers-auth.json(5)).

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::api::Sensitive;
use crate::encoding::{Padding, decode_base64};

/// Credentials for a registry.
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
    if let Some(named) = variable("REGISTRY_AUTH_FILE") {
        return vec![named.into()];
    }
    let known = [
        below("XDG_RUNTIME_DIR", "containers/auth.json"),
        below("HOME", ".config/containers/auth.json"),
        below("HOME", ".docker/config.json"),
    ];
    known.into_iter().flatten().collect()
}

/// An entry that is there for an image, and that nothing can be made of. Nothing of it is quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the entry of {key:?} {problem}; log in again with `podman login`")]
pub struct Unusable {
    /// The registry, or path in one, that the entry is for.
    pub key: String,
    /// The error.
    pub problem: &'static str,
}

/// The credentials for `registry/repository` in an authfile: those of the longest path that leads to it, or else those
/// of its registry, by any of the names that it has. An entry without any, as docker leaves one where a helper has them,
/// is as good as none.
pub fn credentials(authfile: &Value, image: &str) -> Result<Option<Credentials>, Unusable> {
    let fields = authfile.as_object().into_iter().flatten();
    let auths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("auths")).find_map(|(_, value)| value.as_object());
    let Some(known) = auths else { return Ok(None) };
    let named = |wanted: &str| known.get_key_value(wanted).into_iter();
    let registry = image.split('/').next().unwrap_or(image);
    let by_path = std::iter::successors(Some(image), |name| name.rsplit_once('/').map(|(shorter, _)| shorter));
    let by_registry = known.iter().filter(|(key, _)| normal_registry(host_of(key)) == normal_registry(registry));
    for (key, entry) in by_path.flat_map(named).chain(by_registry) {
        let fault = |problem| Unusable { key: key.clone(), problem };
        if let Some(found) = credentials_of(entry).map_err(fault)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The registry that a key names: by its host alone, or, as docker does, by an address. A path without a scheme is one
/// in the registry, and no other name of it, but for those of the API.
fn host_of(key: &str) -> &str {
    if let Some((_, address)) = key.split_once("://") {
        return address.split('/').next().unwrap_or(address);
    }
    let host = key.trim_end_matches('/');
    let without_api = host.strip_suffix("/v1").or_else(|| host.strip_suffix("/v2"));
    without_api.filter(|host| !host.contains('/')).unwrap_or(host)
}

/// One of the names of a registry that has several: Docker Hub's API is at other hosts than its images' names say.
fn normal_registry(host: &str) -> &str {
    match host {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => host,
    }
}

fn credentials_of(entry: &Value) -> Result<Option<Credentials>, &'static str> {
    let text = |name: &str| {
        let fields = entry.as_object().into_iter().flatten().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        fields.filter_map(|(_, value)| value.as_str()).rfind(|text| !text.is_empty())
    };
    if let Some(auth) = text("auth") {
        let digits = auth.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        let pair = decode_base64(digits, Padding::Optional).map_err(|_| "has an auth that is not base64")?;
        let pair = String::from_utf8(pair).map_err(|_| "has an auth that is not UTF-8")?;
        let (username, password) = pair.split_once(':').ok_or("has an auth without a colon after the user")?;
        let password = password.trim_matches('\0');
        if password.is_empty() && text("identitytoken").is_some() {
            return Err("has an identity token, which only buildah can use");
        }
        let password = Sensitive::new(password.to_owned());
        return Ok(Some(Credentials { username: username.to_owned(), password }));
    }
    let (Some(username), Some(password)) = (text("username"), text("password")) else { return Ok(None) };
    Ok(Some(Credentials { username: username.to_owned(), password: Sensitive::new(password.to_owned()) }))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    use super::*;

    fn user(file: &Value, image: &str) -> Option<String> {
        credentials(file, image).unwrap().map(|found| found.username)
    }

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
        }});
        for (image, expected) in [
            ("registry.test/org/os", Some("os")),
            ("registry.test/org/other", Some("org")),
            ("registry.test/organ/os", Some("host")),
            ("registry.test:5000/org/os", None),
            ("old.test/os", Some("old")),
            ("words.test/os", Some("u")),
            ("empty.test/os", None),
        ] {
            assert_eq!(user(&file, image).as_deref(), expected, "{image}");
        }
        assert_eq!(credentials(&file, "registry.test/x").unwrap().unwrap().password.expose(), "p:w");
        assert!(!format!("{:?}", credentials(&file, "registry.test/x")).contains("p:w"));
        assert_eq!(credentials(&json!({}), "registry.test/x"), Ok(None));
    }

    #[test]
    fn a_file_is_read_as_pull_secrets_are_mended() {
        let entry = json!({"auth": STANDARD.encode("alice:pw")});
        for file in [
            json!({"Auths": {"registry.test": entry}}),
            json!({"AUTHS": {"registry.test/": entry}}),
            json!({"auths": {"registry.test/v1/": entry}}),
            json!({"auths": {"registry.test/v2": entry}}),
            json!({"auths": {"HTTPS://registry.test/v2/": entry}}),
        ] {
            assert_eq!(user(&file, "registry.test/os").as_deref(), Some("alice"), "{file}");
        }
        assert_eq!(user(&json!({"auths": {"registry.test/org/": entry}}), "registry.test/os"), None);
    }

    #[test]
    fn docker_hub_has_several_names_in_files_and_in_references() {
        let names = ["docker.io", "index.docker.io", "registry-1.docker.io"];
        let keys = ["https://index.docker.io/v1/", "http://docker.io", "https://registry-1.docker.io/v2/"];
        for key in names.into_iter().chain(keys) {
            let file = json!({"auths": {key: {"auth": STANDARD.encode("hub:pw")}}});
            for host in names {
                assert_eq!(user(&file, &format!("{host}/org/os")).as_deref(), Some("hub"), "{key} {host}");
            }
            assert_eq!(user(&file, "registry.test/docker.io/os"), None, "{key}");
        }
        let file = json!({"auths": {
            "https://index.docker.io/v1/": {"auth": STANDARD.encode("hub:pw")},
            "docker.io/org": {"auth": STANDARD.encode("org:pw")},
        }});
        assert_eq!(user(&file, "docker.io/org/os").as_deref(), Some("org"));
        assert_eq!(user(&file, "docker.io/library/os").as_deref(), Some("hub"));
    }

    #[test]
    fn an_auth_is_read_as_buildah_and_the_kubelet_read_it() {
        let pair = STANDARD.encode("alice:long-enough-to-be-wrapped");
        for auth in [
            format!("{}\n{}", &pair[..20], &pair[20..]),
            format!("{}\r\n{}\r\n", &pair[..20], &pair[20..]),
            pair.trim_end_matches('=').to_owned(),
            format!("{pair}\0"),
            STANDARD.encode("alice:long-enough-to-be-wrapped\0\0"),
        ] {
            let file = json!({"auths": {"registry.test": {"auth": auth}}});
            let found = credentials(&file, "registry.test/os").unwrap().unwrap();
            assert_eq!(found.password.expose(), "long-enough-to-be-wrapped", "{auth:?}");
        }
    }

    #[test]
    fn an_entry_that_cannot_be_used_is_named_and_not_quoted() {
        for (entry, problem) in [
            (json!({"auth": "hunter2!"}), "is not base64"),
            (json!({"auth": STANDARD.encode("hunter2")}), "without a colon"),
            (json!({"auth": STANDARD.encode([b'a', b':', 0xff])}), "is not UTF-8"),
            (json!({"auth": STANDARD.encode("a:"), "identitytoken": "hunter2"}), "an identity token"),
        ] {
            let file = json!({"auths": {"registry.test": entry}});
            let error = credentials(&file, "registry.test/os").unwrap_err().to_string();
            assert!(error.contains(problem) && error.contains("\"registry.test\""), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
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
