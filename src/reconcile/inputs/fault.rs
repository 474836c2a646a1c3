//! Faults of inputs, described for the user who has to correct them.

use std::fmt;

use strum::VariantArray as _;

use crate::api::Key;

/// An input that cannot be used: where it is, what is wrong with it, and how it is mended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InputFault {
    /// What kind of fault it is; also the reason of the condition that shows it.
    pub reason: FaultReason,
    /// The object at fault.
    pub object: Key,
    /// The key within the object, where there is one.
    pub key: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
    /// Whether all that is wrong is that the object is not there.
    pub is_missing: bool,
}

impl InputFault {
    /// A fault of `object`, or of one of its keys.
    pub fn new(
        reason: FaultReason,
        object: Key,
        key: Option<&str>,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        let (key, problem, fix) = (key.map(str::to_owned), problem.into(), fix.into());
        Self { reason, object, key, problem, fix, is_missing: false }
    }

    /// The fault that `object` is not there.
    pub fn missing(reason: FaultReason, object: Key, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { is_missing: true, ..Self::new(reason, object, None, problem, fix) }
    }
}

impl fmt::Display for InputFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.object)?;
        if let Some(key) = &self.key {
            write!(f, "key {key}: ")?;
        }
        write!(f, "{}; to fix it, {}", self.problem, self.fix)
    }
}

/// The kinds of faults, as they stand in a condition's reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr, strum::VariantArray)]
pub enum FaultReason {
    /// A ConfigMap is not there.
    ConfigMapMissing,
    /// A key is not there, or empty.
    KeyMissing,
    /// A key's value is none of those allowed.
    ValueInvalid,
    /// The cluster does not serve the objects of the image builder that the input names.
    BuilderNotServed,
    /// `finalImagePullspec`, or an image, is no usable reference.
    PullspecInvalid,
    /// A Secret is not there.
    SecretMissing,
    /// A Secret has the wrong type, or its body is empty or malformed.
    SecretInvalid,
    /// The MachineConfig is not there.
    MachineConfigMissing,
    /// The pool's config is not a rendered one.
    MachineConfigNotRendered,
    /// A name cannot be the name of an object.
    NameInvalid,
    /// The MachineConfig has no Ignition config to apply.
    MachineConfigInvalid,
    /// The MachineConfig does not fit into a ConfigMap, even compressed.
    PayloadTooLarge,
    /// The text for the Containerfile cannot be built from, or the image would not be of this operating system.
    ContainerfileInvalid,
    /// The text for the Containerfile does not fit into a ConfigMap.
    ContainerfileTooLarge,
    /// A value has a control character in it that could change the Containerfile's meaning.
    ControlCharacter,
    /// The pool's build record cannot be read.
    RecordInvalid,
}

impl FaultReason {
    /// Every kind.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Whether it is known only once the MachineConfig is read, whole, for a build that is about to start.
    pub const fn is_of_payload(self) -> bool {
        matches!(self, Self::MachineConfigInvalid | Self::PayloadTooLarge)
    }

    /// The reason as it stands in a condition.
    pub fn as_str(&self) -> &'static str {
        self.into()
    }
}
