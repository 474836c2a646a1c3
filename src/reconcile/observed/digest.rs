//! The digest of an image.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use crate::api::{Key, Kind, Object, keys, names};

/// A digest as a registry gives it: `sha256:` and 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest(String);

impl Digest {
    /// Reads a digest, white space around it aside; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let hex = text.strip_prefix("sha256:")?;
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (hex.len() == 64 && hex.bytes().all(is_hex)).then(|| Self(text.to_owned()))
    }

    /// The ConfigMap in which the build that `build` runs leaves its digest.
    pub fn config_map_of(build: &Key) -> Key {
        Key::new(Kind::ConfigMap, names::digest(names::rendered_of(&build.name).unwrap_or_default()))
    }

    /// The digest that the build which `build` runs left in `config_map`, unless that is older than the build object, or
    /// bears the marks of another: times are in whole seconds, and an old pod may have been quick to the last.
    pub fn left_by(build: &Object, config_map: &Object) -> Option<Self> {
        let created = |object: &Object| -> Option<Timestamp> { Some(object.metadata.creation_timestamp.as_ref()?.0) };
        if !bears_marks_of(config_map, build) || created(config_map) < created(build) {
            return None;
        }
        Self::parse(config_map.data.get("data")?.get(names::DIGEST_KEY).and_then(Value::as_str)?)
    }

    /// The digest as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a ConfigMap may have been left by this very build: it bears the build's hash and claim, or no mark at all, as
/// helpers of other programs leave it. It is read only where the pod's status says nothing of its containers.
fn bears_marks_of(config_map: &Object, build: &Object) -> bool {
    let annotation = |object: &Object, key: &str| object.metadata.annotations.as_ref()?.get(key).cloned();
    let of = |object: &Object| [keys::CLAIM, keys::INPUT_HASH].map(|key| annotation(object, key));
    let labels = config_map.metadata.labels.as_ref();
    let is_labelled = labels.is_some_and(|labels| labels.contains_key(keys::TARGET_POOL));
    let left = of(config_map);
    left == of(build) || (left == [None, None] && !is_labelled)
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_digest_is_one() {
        let good = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(Digest::parse(&format!(" {good}\n")).unwrap().as_str(), good);
        for bad in ["", "sha256:", "sha256:0a", &"0a".repeat(32), &good.to_uppercase(), &format!("{good}0")] {
            assert_eq!(Digest::parse(bad), None, "{bad:?}");
        }
    }
}
