//! The settings of build objects, besides the inputs of users.
//!
//! The fields are those of the settings file's section `build`, named as there; [`settings`](crate::settings) reads and
//! checks them, and each builder puts them where its objects have a field for them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::proxy::Proxy;
use crate::api::DEFAULT_NAMESPACE;
use crate::api::limits::BUILD_DEADLINE_DEFAULT;

/// The image with buildah in it that build pods run, unless a setting says otherwise.
pub const BUILDER_IMAGE_DEFAULT: &str = "quay.io/buildah/stable:latest";

/// The key at which OpenShift puts the bundle of certificate authorities into a ConfigMap.
pub const TRUSTED_CA_KEY_DEFAULT: &str = "ca-bundle.crt";

/// Settings of build objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct BuildSettings {
    /// Where build objects live; not in the section, as it is where everything else is too.
    #[serde(skip)]
    pub namespace: String,
    /// How long a whole build may take; not in the section, as it stands beside the other deadline.
    #[serde(skip)]
    pub build_deadline: Duration,
    /// The image with buildah in it.
    pub builder_image: String,
    /// How build pods hand over their digest.
    pub digest_handoff: DigestHandoff,
    /// What the container that builds asks of its node, and may use.
    pub resources: Resources,
    /// Labels of the nodes that builds may run on.
    pub node_selector: BTreeMap<String, String>,
    /// Taints that builds bear.
    pub tolerations: Vec<Toleration>,
    /// How important build pods are.
    pub priority_class_name: Option<String>,
    /// Labels that build objects get besides their own.
    pub labels: BTreeMap<String, String>,
    /// Annotations that build objects get besides their own.
    pub annotations: BTreeMap<String, String>,
    /// The way out, for builds.
    pub proxy: Proxy,
    /// A ConfigMap with a bundle of certificate authorities that registries may be certified by.
    pub trusted_ca_config_map: Option<String>,
    /// Its key.
    pub trusted_ca_key: String,
    /// A ConfigMap whose key `registries.conf` configures where buildah finds images, such as mirrors.
    pub registries_config_map: Option<String>,
    /// How buildah keeps what a build runs apart from itself.
    pub isolation: Isolation,
    /// How buildah keeps layers.
    pub storage_driver: StorageDriver,
}

impl Default for BuildSettings {
    fn default() -> Self {
        Self {
            namespace: DEFAULT_NAMESPACE.into(),
            build_deadline: BUILD_DEADLINE_DEFAULT,
            builder_image: BUILDER_IMAGE_DEFAULT.into(),
            digest_handoff: DigestHandoff::default(),
            resources: Resources::default(),
            node_selector: BTreeMap::new(),
            tolerations: Vec::new(),
            priority_class_name: None,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            proxy: Proxy::default(),
            trusted_ca_config_map: None,
            trusted_ca_key: TRUSTED_CA_KEY_DEFAULT.into(),
            registries_config_map: None,
            isolation: Isolation::default(),
            storage_driver: StorageDriver::default(),
        }
    }
}

impl BuildSettings {
    /// The deadline of a whole build in seconds, as objects have it: at least one, as none would be no deadline.
    pub fn deadline_s(&self) -> u64 {
        let part = u64::from(self.build_deadline.subsec_nanos() > 0);
        self.build_deadline.as_secs().saturating_add(part).max(1)
    }
}

/// How a build pod hands over the digest of the image that it pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DigestHandoff {
    /// A second container, from the base OS image, leaves it in a ConfigMap; the termination message has it too.
    #[default]
    #[serde(rename = "configmap")]
    ConfigMap,
    /// The termination message of the container that builds has it, and that is the only container.
    #[serde(rename = "termination-message")]
    TerminationMessage,
}

/// How buildah runs the steps of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Isolation {
    /// In another root directory, and not much more, which works without privileges.
    #[default]
    Chroot,
    /// In a container of an OCI runtime.
    Oci,
    /// In a container of an OCI runtime, run by a user other than root.
    Rootless,
}

/// How buildah keeps layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum StorageDriver {
    /// Each as a copy of all that is below it, which works everywhere.
    #[default]
    Vfs,
    /// Each as what it changes, on top of the others.
    Overlay,
}

/// Amounts by the name of a resource, as a container has them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Resources {
    /// What has to be free on a node.
    pub requests: BTreeMap<String, String>,
    /// What may be used at most.
    pub limits: BTreeMap<String, String>,
}

impl Resources {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.limits.is_empty()
    }
}

/// A taint, or several, that is borne, as a pod has it. Not the type of the API: that one takes no notice of typos.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Toleration {
    /// The key of the taint; without it, all taints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What has to be true of the taint's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
    /// The taint's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What the taint does; without it, anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// How long a taint is borne that evicts pods; without it, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// What has to be true of a taint's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operator {
    /// Nothing.
    Exists,
    /// It is the toleration's.
    Equal,
}

/// What a taint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// No further pod comes to the node.
    NoSchedule,
    /// None does if there is another node.
    PreferNoSchedule,
    /// Pods on the node are evicted, too.
    NoExecute,
}
