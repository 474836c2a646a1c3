//! Names of the objects of one build, and the length rule for names that do not fit.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::limits::{LABEL_VALUE_BYTES_MAX, NAME_BYTES_MAX, TAG_BYTES_MAX};

/// ConfigMap with the base and extensions images.
pub const OS_IMAGE_URL: &str = "machine-config-osimageurl";
/// ConfigMap with the settings of on-cluster builds.
pub const BUILD_CONFIG: &str = "on-cluster-build-config";
/// ConfigMap with the pools' own Containerfile texts.
pub const CUSTOM_CONTAINERFILE: &str = "on-cluster-build-custom-dockerfile";
/// The ConfigMaps that a user writes.
pub const INPUT_CONFIG_MAPS: [&str; 3] = [OS_IMAGE_URL, BUILD_CONFIG, CUSTOM_CONTAINERFILE];

/// Key of the compressed MachineConfig in its ConfigMap.
pub const PAYLOAD_KEY: &str = "machineconfig.json.gz";
/// Key of the Containerfile in its ConfigMap.
pub const CONTAINERFILE_KEY: &str = "Dockerfile";
/// Key of the digest in its ConfigMap.
pub const DIGEST_KEY: &str = "digest";
/// Prefix that every rendered MachineConfig's name has.
pub const RENDERED_PREFIX: &str = "rendered-";

const PREFIXES: [&str; 4] = ["mc-", "dockerfile-", "digest-", "build-"];

/// ConfigMap with the compressed MachineConfig of `rendered`.
pub fn payload(rendered: &str) -> String {
    format!("mc-{rendered}")
}

/// ConfigMap with the Containerfile for `rendered`.
pub fn containerfile(rendered: &str) -> String {
    format!("dockerfile-{rendered}")
}

/// ConfigMap in which a build leaves the digest of the image of `rendered`.
pub fn digest(rendered: &str) -> String {
    format!("digest-{rendered}")
}

/// The build object for `rendered`: a Pod, or a Build.
pub fn build(rendered: &str) -> String {
    format!("build-{rendered}")
}

/// The Secret derived from the legacy Secret `source`.
pub fn canonical_secret(source: &str) -> String {
    format!("{source}-canonical")
}

/// The rendered config that an object of this name would belong to, if the name is a build's.
pub fn rendered_of(name: &str) -> Option<&str> {
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix))
}

/// The longest name that is derived from a rendered config's.
pub fn longest(rendered: &str) -> String {
    containerfile(rendered)
}

/// `value` as a label value.
pub fn label_value(value: &str) -> Cow<'_, str> {
    bounded(value, LABEL_VALUE_BYTES_MAX)
}

/// `value` as an image tag.
///
/// ```
/// use machine_os_builder::api::names::image_tag;
///
/// assert_eq!(image_tag("rendered-worker-1"), "rendered-worker-1");
/// // A tag has 128 bytes at most: a longer value ends with 8 hex digits of its SHA-256.
/// assert_eq!(image_tag(&"x".repeat(200)).len(), 128);
/// ```
pub fn image_tag(value: &str) -> Cow<'_, str> {
    bounded(value, TAG_BYTES_MAX)
}

/// `value` itself where it fits in `max` bytes, else its beginning, `-`, and the first 8 hex digits of its SHA-256.
fn bounded(value: &str, max: usize) -> Cow<'_, str> {
    const SUFFIX: usize = 1 + 8;
    if value.len() <= max {
        return Cow::Borrowed(value);
    }
    let mut end = max - SUFFIX;
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}-{}", &value[..end], &sha256_hex(value)[..8]))
}

/// SHA-256 of `text`, as 64 lower-case hex digits.
pub fn sha256_hex(text: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(text))
}

/// `bytes` as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Whether `name` is a DNS-1123 subdomain, which is what Kubernetes takes as an object's name.
pub fn is_dns1123_subdomain(name: &str) -> bool {
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= NAME_BYTES_MAX
        && name.split('.').all(|label| match label.as_bytes() {
            [] => false,
            bytes @ [first, .., last] | bytes @ [first @ last] => {
                is_alphanumeric(*first)
                    && is_alphanumeric(*last)
                    && bytes.iter().all(|byte| is_alphanumeric(*byte) || *byte == b'-')
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_fits_stays_as_it_is() {
        let name = "x".repeat(63);
        assert_eq!(label_value(&name), name);
    }

    #[test]
    fn a_name_that_does_not_fit_is_cut_and_told_apart_by_its_hash() {
        let (left, right) = ("x".repeat(64), "x".repeat(65));
        let (short_left, short_right) = (label_value(&left), label_value(&right));
        assert_eq!(short_left.len(), 63);
        assert_eq!(&short_left[..55], format!("{}-", "x".repeat(54)));
        assert_eq!(&short_left[55..], &sha256_hex(&left)[..8]);
        assert_ne!(short_left, short_right);
        assert_eq!(image_tag(&"y".repeat(129)).len(), 128);
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert!(label_value(&"ü".repeat(60)).len() <= 63);
    }

    #[test]
    fn names_are_checked_as_kubernetes_does() {
        for good in ["a", "rendered-worker-1", "a.b-c.d", "0"] {
            assert!(is_dns1123_subdomain(good), "{good}");
        }
        let long = "a".repeat(254);
        for bad in ["", "A", "-a", "a-", "a..b", ".a", "a_b", "a/b", "a\n", "../x", &long] {
            assert!(!is_dns1123_subdomain(bad), "{bad:?}");
        }
    }

    #[test]
    fn the_config_of_an_object_is_read_back_from_its_name() {
        for name in [payload("r-1"), containerfile("r-1"), digest("r-1"), build("r-1")] {
            assert_eq!(rendered_of(&name), Some("r-1"));
        }
        assert_eq!(rendered_of("kube-root-ca.crt"), None);
    }
}
