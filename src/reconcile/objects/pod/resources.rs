//! The resource requests and limits of the containers beside `image-build`.
//!
//! A ResourceQuota refuses a pod of which any container leaves out a resource that the quota counts, and a LimitRange one
//! that may use many times what it asks for. So all containers state what the setting names for `image-build`, and each
//! has amounts of its own: they ask for little, as a scheduler adds up what containers ask for, those that have ended
//! included, and may use little, but for what an image takes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::reconcile::inputs::build_settings::BuildSettings;
use crate::reconcile::inputs::quantity;

/// What a container asks for, and may use: never more than the setting says, and that where nothing is said here.
type Amounts = [(&'static str, &'static str, Option<&'static str>); 3];

/// The container that pushes copies and compresses the whole image.
pub(super) const OF_PUSH: Amounts =
    [("cpu", "250m", Some("1")), ("memory", "128Mi", None), ("ephemeral-storage", "128Mi", None)];
/// The container that hands the digest over makes one request.
pub(super) const OF_HELPER: Amounts =
    [("cpu", "100m", Some("400m")), ("memory", "128Mi", Some("512Mi")), ("ephemeral-storage", "128Mi", Some("512Mi"))];

/// The resources of a container beside `image-build`, or none where the setting names nothing that it needs.
pub(super) fn beside(settings: &BuildSettings, amounts: Amounts) -> Option<Value> {
    let (requests, limits) = (&settings.resources.requests, &settings.resources.limits);
    // A limit without a request would be taken for the request.
    let request = |(name, little, _)| {
        let named: Vec<&str> =
            [requests, limits].into_iter().filter_map(|of| of.get(name).map(String::as_str)).collect();
        (!named.is_empty()).then(|| Some((name, least(named.into_iter().chain([little]))?)))?
    };
    let limit = |(name, _, most): (&'static str, _, Option<&'static str>)| {
        let named = limits.get(name)?.as_str();
        Some((name, least([named].into_iter().chain(most))?))
    };
    let asked: BTreeMap<_, _> = amounts.into_iter().filter_map(request).collect();
    let most: BTreeMap<_, _> = amounts.into_iter().filter_map(limit).collect();
    if asked.is_empty() {
        return None;
    }
    let mut resources = json!({ "requests": asked });
    if !most.is_empty() {
        resources["limits"] = json!(most);
    }
    Some(resources)
}

fn least<'a>(amounts: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    amounts.min_by_key(|amount| quantity::parse(amount).unwrap_or(u128::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(setting: Value) -> Option<Value> {
        let resources = serde_json::from_value(setting).unwrap();
        beside(&BuildSettings { resources, ..BuildSettings::default() }, OF_HELPER)
    }

    #[test]
    fn each_resource_of_the_setting_is_asked_for_and_never_more_than_it_says() {
        for (setting, expected) in [
            (
                json!({"requests": {"cpu": "2", "memory": "4Gi"}}),
                json!({"requests": {"cpu": "100m", "memory": "128Mi"}}),
            ),
            (
                json!({"requests": {"cpu": "50m"}, "limits": {"memory": "8Gi"}}),
                json!({"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}),
            ),
            (
                json!({"limits": {"memory": "64Mi", "ephemeral-storage": "20Gi"}}),
                json!({
                    "requests": {"memory": "64Mi", "ephemeral-storage": "128Mi"},
                    "limits": {"memory": "64Mi", "ephemeral-storage": "512Mi"},
                }),
            ),
            (
                json!({"requests": {"cpu": "1"}, "limits": {"cpu": "0.05"}}),
                json!({"requests": {"cpu": "0.05"}, "limits": {"cpu": "0.05"}}),
            ),
        ] {
            assert_eq!(resources(setting.clone()), Some(expected), "{setting}");
        }
    }

    #[test]
    fn what_a_container_may_use_is_not_many_times_what_it_asks_for() {
        let limits = [("cpu", "4"), ("memory", "8Gi"), ("ephemeral-storage", "50Gi")];
        let limits = limits.map(|(name, amount)| (name.to_owned(), amount.to_owned())).into();
        let resources = crate::reconcile::inputs::build_settings::Resources { limits, ..Default::default() };
        let settings = BuildSettings { resources, ..BuildSettings::default() };
        let ratio = |amounts, name: &str| {
            let found = beside(&settings, amounts).unwrap();
            let [most, asked] = ["limits", "requests"].map(|key| quantity::parse(found[key][name].as_str().unwrap()));
            most.unwrap() / asked.unwrap()
        };
        for name in ["cpu", "memory", "ephemeral-storage"] {
            assert_eq!(ratio(OF_HELPER, name), 4, "{name}");
        }
        assert_eq!(ratio(OF_PUSH, "cpu"), 4);
        // What an image takes is the setting's to say.
        assert_eq!(beside(&settings, OF_PUSH).unwrap()["limits"]["memory"], "8Gi");
    }

    #[test]
    fn devices_and_huge_pages_are_for_the_build_alone() {
        let devices = json!({"nvidia.com/gpu": "1", "hugepages-2Mi": "64Mi"});
        assert_eq!(resources(json!({"requests": devices, "limits": devices})), None);
        assert_eq!(resources(json!({})), None);
        let mixed = json!({"requests": {"cpu": "1", "nvidia.com/gpu": "1"}, "limits": {"nvidia.com/gpu": "1"}});
        assert_eq!(resources(mixed), Some(json!({"requests": {"cpu": "100m"}})));
    }
}
