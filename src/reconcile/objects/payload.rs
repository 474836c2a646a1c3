//! The MachineConfig as it travels into a build: JSON, gzip, base64, in a ConfigMap.

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::api::Key;
use crate::api::limits::CONFIG_MAP_BYTES_MAX;
use crate::api::names::PAYLOAD_KEY;
use crate::reconcile::inputs::fault::{FaultReason, InputFault};

/// A compressed MachineConfig. Debug shows its size, not its content: configs carry keys and passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(Arc<str>);

/// Why a MachineConfig cannot travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it takes {bytes} bytes after compression, and a ConfigMap holds {CONFIG_MAP_BYTES_MAX}")]
pub struct PayloadTooLarge {
    /// What the ConfigMap would have to hold.
    pub bytes: usize,
}

/// Why a payload cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It is not base64.
    #[error("failed to decode base64")]
    Base64(#[from] base64::DecodeError),
    /// It is not gzip.
    #[error("failed to decompress")]
    Gzip(#[from] std::io::Error),
    /// It is not JSON.
    #[error("failed to parse JSON")]
    Json(#[from] serde_json::Error),
}

impl Payload {
    /// Compresses `machine_config`, whole: fields that no type models are kept.
    pub fn encode(machine_config: &Value) -> Result<Self, PayloadTooLarge> {
        // The default header has no time of day in it: the same config is always the same payload.
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(machine_config.to_string().as_bytes()).expect("writing to memory does not fail");
        let text = STANDARD.encode(gzip.finish().expect("writing to memory does not fail"));
        let bytes = PAYLOAD_KEY.len() + text.len();
        if bytes > CONFIG_MAP_BYTES_MAX {
            return Err(PayloadTooLarge { bytes });
        }
        Ok(Self(text.into()))
    }

    /// A payload that is in its ConfigMap, and is not kept besides.
    pub fn spent() -> Self {
        Self(Arc::default())
    }

    /// Whether the payload is not kept any more.
    pub fn is_spent(&self) -> bool {
        self.0.is_empty()
    }

    /// The payload of the MachineConfig of `key`, if a build could apply it.
    pub fn of_machine_config(key: &Key, machine_config: &Value) -> Result<Self, InputFault> {
        check(key, machine_config)?;
        Self::encode(machine_config).map_err(|error| {
            let fix = "move large files out of the MachineConfigs, into the base image or a registry";
            InputFault::new(FaultReason::PayloadTooLarge, key.clone(), None, error.to_string(), fix)
        })
    }

    /// The payload as it stands in the ConfigMap.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a payload back, as a build does.
    pub fn decode(text: &str) -> Result<Value, DecodeError> {
        let mut json = Vec::new();
        GzDecoder::new(STANDARD.decode(text.trim())?.as_slice()).read_to_end(&mut json)?;
        Ok(serde_json::from_slice(&json)?)
    }
}

/// Checks that the MachineConfig of `key` has what Ignition needs to apply it.
pub fn check(key: &Key, machine_config: &Value) -> Result<(), InputFault> {
    missing_part(machine_config).map_or(Ok(()), |(field, problem)| {
        let fix = "add a MachineConfig with an Ignition config to the pool, and let it be rendered again";
        Err(InputFault::new(FaultReason::MachineConfigInvalid, key.clone(), Some(field), problem, fix))
    })
}

/// The field that Ignition misses in a MachineConfig, and what is wrong with it.
fn missing_part(machine_config: &Value) -> Option<(&'static str, &'static str)> {
    const CONFIG: &str = "spec.config";
    const VERSION: &str = "spec.config.ignition.version";
    match machine_config.pointer("/spec/config") {
        None | Some(Value::Null) => return Some((CONFIG, "it is missing, and there is no Ignition config to apply")),
        Some(Value::Object(_)) => {}
        Some(_) => return Some((CONFIG, "it is not an object, and so no Ignition config")),
    }
    match machine_config.pointer("/spec/config/ignition/version") {
        None | Some(Value::Null) => Some((VERSION, "it is missing, and Ignition reads no config without it")),
        Some(Value::String(version)) if version.is_empty() => {
            Some((VERSION, "it is empty, and Ignition reads no such config"))
        }
        Some(Value::String(version)) if !is_version_3(version) => {
            Some((VERSION, "it is no version 3.x.y, such as 3.4.0, and Ignition reads no other config"))
        }
        Some(Value::String(_)) => None,
        Some(_) => Some((VERSION, "it is not a string, and has to be in quotes")),
    }
}

/// Whether this is a version of Ignition's specification 3, experimental ones included: which minor ones there are is for
/// the base image's Ignition to say.
fn is_version_3(version: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (numbers, label) = version.split_once('-').map_or((version, None), |(numbers, label)| (numbers, Some(label)));
    let parts: Vec<&str> = numbers.split('.').collect();
    matches!(parts.as_slice(), ["3", minor, patch] if is_number(minor) && is_number(patch))
        && label.is_none_or(|label| label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)))
        && label != Some("")
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn everything_survives_the_journey() {
        let config = json!({"spec": {"config": {"unknown": [1, null, {"ü": "\n"}]}}, "also": "unknown"});
        let payload = Payload::encode(&config).unwrap();
        assert_eq!(Payload::decode(payload.as_str()).unwrap(), config);
        assert_eq!(Payload::encode(&config).unwrap(), payload);
    }

    #[test]
    fn l33_what_does_not_fit_is_refused() {
        // Hash output does not compress below half its hex length.
        let noise: String = (0..40_000).map(|i: u32| crate::api::names::sha256_hex(i.to_be_bytes())).collect();
        let error = Payload::encode(&json!({ "noise": noise })).unwrap_err();
        assert!(error.bytes > CONFIG_MAP_BYTES_MAX);
    }

    #[test]
    fn l35_a_damaged_payload_is_not_decoded() {
        let payload = Payload::encode(&json!({"kind": "MachineConfig", "data": "x".repeat(500)})).unwrap();
        for bad in ["", "!", "aGVsbG8=", &payload.as_str()[..20]] {
            assert!(Payload::decode(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_ignition_could_not_apply_is_refused_by_name_and_field() {
        let key = Key::new(crate::api::Kind::MachineConfig, "rendered-1");
        let of = |document: Value| Payload::of_machine_config(&key, &document);
        for version in ["3.0.0", "3.4.0", "3.99.0", "3.6.0-experimental"] {
            assert!(of(json!({"spec": {"config": {"ignition": {"version": version}}}})).is_ok(), "{version}");
        }
        for version in
            ["2.2.0", "1", "latest", "v3.2.0", "3.2", " 3.2.0", "3..0", "3.2.0.1", "30.2.0", "3.2.0-", "3.x.0"]
        {
            let fault = of(json!({"spec": {"config": {"ignition": {"version": version}}}})).unwrap_err().to_string();
            assert!(fault.contains("key spec.config.ignition.version: it is no version 3.x.y"), "{version}: {fault}");
        }
        for (document, field) in [
            (json!({}), "key spec.config: it is missing"),
            (json!({"spec": {"kernelArguments": ["nosmt"]}}), "key spec.config: it is missing"),
            (json!({"spec": {"config": null}}), "key spec.config: it is missing"),
            (json!({"spec": {"config": "x"}}), "key spec.config: it is not an object"),
            (json!({"spec": {"config": []}}), "key spec.config: it is not an object"),
            (json!({"spec": {"config": {}}}), "key spec.config.ignition.version: it is missing"),
            (
                json!({"spec": {"config": {"ignition": {"version": ""}}}}),
                "key spec.config.ignition.version: it is empty",
            ),
            (
                json!({"spec": {"config": {"ignition": {"version": 3.4}}}}),
                "key spec.config.ignition.version: it is not a string",
            ),
        ] {
            let fault = of(document).unwrap_err();
            assert_eq!(fault.reason, FaultReason::MachineConfigInvalid);
            assert!(fault.to_string().starts_with(&format!("MachineConfig rendered-1: {field}")), "{fault}");
        }
    }
}
