//! Objects as the API server sends them, and the keys that identify them.
//!
//! All watched objects have one dynamic type: a typed round trip would drop the fields that a type does not model, and
//! those belong to other controllers.

use std::fmt;

use kube::core::{ApiResource, GroupVersionKind};
pub use kube::core::{DynamicObject as Object, PartialObjectMeta};

use super::names;

/// The kinds of objects that this daemon deals with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `machineconfiguration.openshift.io/v1` MachineConfigPool, cluster-scoped.
    MachineConfigPool,
    /// `machineconfiguration.openshift.io/v1` MachineConfig, cluster-scoped.
    MachineConfig,
    /// `v1` ConfigMap.
    ConfigMap,
    /// `v1` Secret.
    Secret,
    /// `v1` Pod.
    Pod,
    /// `build.openshift.io/v1` Build.
    Build,
    /// `v1` Event.
    Event,
}

/// An object of a kind that this program does not know.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown kind {kind:?} in {api_version:?}")]
pub struct UnknownKind {
    /// The object's `apiVersion`.
    pub api_version: String,
    /// The object's `kind`.
    pub kind: String,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::MachineConfigPool,
        Self::MachineConfig,
        Self::ConfigMap,
        Self::Secret,
        Self::Pod,
        Self::Build,
        Self::Event,
    ];

    /// The kind as it is written in an object, and its `apiVersion`.
    pub const fn names(self) -> (&'static str, &'static str) {
        const MACHINE_CONFIGURATION: &str = "machineconfiguration.openshift.io/v1";
        match self {
            Self::MachineConfigPool => ("MachineConfigPool", MACHINE_CONFIGURATION),
            Self::MachineConfig => ("MachineConfig", MACHINE_CONFIGURATION),
            Self::ConfigMap => ("ConfigMap", "v1"),
            Self::Secret => ("Secret", "v1"),
            Self::Pod => ("Pod", "v1"),
            Self::Build => ("Build", "build.openshift.io/v1"),
            Self::Event => ("Event", "v1"),
        }
    }

    /// The kind's name, as in an object's `kind`.
    pub const fn name(self) -> &'static str {
        self.names().0
    }

    /// The kind's `apiVersion`.
    pub const fn api_version(self) -> &'static str {
        self.names().1
    }

    /// Whether objects of this kind live in a namespace.
    pub const fn is_namespaced(self) -> bool {
        !matches!(self, Self::MachineConfigPool | Self::MachineConfig)
    }

    /// Whether a cluster may do without this kind: Builds are an optional part of OpenShift.
    pub const fn is_optional(self) -> bool {
        matches!(self, Self::Build)
    }

    /// Whether an object of this kind is what runs a build.
    pub const fn is_build_object(self) -> bool {
        matches!(self, Self::Pod | Self::Build)
    }

    /// How the API server's client addresses this kind.
    pub fn resource(self) -> ApiResource {
        let (kind, api_version) = self.names();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
    }

    /// The kind of `object`, from its `apiVersion` and `kind`.
    pub fn of(object: &Object) -> Result<Self, UnknownKind> {
        let types = object.types.clone().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|kind| kind.names() == (types.kind.as_str(), types.api_version.as_str()))
            .ok_or(UnknownKind { api_version: types.api_version, kind: types.kind })
    }
}

/// What names one object in the cluster, for as long as it is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The object's kind.
    pub kind: Kind,
    /// The object's name; its namespace follows from its kind.
    pub name: String,
}

impl Key {
    /// The object `name` of `kind`.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }

    /// The key of `object`, which is known to be a `kind`.
    pub fn of(kind: Kind, object: &Object) -> Self {
        Self::new(kind, object.metadata.name.clone().unwrap_or_default())
    }

    /// Whether this is one of the ConfigMaps that a user writes.
    pub fn is_input_config_map(&self) -> bool {
        self.kind == Kind::ConfigMap && names::INPUT_CONFIG_MAPS.contains(&self.name.as_str())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.name)
    }
}

/// An object's resourceVersion, for "newer than" among versions of one object.
///
/// Since Kubernetes 1.35 these are documented to be comparable decimal numbers; anything else is
/// taken to be older than every number, so that what the server says next wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceVersion(u128);

impl ResourceVersion {
    /// The version of `object`.
    pub fn of(object: &Object) -> Self {
        Self(object.metadata.resource_version.as_deref().and_then(|v| v.parse().ok()).unwrap_or(0))
    }

    /// The least version that is newer than this one, as it stands in an object.
    pub fn next(self) -> String {
        self.0.saturating_add(1).to_string()
    }
}
