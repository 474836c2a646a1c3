//! The settings of what builds run, and what they are told.

use http::Uri;

use super::checker::Checker;
use super::scheduling::{KEY, labels};
use crate::api::keys;
use crate::api::labels::is_annotation_key;
use crate::api::limits::{ANNOTATIONS_BYTES_MAX, NAME_BYTES_MAX};
use crate::reconcile::inputs::build_settings::BuildSettings;
use crate::reconcile::inputs::image_ref::{self, PullspecError};
use crate::reconcile::inputs::proxy::{is_redacted, redacted};

const PROXY: &str = "a URL as in http://proxy.example.com:3128, of http or https, with a user and a password or without, \
    and without a path";
const CONFIG_KEY: &str = "a key of a ConfigMap: at most 253 letters, digits, -, _ and .";

pub(super) fn check(checker: &mut Checker, build: &BuildSettings) {
    let image = &build.builder_image;
    if let Err(error) = image_ref::check_image(image) {
        let why = match error {
            PullspecError::Malformed(_, why) => why.to_owned(),
            other => other.to_string(),
        };
        checker.text(false, "build.builderImage", image, &format!("the reference of an image: {why}"));
    }
    labels(checker, "build.labels", &build.labels);
    own_keys(checker, "build.labels", build.labels.keys());
    annotations(checker, build);
    for (field, url) in [("httpProxy", &build.proxy.http_proxy), ("httpsProxy", &build.proxy.https_proxy)] {
        if let Some(url) = url {
            proxy(checker, &format!("build.proxy.{field}"), url);
        }
    }
    if let Some(hosts) = &build.proxy.no_proxy {
        let is_good = hosts.chars().all(|c| c.is_ascii_graphic());
        let allowed = "hosts, domains and networks, separated by commas, without white space";
        checker.text(is_good, "build.proxy.noProxy", hosts, allowed);
    }
    checker.name("build.trustedCaConfigMap", build.trusted_ca_config_map.as_ref());
    checker.text(is_config_key(&build.trusted_ca_key), "build.trustedCaKey", &build.trusted_ca_key, CONFIG_KEY);
    checker.name("build.registriesConfigMap", build.registries_config_map.as_ref());
}

fn annotations(checker: &mut Checker, build: &BuildSettings) {
    const FIELD: &str = "build.annotations";
    for key in build.annotations.keys() {
        checker.text(is_annotation_key(key), FIELD, key, &format!("a key: {KEY}"));
    }
    own_keys(checker, FIELD, build.annotations.keys());
    let bytes: usize = build.annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    let allowed = format!("at most {ANNOTATIONS_BYTES_MAX} bytes");
    checker.value(bytes <= ANNOTATIONS_BYTES_MAX, FIELD, format!("{bytes} bytes"), &allowed);
}

/// Takes note of keys that are for this program to write: another's would make its objects strangers to it.
fn own_keys<'k>(checker: &mut Checker, field: &str, keys: impl Iterator<Item = &'k String>) {
    for key in keys {
        let domain = key.split_once('/').map_or("", |(domain, _)| domain);
        let is_own = domain.eq_ignore_ascii_case(keys::DOMAIN);
        checker.text(!is_own, field, key, &format!("a key of another domain than {}", keys::DOMAIN));
    }
}

fn proxy(checker: &mut Checker, field: &str, url: &str) {
    let shown = redacted(url);
    if is_redacted(url) {
        let allowed = "written with the user and the password in the place of what is shown instead of them";
        checker.text(false, field, &shown, allowed);
    } else {
        checker.text(is_proxy(url), field, &shown, PROXY);
    }
}

fn is_proxy(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let Some(authority) = uri.authority() else { return false };
    let host = authority.as_str().rsplit_once('@').map_or(authority.as_str(), |(_, host)| host);
    let has_good_port = host == authority.host() || authority.port_u16().is_some_and(|port| port > 0);
    matches!(uri.scheme_str(), Some("http" | "https"))
        && !authority.host().is_empty()
        && has_good_port
        && uri.path() == "/"
        && uri.query().is_none()
}

fn is_config_key(key: &str) -> bool {
    let is_of_key = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !key.is_empty() && key.len() <= NAME_BYTES_MAX && key != "." && !key.starts_with("..") && key.bytes().all(is_of_key)
}
