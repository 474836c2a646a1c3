//! Why a Pod does not start: a container cannot start, or the scheduler finds no node for it.

use serde_json::Value;

use super::containers::{IMAGE_BUILD, IMAGE_PUSH, WAIT_FOR_DONE, list};
use super::failure::{MORE_MEMORY, lacks_memory};
use crate::api::pool::field;
use crate::api::{Object, Sensitive};
use crate::reconcile::observed::status::{BuildFailure, FailureCause};

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

/// What mends an init container, which only other controllers add.
pub(super) const INIT_HINT: &str =
    "mend what adds this init container to the namespace's pods, or exempt build pods from it";

/// Why `pod` has not started, as far as its status says; an empty failure if it says nothing.
pub(super) fn delay(pod: &Object) -> BuildFailure {
    let init = list(pod, "/status/initContainerStatuses").iter().map(|status| (status, true));
    let containers = list(pod, "/status/containerStatuses").iter().map(|status| (status, false));
    let waiting = init.chain(containers).find_map(|(status, is_init)| of_container(status, is_init));
    waiting.or_else(|| of_init(pod)).or_else(|| of_scheduler(pod)).unwrap_or_default()
}

/// An init container that the others wait for. It is ordinary for a while, so it has no reason, and Events may say more.
fn of_init(pod: &Object) -> Option<BuildFailure> {
    let is_held = |status: &&Value| status.pointer("/state/running").is_some() && !is_started_sidecar(pod, status);
    let name = field(list(pod, "/status/initContainerStatuses").iter().find(is_held)?, "name");
    Some(BuildFailure {
        step: format!("running the init container {name}"),
        container: Some(name.to_owned()),
        output: Sensitive::new(format!("init container {name} has not ended")),
        hint: Some(INIT_HINT),
        cause: FailureCause::InitContainer,
        ..BuildFailure::default()
    })
}

/// Whether an init container is one that goes on beside the others, and lets them start.
fn is_started_sidecar(pod: &Object, status: &Value) -> bool {
    let container =
        list(pod, "/spec/initContainers").iter().find(|container| field(container, "name") == field(status, "name"));
    let is_sidecar = container.is_some_and(|container| field(container, "restartPolicy") == "Always");
    is_sidecar && status["started"] == true
}

fn of_container(status: &Value, is_init: bool) -> Option<BuildFailure> {
    let waiting = status.pointer("/state/waiting")?;
    let (name, reason) = (field(status, "name"), field(waiting, "reason"));
    if ORDINARY.contains(&reason) {
        return None;
    }
    let is_image = IMAGE_REASONS.contains(&reason);
    let said = field(waiting, "message");
    let cause = match (is_init, is_image) {
        (false, false) if lacks_memory(said) => FailureCause::OutOfMemory,
        (_, true) => FailureCause::ImagePull,
        (true, false) => FailureCause::InitContainer,
        (false, false) => FailureCause::ContainerStart,
    };
    let container = if is_init { "init container" } else { "container" };
    let image = field(status, "image");
    let image =
        if is_image && !image.is_empty() && !said.contains(image) { format!(", image {image}") } else { String::new() };
    let which = format!("({container} {name}{image})");
    Some(BuildFailure {
        step: format!("starting the {container} {name}"),
        container: Some(name.to_owned()),
        reason: Some(reason.to_owned()),
        output: Sensitive::new(if said.is_empty() { which } else { format!("{said} {which}") }),
        hint: hint(name, (reason, said), is_init, is_image),
        cause,
        ..BuildFailure::default()
    })
}

/// The setting that decides what a container waits for.
fn hint(container: &str, (reason, said): (&str, &str), is_init: bool, is_image: bool) -> Option<&'static str> {
    let said = said.to_lowercase();
    let is_about_input = ["secret", "configmap", "couldn't find key"].iter().any(|word| said.contains(word));
    match container {
        _ if is_init => Some(INIT_HINT),
        _ if lacks_memory(&said) => Some(MORE_MEMORY),
        IMAGE_BUILD | IMAGE_PUSH if is_image => Some("check build.builderImage, and that the nodes can pull it"),
        WAIT_FOR_DONE if is_image => {
            Some("check baseOSContainerImage of ConfigMap machine-config-osimageurl, and that the nodes can pull it")
        }
        _ if reason == "CreateContainerConfigError" && is_about_input => {
            Some("check the Secrets of ConfigMap on-cluster-build-config, and the ConfigMaps that settings name")
        }
        _ => None,
    }
}

fn of_scheduler(pod: &Object) -> Option<BuildFailure> {
    let is_unscheduled = |c: &&Value| field(c, "type") == "PodScheduled" && field(c, "status") == "False";
    let condition = list(pod, "/status/conditions").iter().find(is_unscheduled)?;
    let (reason, mut said) = (field(condition, "reason"), field(condition, "message").to_owned());
    let mut hint = "check build.resources, build.nodeSelector and build.tolerations";
    if reason == "SchedulingGated" {
        hint = "have the controller of each scheduling gate remove it, or exempt build pods from it";
        let names: Vec<&str> = list(pod, "/spec/schedulingGates").iter().map(|gate| field(gate, "name")).collect();
        if !names.is_empty() {
            said = format!("{said} (scheduling gates: {})", names.join(", "));
        }
    }
    Some(BuildFailure {
        step: "scheduling the pod".into(),
        reason: Some(reason.to_owned()).filter(|reason| !reason.is_empty()),
        output: Sensitive::new(said),
        hint: Some(hint),
        cause: FailureCause::Lost,
        ..BuildFailure::default()
    })
}
