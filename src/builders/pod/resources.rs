//! What the containers beside `image-build` ask of a node, and may use.
//!
//! A ResourceQuota refuses a pod of which any container leaves out a resource that the quota counts. So all containers
//! state what the setting names for `image-build`: the others may use as much, as they do their part when it has done
//! its own, and ask for little, as a scheduler adds up what containers ask for, those that have ended included.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::builders::BuildSettings;
use crate::plan::quantity;

/// What is asked for, where the setting does not allow less.
const REQUESTS: [(&str, &str); 3] = [("cpu", "100m"), ("memory", "128Mi"), ("ephemeral-storage", "128Mi")];

/// The resources of a container beside `image-build`, or none where the setting names nothing that it needs.
pub(super) fn beside(settings: &BuildSettings) -> Option<Value> {
    let limits: BTreeMap<_, _> =
        settings.resources.limits.iter().filter(|(name, _)| REQUESTS.iter().any(|(known, _)| known == name)).collect();
    let requests: BTreeMap<_, _> =
        REQUESTS.into_iter().filter_map(|(name, little)| request(settings, name, little)).collect();
    if requests.is_empty() {
        return None;
    }
    let mut resources = json!({ "requests": requests });
    if !limits.is_empty() {
        resources["limits"] = json!(limits);
    }
    Some(resources)
}

/// The least of what is little and what the setting allows. A limit without a request would be taken for the request.
fn request<'s>(settings: &'s BuildSettings, name: &'s str, little: &'s str) -> Option<(&'s str, &'s str)> {
    let of_setting = [&settings.resources.requests, &settings.resources.limits];
    let named: Vec<&str> = of_setting.iter().filter_map(|amounts| amounts.get(name).map(String::as_str)).collect();
    if named.is_empty() {
        return None;
    }
    let least = named.into_iter().chain([little]).min_by_key(|amount| quantity::parse(amount).unwrap_or(u128::MAX))?;
    Some((name, least))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(setting: Value) -> Option<Value> {
        let resources = serde_json::from_value(setting).unwrap();
        beside(&BuildSettings { resources, ..BuildSettings::default() })
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
                json!({"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "8Gi"}}),
            ),
            (
                json!({"limits": {"memory": "64Mi", "ephemeral-storage": "20Gi"}}),
                json!({
                    "requests": {"memory": "64Mi", "ephemeral-storage": "128Mi"},
                    "limits": {"memory": "64Mi", "ephemeral-storage": "20Gi"},
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
    fn devices_and_huge_pages_are_for_the_build_alone() {
        let devices = json!({"nvidia.com/gpu": "1", "hugepages-2Mi": "64Mi"});
        assert_eq!(resources(json!({"requests": devices, "limits": devices})), None);
        assert_eq!(resources(json!({})), None);
        let mixed = json!({"requests": {"cpu": "1", "nvidia.com/gpu": "1"}, "limits": {"nvidia.com/gpu": "1"}});
        assert_eq!(resources(mixed), Some(json!({"requests": {"cpu": "100m"}})));
    }
}
