//! The OpenShift builder: a Build of the cluster's own build system, with both ConfigMaps as its inputs.

mod classify;
mod spec;

pub(super) use self::classify::classify;
pub use self::spec::PAYLOAD_DIRECTORY;
pub(super) use self::spec::object;
use crate::reconcile::inputs::build_settings::BuildSettings;

/// The settings that are not left as they are by default, and that Builds do not follow as build pods do: those that
/// they have no field for, and the two of which they take a part.
pub fn not_followed(settings: &BuildSettings) -> Vec<&'static str> {
    let default = BuildSettings::default();
    let all = [
        ("builderImage", settings.builder_image != default.builder_image),
        ("tolerations", settings.tolerations != default.tolerations),
        ("priorityClassName", settings.priority_class_name.is_some()),
        ("proxy (but for the steps of a build)", settings.proxy != default.proxy),
        ("trustedCaConfigMap (the cluster's own bundle is mounted)", settings.trusted_ca_config_map.is_some()),
        ("registriesConfigMap", settings.registries_config_map.is_some()),
        ("isolation", settings.isolation != default.isolation),
        ("storageDriver", settings.storage_driver != default.storage_driver),
    ];
    all.into_iter().filter(|(_, is_set)| *is_set).map(|(field, _)| field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::inputs::build_settings::{Isolation, Resources, StorageDriver, Toleration};
    use crate::reconcile::inputs::proxy::Proxy;

    #[test]
    fn what_builds_do_not_follow_is_told_where_it_is_set() {
        let text = || Some("a".to_owned());
        let followed = BuildSettings {
            resources: Resources { requests: [("cpu".to_owned(), "1".to_owned())].into(), ..Resources::default() },
            node_selector: [("a".to_owned(), "b".to_owned())].into(),
            ..BuildSettings::default()
        };
        assert!(not_followed(&followed).is_empty());
        let settings = BuildSettings {
            builder_image: "a.test/b".to_owned(),
            tolerations: vec![Toleration::default()],
            priority_class_name: text(),
            proxy: Proxy { no_proxy: text(), ..Proxy::default() },
            trusted_ca_config_map: text(),
            registries_config_map: text(),
            isolation: Isolation::Oci,
            storage_driver: StorageDriver::Overlay,
            ..followed
        };
        assert_eq!(not_followed(&settings).len(), 8);
    }
}
