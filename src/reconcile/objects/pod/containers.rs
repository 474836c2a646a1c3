//! The names of the containers, and the fields of a Pod that tell how they are.

use serde_json::Value;

use crate::api::Object;
use crate::api::pool::field;

/// The container that builds the image, in which users' steps run.
pub const IMAGE_BUILD: &str = "image-build";
/// The container that pushes the image; its termination message is the digest.
pub const IMAGE_PUSH: &str = "image-push";
/// The container that hands the digest over.
pub const WAIT_FOR_DONE: &str = "wait-for-done";

pub(super) fn status_of<'p>(pod: &'p Object, container: &str) -> Option<&'p Value> {
    list(pod, "/status/containerStatuses").iter().find(|status| field(status, "name") == container)
}

pub(super) fn terminated<'p>(pod: &'p Object, container: &str) -> Option<&'p Value> {
    status_of(pod, container)?.pointer("/state/terminated")
}

pub(super) fn exit_code(state: &Value) -> Option<i32> {
    state.get("exitCode")?.as_i64()?.try_into().ok()
}

pub(super) fn list<'p>(pod: &'p Object, pointer: &str) -> &'p [Value] {
    pod.data.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn text<'p>(pod: &'p Object, pointer: &str) -> &'p str {
    pod.data.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
