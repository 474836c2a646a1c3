//! Ignition configs of spec 3: the parts that define content of an image.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The minor versions of spec 3 that are known.
const MINOR_VERSIONS: std::ops::RangeInclusive<u32> = 0..=5;
/// The first minor version that knows setuid, setgid and sticky bits; before, Ignition leaves them out.
const SPECIAL_BITS_SINCE: u32 = 4;

/// Why a MachineConfig cannot be compared with anything.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its Ignition config does not follow the spec.
    #[error("failed to read spec.config; it has to be an Ignition config of spec 3")]
    Malformed(#[source] serde_json::Error),
    /// It is of a spec that is not known here.
    #[error("spec.config is of Ignition spec {0:?}; those from 3.0.0 to 3.5.0 are known here")]
    Version(String),
    /// The contents of a file cannot be decoded.
    #[error("failed to decode the contents of {0}: {1}")]
    Contents(String, String),
}

/// An Ignition config. What is not in here asks for nothing that is in files.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    ignition: Header,
    #[serde(default, deserialize_with = "or_default")]
    pub storage: Storage,
    #[serde(default, deserialize_with = "or_default")]
    pub systemd: Systemd,
    #[serde(default)]
    pub passwd: Value,
    #[serde(default, rename = "kernelArguments")]
    pub kernel_arguments: Value,
    #[serde(skip)]
    minor: u32,
}

#[derive(Debug, Deserialize)]
struct Header {
    version: String,
    #[serde(default)]
    config: Value,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Storage {
    #[serde(default, deserialize_with = "or_default")]
    pub files: Vec<File>,
    #[serde(default, deserialize_with = "or_default")]
    pub directories: Vec<Directory>,
    #[serde(default, deserialize_with = "or_default")]
    pub links: Vec<Link>,
    #[serde(default)]
    pub disks: Value,
    #[serde(default)]
    pub filesystems: Value,
    #[serde(default)]
    pub raid: Value,
    #[serde(default)]
    pub luks: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct File {
    #[serde(flatten)]
    pub node: Directory,
    #[serde(default, deserialize_with = "or_default")]
    pub contents: Resource,
    #[serde(default, deserialize_with = "or_default")]
    pub append: Vec<Resource>,
}

/// A directory, or what a file has in common with one.
#[derive(Debug, Deserialize)]
pub(super) struct Directory {
    pub path: String,
    pub mode: Option<u32>,
    pub overwrite: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    pub user: Account,
    #[serde(default, deserialize_with = "or_default")]
    pub group: Account,
}

#[derive(Debug, Deserialize)]
pub(super) struct Link {
    pub path: String,
    pub target: String,
    pub hard: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    pub user: Account,
    #[serde(default, deserialize_with = "or_default")]
    pub group: Account,
}

/// A user or a group; the number wins.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Account {
    pub id: Option<u64>,
    pub name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Resource {
    pub source: Option<String>,
    pub compression: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub verification: Verification,
}

/// The hash of the decompressed contents.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Verification {
    pub hash: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Systemd {
    #[serde(default, deserialize_with = "or_default")]
    pub units: Vec<Unit>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Unit {
    pub name: String,
    pub enabled: Option<bool>,
    pub mask: Option<bool>,
    pub contents: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub dropins: Vec<Dropin>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Dropin {
    pub name: String,
    pub contents: Option<String>,
}

/// Null is the same as nothing, as it is to Ignition.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Config {
    pub(super) fn parse(config: &Value) -> Result<Self, Error> {
        let mut parsed = Self::deserialize(config).map_err(Error::Malformed)?;
        let minor = minor_version(&parsed.ignition.version).filter(|minor| MINOR_VERSIONS.contains(minor));
        parsed.minor = minor.ok_or_else(|| Error::Version(parsed.ignition.version.clone()))?;
        Ok(parsed)
    }

    /// The bits of a mode that this spec knows.
    pub(super) fn mode(&self, mode: u32) -> u32 {
        mode & if self.minor < SPECIAL_BITS_SINCE { 0o777 } else { 0o7777 }
    }

    /// Whether it names other configs, which are merged with it or replace it.
    pub(super) fn refers_to_others(&self) -> bool {
        self.ignition.config.pointer("/merge").is_some_and(is_given)
            || self.ignition.config.pointer("/replace/source").is_some_and(is_given)
    }
}

/// The x of 3.x.0.
fn minor_version(version: &str) -> Option<u32> {
    let (minor, _) = version.strip_prefix("3.")?.split_once('.')?;
    minor.parse().ok()
}

/// Whether a value says anything.
pub(super) fn is_given(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => fields.values().any(is_given),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn versions_are_those_of_spec_3() {
        for (version, known) in [("3.0.0", true), ("3.5.0", true), ("3.6.0", false), ("2.2.0", false), ("3", false)] {
            let parsed = Config::parse(&json!({"ignition": {"version": version}}));
            assert_eq!(parsed.is_ok(), known, "{version}");
        }
        assert!(Config::parse(&json!({})).is_err());
        assert!(Config::parse(&json!({"ignition": {"version": "3.2.0"}, "storage": {"files": [{}]}})).is_err());
    }

    #[test]
    fn null_is_nothing() {
        let config = json!({"ignition": {"version": "3.4.0"}, "storage": {"files": null}, "systemd": null});
        let config = Config::parse(&config).unwrap();
        assert!(config.storage.files.is_empty() && config.systemd.units.is_empty() && !config.refers_to_others());
    }

    #[test]
    fn special_bits_are_left_out_before_they_were_known() {
        for (version, expected) in [("3.3.0", 0o755), ("3.4.0", 0o4755)] {
            let config = Config::parse(&json!({"ignition": {"version": version}})).unwrap();
            assert_eq!(config.mode(0o4755), expected, "{version}");
        }
    }
}
