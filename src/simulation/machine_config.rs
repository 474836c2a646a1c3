//! The content of the MachineConfigs that a simulation rolls out.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::api::Kind;
use crate::yaml;

/// A MachineConfig to give to every pool, under a name of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineConfigTemplate(Value);

/// Why a file cannot be used as a template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It cannot be read.
    #[error("failed to read {}; name a YAML file with a rendered MachineConfig in it", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// It is not YAML.
    #[error("failed to parse {} as YAML; name a file with a rendered MachineConfig in it", .0.display())]
    Malformed(PathBuf, #[source] yaml::Error),
    /// It is of another kind, which is named.
    #[error("{}: kind is {:?}, and has to be MachineConfig; name a file with a rendered MachineConfig in it", .0.display(), .1)]
    OtherKind(PathBuf, String),
}

impl Default for MachineConfigTemplate {
    /// A small config with a file, a unit, and fields that no type models.
    fn default() -> Self {
        Self(json!({
            "apiVersion": Kind::MachineConfig.api_version(),
            "kind": Kind::MachineConfig.name(),
            "metadata": {},
            "spec": {
                "config": {
                    "ignition": {"version": "3.4.0"},
                    "storage": {"files": [{
                        "path": "/etc/motd",
                        "mode": 420,
                        "contents": {"source": "data:,built%20on%20the%20cluster%0A"},
                        "futureField": {"kept": true},
                    }]},
                    "systemd": {"units": [{"name": "layered.service", "enabled": true, "contents": "[Service]\n"}]},
                },
                "extensions": ["usbguard"],
                "fips": false,
                "kernelArguments": ["quiet"],
                "kernelType": "default",
                "futureSetting": [1, null, "two"],
            },
        }))
    }
}

impl MachineConfigTemplate {
    /// Reads a template from a YAML file.
    pub fn read(path: &Path) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path).map_err(|error| TemplateError::Unreadable(path.into(), error))?;
        let documents = yaml::parse(&text).map_err(|error| TemplateError::Malformed(path.into(), error))?;
        let value = documents.into_iter().find(|document| !document.is_null()).unwrap_or_default();
        match value.get("kind").and_then(Value::as_str).unwrap_or_default() {
            "MachineConfig" => Ok(Self(value)),
            kind => Err(TemplateError::OtherKind(path.into(), kind.to_owned())),
        }
    }

    /// The config of this name, the `number`th of its pool.
    pub fn render(&self, name: &str, number: usize) -> Value {
        let mut config = self.0.clone();
        if !config["metadata"].is_object() {
            config["metadata"] = json!({});
        }
        config["metadata"]["name"] = name.into();
        if !config["metadata"]["annotations"].is_object() {
            config["metadata"]["annotations"] = json!({});
        }
        config["metadata"]["annotations"]["simulation/config-number"] = number.to_string().into();
        config
    }
}
