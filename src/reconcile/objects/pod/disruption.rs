//! Disruptions: how a cluster ends the Pod of a build.

use serde_json::Value;

use super::containers::{IMAGE_BUILD, IMAGE_PUSH, exit_code, list, terminated, text};
use super::failure::OUT_OF_MEMORY;
use crate::api::Object;
use crate::api::pool::field;
use crate::reconcile::observed::status::BuildFailure;

/// Reasons of a Pod's status that mean that the cluster ended it, whatever its containers say.
pub(super) const DISRUPTIONS: [&str; 6] =
    ["Evicted", "Preempting", "NodeLost", "NodeShutdown", "Shutdown", "Terminated"];

/// A container's reasons that mean that its end is unknown: those of the kubelet, and of containerd.
const UNKNOWN: [&str; 2] = ["ContainerStatusUnknown", "Unknown"];

/// How the cluster took the Pod away, if it did.
pub(super) fn disruption(pod: &Object) -> Option<BuildFailure> {
    let phase = text(pod, "/status/phase");
    let (reason, message) = (text(pod, "/status/reason"), text(pod, "/status/message"));
    if DISRUPTIONS.contains(&reason) && phase != "Succeeded" {
        return Some(taken(reason, message));
    }
    if let Some(loss) = unknown(pod) {
        return Some(loss);
    }
    let is_deleted = phase != "Succeeded" && pod.metadata.deletion_timestamp.is_some();
    let is_signalled = is_signalled(pod);
    let is_target = |c: &&Value| field(c, "type") == "DisruptionTarget" && field(c, "status") == "True";
    let target = list(pod, "/status/conditions").iter().find(is_target);
    if let Some(condition) = target.filter(|_| phase == "Failed" || is_deleted || is_signalled) {
        return Some(taken(field(condition, "reason"), field(condition, "message")));
    }
    if phase != "Failed" || !is_signalled {
        return None;
    }
    match reason {
        "DeadlineExceeded" => None,
        "" => is_deleted.then(|| taken("", "the pod was deleted while the build ran")),
        _ => Some(taken(reason, message)),
    }
}

/// The loss of a pod for a reason of the cluster's.
pub(super) fn taken(reason: &str, message: &str) -> BuildFailure {
    let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
    BuildFailure { reason, ..BuildFailure::loss("running the pod", message) }
}

/// The loss of a pod of which a container's end is not known. The helpers' ends matter only where they, and not the
/// container that builds, are why the pod failed.
fn unknown(pod: &Object) -> Option<BuildFailure> {
    let build = terminated(pod, IMAGE_BUILD);
    if build.is_some_and(|state| exit_code(state) != Some(0) && !is_signal(state) && !is_unknown(state)) {
        return None;
    }
    let own = [IMAGE_BUILD, IMAGE_PUSH].into_iter().filter_map(|name| terminated(pod, name)).find(|s| is_unknown(s));
    let of_any = || {
        let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
        let statuses = lists.into_iter().flat_map(|pointer| list(pod, pointer));
        statuses.filter_map(last_end).find(|state| is_unknown(state))
    };
    let is_over = text(pod, "/status/phase") == "Failed" && build.is_none();
    let state = own.or_else(|| is_over.then(of_any)?)?;
    let message = match field(state, "message") {
        "" => "the node or its container runtime was restarted",
        message => message,
    };
    Some(taken(field(state, "reason"), message))
}

fn is_unknown(state: &Value) -> bool {
    UNKNOWN.contains(&field(state, "reason"))
}

/// How a container ended last; a kubelet that has lost one shows it as waiting.
fn last_end(status: &Value) -> Option<&Value> {
    let earlier = || status.pointer("/state/waiting").and_then(|_| status.pointer("/lastState/terminated"));
    status.pointer("/state/terminated").or_else(earlier)
}

/// Whether a signal ended the build, unless another end came before it.
fn is_signalled(pod: &Object) -> bool {
    let failed = |name: &&str| terminated(pod, name).is_some_and(|state| exit_code(state) != Some(0));
    let name = [IMAGE_BUILD, IMAGE_PUSH].into_iter().find(failed);
    name.and_then(|name| terminated(pod, name)).is_some_and(is_signal)
}

/// Whether a container was told to end, or was killed, and not for memory.
fn is_signal(state: &Value) -> bool {
    matches!(exit_code(state), Some(137 | 143)) && field(state, "reason") != OUT_OF_MEMORY
}

#[cfg(test)]
mod tests;
