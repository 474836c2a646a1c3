//! Classifies the status of the build in a Pod.

use serde_json::Value;

use super::containers::{IMAGE_BUILD, IMAGE_PUSH, exit_code, list, status_of, terminated, text};
use super::delay::{INIT_HINT, delay};
use super::disruption::{disruption, taken};
use super::failure::{OUT_OF_MEMORY, end, explained, named};
use crate::api::pool::field;
use crate::api::{Object, Sensitive};
use crate::reconcile::observed::digest::Digest;
use crate::reconcile::observed::status::{BuildFailure, BuildStatus, FailureCause};

pub(in crate::reconcile::objects) fn classify(pod: &Object) -> BuildStatus {
    if let Some(digest) = pushed(pod) {
        return BuildStatus::Succeeded(digest);
    }
    if let Some(loss) = disruption(pod) {
        return BuildStatus::Lost(loss);
    }
    let phase = text(pod, "/status/phase");
    if text(pod, "/status/reason") == "DeadlineExceeded" {
        return BuildStatus::Failed(overdue(pod));
    }
    if let Some(failed) = [IMAGE_BUILD, IMAGE_PUSH].into_iter().find_map(|name| failed_container(pod, name)) {
        return end(failed);
    }
    let is_built = terminated(pod, IMAGE_BUILD).is_some();
    match phase {
        "Failed" if !is_built => never_ran(pod),
        "Succeeded" | "Failed" if status_of(pod, IMAGE_PUSH).is_none() => BuildStatus::DigestInConfigMap,
        "Succeeded" | "Failed" => BuildStatus::Lost(BuildFailure::loss(
            "pushing the image",
            format!("the container {IMAGE_PUSH} ended without a digest as its termination message"),
        )),
        "" | "Pending" if !is_built => BuildStatus::Pending(delay(pod)),
        _ => BuildStatus::Running,
    }
}

/// The digest of the pushed image. A kubelet reports on each container of a pod, so the message of the container that
/// users' steps run in counts only in a pod that has no other to push.
fn pushed(pod: &Object) -> Option<Digest> {
    let pusher = if status_of(pod, IMAGE_PUSH).is_some() { IMAGE_PUSH } else { IMAGE_BUILD };
    let state = terminated(pod, pusher).filter(|state| exit_code(state) == Some(0))?;
    Digest::parse(field(state, "message"))
}

fn overdue(pod: &Object) -> BuildFailure {
    let ended = [IMAGE_BUILD, IMAGE_PUSH].into_iter().filter_map(|name| terminated(pod, name));
    let ended = ended.into_iter().find(|state| exit_code(state) != Some(0));
    let said = ended.map(|state| field(state, "message")).filter(|text| !text.is_empty());
    BuildFailure {
        step: "running the build, which took longer than its deadline".into(),
        exit_code: ended.and_then(exit_code),
        reason: Some("DeadlineExceeded".into()),
        output: Sensitive::new(said.unwrap_or_else(|| text(pod, "/status/message")).to_owned()),
        hint: Some("raise buildDeadline, or make the build faster"),
        cause: FailureCause::Deadline,
        ..BuildFailure::default()
    }
}

/// How `name` failed, if it ended with anything but 0.
fn failed_container(pod: &Object, name: &str) -> Option<BuildFailure> {
    let state = terminated(pod, name)?;
    let code = exit_code(state).unwrap_or(-1);
    if code == 0 {
        return None;
    }
    let (mut step, mut cause) = step_of(name, code);
    if name == IMAGE_PUSH && cause == FailureCause::Other && terminated(pod, IMAGE_BUILD).is_none() {
        // The container that builds marks its own failure, and its end is about to be shown.
        if field(state, "message").contains("was not built") {
            return None;
        }
        // There is no image yet that could be at fault.
        (step, cause) = ("waiting for the image", FailureCause::Lost);
    }
    let failure = BuildFailure { exit_code: Some(code), cause, ..failure_of(step, name, state) };
    Some(explained(failure))
}

/// What an exit code of one of the scripts stands for.
fn step_of(container: &str, code: i32) -> (&'static str, FailureCause) {
    match code {
        10 => ("reading the MachineConfig", FailureCause::BadPayload),
        20 => ("building the image", FailureCause::Build),
        30 => ("pulling the base image", FailureCause::Lost),
        31 => ("pulling the base image, which was denied", FailureCause::PullDenied),
        32 => ("pulling the base image", FailureCause::PullFailed),
        40 => ("pushing the image", FailureCause::Lost),
        41 => ("pushing the image, which was denied", FailureCause::PushDenied),
        42 => ("pushing the image", FailureCause::PushFailed),
        _ if container == IMAGE_PUSH => ("pushing the image", FailureCause::Other),
        _ => ("running the build", FailureCause::Other),
    }
}

/// A Pod that failed and whose build did not end: the cluster did not let it run, an init container failed, or all that
/// it says is that it failed.
fn never_ran(pod: &Object) -> BuildStatus {
    // The kubelet ends the init containers of a pod that it refuses.
    let (reason, message) = (text(pod, "/status/reason"), text(pod, "/status/message"));
    if !reason.is_empty() {
        return BuildStatus::Lost(taken(reason, message));
    }
    if let Some(failure) = failed_init_container(pod).or_else(|| failed_sidecar(pod)) {
        return end(failure);
    }
    let message = if message.is_empty() { "the pod failed, and its status does not say why" } else { message };
    BuildStatus::Failed(BuildFailure {
        step: "running the pod".into(),
        output: Sensitive::new(message.to_owned()),
        ..BuildFailure::default()
    })
}

fn failed_init_container(pod: &Object) -> Option<BuildFailure> {
    let (status, state) = first_failed(list(pod, "/status/initContainerStatuses"))?;
    let name = field(status, "name");
    let hint = match field(state, "reason") {
        OUT_OF_MEMORY => "raise the memory limit of this init container where it is added to the namespace's pods",
        _ => INIT_HINT,
    };
    let failure = failure_of(&format!("running the init container {name}"), name, state);
    Some(BuildFailure { hint: Some(hint), cause: FailureCause::InitContainer, ..failure })
}

/// Another container that failed, and the Pod with it.
fn failed_sidecar(pod: &Object) -> Option<BuildFailure> {
    let (status, state) = first_failed(list(pod, "/status/containerStatuses"))?;
    let name = field(status, "name");
    Some(failure_of(&format!("running the container {name}"), name, state))
}

/// What the end of a container says of a step that failed in it.
fn failure_of(step: &str, name: &str, state: &Value) -> BuildFailure {
    BuildFailure {
        step: step.to_owned(),
        container: Some(name.to_owned()),
        exit_code: exit_code(state),
        reason: named(field(state, "reason")),
        output: Sensitive::new(field(state, "message").to_owned()),
        ..BuildFailure::default()
    }
}

/// The container that failed first; one that was killed for memory may have exited with 0.
fn first_failed(statuses: &[Value]) -> Option<(&Value, &Value)> {
    let ended = || statuses.iter().filter_map(|status| Some((status, status.pointer("/state/terminated")?)));
    let failed = ended().find(|(_, state)| exit_code(state).is_some_and(|code| code != 0));
    failed.or_else(|| ended().find(|(_, state)| field(state, "reason") == OUT_OF_MEMORY))
}

#[cfg(test)]
mod tests;
