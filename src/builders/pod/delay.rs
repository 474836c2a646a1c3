//! What keeps a Pod from starting: a container that cannot start, or a scheduler that has no place for it.

use serde_json::Value;

use super::classify::list;
use super::{IMAGE_BUILD, IMAGE_PUSH, WAIT_FOR_DONE};
use crate::api::pool::field;
use crate::api::{Object, Sensitive};
use crate::plan::status::{BuildFailure, FailureCause};

/// Reasons for which a container waits on every ordinary way to a start.
const ORDINARY: [&str; 3] = ["", "ContainerCreating", "PodInitializing"];

/// Reasons that are about a container's image.
const IMAGE_REASONS: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// Why `pod` has not started, as far as its status says; an empty failure if it says nothing.
pub(super) fn delay(pod: &Object) -> BuildFailure {
    let init = list(pod, "/status/initContainerStatuses").iter().map(|status| (status, true));
    let containers = list(pod, "/status/containerStatuses").iter().map(|status| (status, false));
    let waiting = init.chain(containers).find_map(|(status, is_init)| of_container(status, is_init));
    waiting.or_else(|| of_scheduler(pod)).unwrap_or_default()
}

fn of_container(status: &Value, is_init: bool) -> Option<BuildFailure> {
    let waiting = status.pointer("/state/waiting")?;
    let (name, reason) = (field(status, "name"), field(waiting, "reason"));
    if ORDINARY.contains(&reason) {
        return None;
    }
    let is_image = IMAGE_REASONS.contains(&reason);
    let cause = match (is_init, is_image) {
        (_, true) => FailureCause::ImagePull,
        (true, false) => FailureCause::InitContainer,
        (false, false) => FailureCause::ContainerStart,
    };
    let container = if is_init { "init container" } else { "container" };
    let (said, image) = (field(waiting, "message"), field(status, "image"));
    let image =
        if is_image && !image.is_empty() && !said.contains(image) { format!(", image {image}") } else { String::new() };
    let which = format!("({container} {name}{image})");
    Some(BuildFailure {
        step: format!("starting the {container} {name}"),
        container: Some(name.to_owned()),
        reason: Some(reason.to_owned()),
        output: Sensitive::new(if said.is_empty() { which } else { format!("{said} {which}") }),
        hint: hint(name, reason, is_init, is_image),
        cause,
        ..BuildFailure::default()
    })
}

/// The setting that decides what a container waits for.
fn hint(container: &str, reason: &str, is_init: bool, is_image: bool) -> Option<&'static str> {
    match container {
        _ if is_init => {
            Some("mend what adds this init container to the namespace's pods, or exempt build pods from it")
        }
        IMAGE_BUILD | IMAGE_PUSH if is_image => Some("check build.builderImage, and that the nodes can pull it"),
        WAIT_FOR_DONE if is_image => {
            Some("check baseOSContainerImage of ConfigMap machine-config-osimageurl, and that the nodes can pull it")
        }
        _ if reason == "CreateContainerConfigError" => {
            Some("check the Secrets of ConfigMap on-cluster-build-config, and the ConfigMaps that settings name")
        }
        _ => None,
    }
}

fn of_scheduler(pod: &Object) -> Option<BuildFailure> {
    let is_unscheduled = |c: &&Value| field(c, "type") == "PodScheduled" && field(c, "status") == "False";
    let condition = list(pod, "/status/conditions").iter().find(is_unscheduled)?;
    Some(BuildFailure {
        step: "scheduling the pod".into(),
        reason: Some(field(condition, "reason").to_owned()).filter(|reason| !reason.is_empty()),
        output: Sensitive::new(field(condition, "message").to_owned()),
        hint: Some("check build.resources, build.nodeSelector and build.tolerations"),
        cause: FailureCause::Lost,
        ..BuildFailure::default()
    })
}
