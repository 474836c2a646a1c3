//! The settings of build objects, as arguments.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::value::StringDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer as _};

use super::error::Error;
use crate::reconcile::inputs::build_settings::{
    BuildSettings, DigestHandoff, Isolation, Resources, StorageDriver, Toleration,
};
use crate::settings::{self, Settings};

/// Settings of build objects.
///
/// A flag takes precedence over an environment variable, a variable over the file, and the file over the default.
#[derive(Debug, clap::Args)]
pub(super) struct BuildArguments {
    /// YAML file with settings; flags and environment variables take precedence over it
    #[arg(long, value_name = "FILE", env = "MACHINE_OS_BUILDER_CONFIG")]
    config: Option<PathBuf>,

    /// Time limit of a whole build [default: 1h]
    #[arg(long, value_name = "TIME", env = "BUILD_DEADLINE", value_parser = settings::duration)]
    build_deadline: Option<std::time::Duration>,

    /// Image that contains buildah [default: quay.io/buildah/stable:latest]
    #[arg(long, value_name = "IMAGE", env = "BUILDER_IMAGE")]
    builder_image: Option<String>,

    /// How a build pod hands over the digest of the pushed image: in a ConfigMap, which a helper container from the base
    /// OS image writes, or in the termination message, for which no node has to pull the base OS image
    /// [default: configmap]
    #[arg(long, value_name = "HOW", env = "DIGEST_HANDOFF", value_parser = word::<DigestHandoff>(["configmap", "termination-message"]))]
    digest_handoff: Option<DigestHandoff>,

    /// Requests and limits of the container that builds, as in '{requests: {cpu: 1}, limits: {memory: 4Gi}}' [default: {}]
    #[arg(long, value_name = "YAML", env = "BUILD_RESOURCES", value_parser = settings::parse::<Resources>)]
    build_resources: Option<Resources>,

    /// Labels of the nodes that may run builds, as in 'node-role.kubernetes.io/infra: ""' [default: {}]
    #[arg(long, value_name = "YAML", env = "BUILD_NODE_SELECTOR", value_parser = settings::parse::<Map>)]
    build_node_selector: Option<Map>,

    /// Taints that build pods tolerate, as in '[{key: builds, operator: Exists, effect: NoSchedule}]' [default: []]
    #[arg(long, value_name = "YAML", env = "BUILD_TOLERATIONS", value_parser = settings::parse::<Tolerations>)]
    build_tolerations: Option<Tolerations>,

    /// PriorityClass of build pods [default: none]
    #[arg(long, value_name = "NAME", env = "BUILD_PRIORITY_CLASS_NAME")]
    build_priority_class_name: Option<String>,

    /// Additional labels of build objects, as in 'team: os' [default: {}]
    #[arg(long, value_name = "YAML", env = "BUILD_LABELS", value_parser = settings::parse::<Map>)]
    build_labels: Option<Map>,

    /// Additional annotations of build objects [default: {}]
    #[arg(long, value_name = "YAML", env = "BUILD_ANNOTATIONS", value_parser = settings::parse::<Map>)]
    build_annotations: Option<Map>,

    /// Proxy of builds for http:// addresses [default: none]
    #[arg(long, value_name = "URL", env = "BUILD_HTTP_PROXY", hide_env_values = true)]
    build_http_proxy: Option<String>,

    /// Proxy of builds for https:// addresses, including registries [default: none]
    #[arg(long, value_name = "URL", env = "BUILD_HTTPS_PROXY", hide_env_values = true)]
    build_https_proxy: Option<String>,

    /// Hosts, domains and networks that builds reach without a proxy, separated by commas [default: none]
    #[arg(long, value_name = "HOSTS", env = "BUILD_NO_PROXY")]
    build_no_proxy: Option<String>,

    /// ConfigMap with a bundle of certificate authorities to trust for registries [default: none]
    #[arg(long, value_name = "NAME", env = "BUILD_TRUSTED_CA_CONFIG_MAP")]
    build_trusted_ca_config_map: Option<String>,

    /// Key of the bundle in that ConfigMap [default: ca-bundle.crt]
    #[arg(long, value_name = "KEY", env = "BUILD_TRUSTED_CA_KEY")]
    build_trusted_ca_key: Option<String>,

    /// ConfigMap with a registries.conf: mirrors and short names of registries [default: none]
    #[arg(long, value_name = "NAME", env = "BUILD_REGISTRIES_CONFIG_MAP")]
    build_registries_config_map: Option<String>,

    /// Isolation of buildah, BUILDAH_ISOLATION [default: chroot]
    #[arg(long, value_name = "HOW", env = "BUILD_ISOLATION", value_parser = word::<Isolation>(["chroot", "oci", "rootless"]))]
    build_isolation: Option<Isolation>,

    /// Storage driver of buildah, STORAGE_DRIVER [default: vfs]
    #[arg(long, value_name = "HOW", env = "BUILD_STORAGE_DRIVER", value_parser = word::<StorageDriver>(["vfs", "overlay"]))]
    build_storage_driver: Option<StorageDriver>,
}

type Map = BTreeMap<String, String>;
// A name of its own, as lists are several values of one flag to clap otherwise.
type Tolerations = Vec<Toleration>;

/// A word that a setting's file has, too.
pub(super) fn word<T: DeserializeOwned + Clone + Send + Sync + 'static>(
    words: impl Into<PossibleValuesParser>,
) -> impl TypedValueParser<Value = T> {
    words.into().try_map(|word| {
        let deserializer: StringDeserializer<serde::de::value::Error> = word.into_deserializer();
        T::deserialize(deserializer)
    })
}

/// Puts a value that was given in the place of another.
pub(super) fn put<T: Clone>(given: Option<&T>, to: &mut T) {
    if let Some(given) = given {
        to.clone_from(given);
    }
}

/// The same where there may be none: nothing at all takes back what a file says.
fn put_optional(given: Option<&String>, to: &mut Option<String>) {
    if let Some(given) = given {
        *to = (!given.is_empty()).then(|| given.clone());
    }
}

impl BuildArguments {
    /// The settings of the file, with those of these arguments, and with what `more` does to them, in their places.
    ///
    /// # Errors
    /// If the file is none, or there are settings that cannot be used.
    pub(super) fn settings(&self, more: impl FnOnce(&mut Settings)) -> Result<Settings, Error> {
        let mut settings = self.config.as_deref().map(settings::read).transpose()?.unwrap_or_default();
        put(self.build_deadline.as_ref(), &mut settings.build_deadline);
        self.put(&mut settings.build);
        more(&mut settings);
        Ok(settings.check()?)
    }

    fn put(&self, build: &mut BuildSettings) {
        put(self.builder_image.as_ref(), &mut build.builder_image);
        put(self.digest_handoff.as_ref(), &mut build.digest_handoff);
        put(self.build_resources.as_ref(), &mut build.resources);
        put(self.build_node_selector.as_ref(), &mut build.node_selector);
        put(self.build_tolerations.as_ref(), &mut build.tolerations);
        put_optional(self.build_priority_class_name.as_ref(), &mut build.priority_class_name);
        put(self.build_labels.as_ref(), &mut build.labels);
        put(self.build_annotations.as_ref(), &mut build.annotations);
        put_optional(self.build_http_proxy.as_ref(), &mut build.proxy.http_proxy);
        put_optional(self.build_https_proxy.as_ref(), &mut build.proxy.https_proxy);
        put_optional(self.build_no_proxy.as_ref(), &mut build.proxy.no_proxy);
        put_optional(self.build_trusted_ca_config_map.as_ref(), &mut build.trusted_ca_config_map);
        put(self.build_trusted_ca_key.as_ref(), &mut build.trusted_ca_key);
        put_optional(self.build_registries_config_map.as_ref(), &mut build.registries_config_map);
        put(self.build_isolation.as_ref(), &mut build.isolation);
        put(self.build_storage_driver.as_ref(), &mut build.storage_driver);
    }
}
