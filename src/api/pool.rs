//! A MachineConfigPool as this daemon reads it.

use serde_json::Value;

use super::conditions::{BUILD_CONDITIONS, BUILD_FAILED, DEGRADED, NODE_DEGRADED, RENDER_DEGRADED, reason};
use super::{Object, keys};

/// A read-only view of a MachineConfigPool; a pool without `.status` reads as one with an empty status.
///
/// ```
/// use machine_os_builder::api::{Object, Pool};
///
/// let object: Object = serde_json::from_value(serde_json::json!({
///     "metadata": {"name": "worker"},
///     "status": {"conditions": [{"type": "NodeDegraded", "status": "True"}]},
/// }))?;
/// let pool = Pool::new(&object);
/// assert!(!pool.is_opted_in());
/// assert_eq!(pool.blocked_by(), Some("NodeDegraded"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Pool<'a> {
    /// The object as the API server sent it.
    pub object: &'a Object,
}

impl<'a> Pool<'a> {
    /// A view of `object`.
    pub const fn new(object: &'a Object) -> Self {
        Self { object }
    }

    /// The pool's name.
    pub fn name(&self) -> &'a str {
        self.object.metadata.name.as_deref().unwrap_or_default()
    }

    /// The pool's UID.
    pub fn uid(&self) -> &'a str {
        self.object.metadata.uid.as_deref().unwrap_or_default()
    }

    /// Whether the pool is opted in to layering.
    pub fn is_opted_in(&self) -> bool {
        self.object.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(keys::LAYERING_ENABLED))
    }

    /// Whether the pool is being deleted.
    pub const fn is_being_deleted(&self) -> bool {
        self.object.metadata.deletion_timestamp.is_some()
    }

    /// An annotation's value.
    pub fn annotation(&self, key: &str) -> Option<&'a str> {
        self.object.metadata.annotations.as_ref()?.get(key).map(String::as_str)
    }

    /// The name of the rendered MachineConfig that the pool wants; empty while it is not rendered yet.
    pub fn rendered(&self) -> &'a str {
        self.at(&["spec", "configuration", "name"]).and_then(Value::as_str).unwrap_or_default()
    }

    /// The references in `spec.configuration.source`.
    pub fn spec_source(&self) -> &'a [Value] {
        self.list(&["spec", "configuration", "source"])
    }

    /// The references in `status.configuration.source`.
    pub fn status_source(&self) -> &'a [Value] {
        self.list(&["status", "configuration", "source"])
    }

    /// The conditions, as they stand in the status.
    pub fn conditions(&self) -> &'a [Value] {
        self.list(&["status", "conditions"])
    }

    /// The condition of `type_`.
    pub fn condition(&self, type_: &str) -> Option<&'a Value> {
        self.conditions().iter().find(|condition| field(condition, "type") == type_)
    }

    /// Whether the condition of `type_` is True.
    pub fn is_true(&self, type_: &str) -> bool {
        self.condition(type_).is_some_and(|condition| field(condition, "status") == "True")
    }

    /// The build condition that is True, if there is one.
    pub fn shown(&self) -> Option<&'a Value> {
        BUILD_CONDITIONS.iter().find(|type_| self.is_true(type_)).and_then(|type_| self.condition(type_))
    }

    /// The condition that shows a failed build, if it is shown; none while the pool shows an unusable input instead.
    pub fn failure(&self) -> Option<&'a Value> {
        let is_failure = |shown: &&Value| field(shown, "type") == BUILD_FAILED;
        self.shown().filter(is_failure).filter(|shown| field(shown, "reason") == reason::BUILD_FAILED)
    }

    /// Whether `Degraded` is True because of a failed build.
    pub fn is_degraded_by_build(&self) -> bool {
        self.is_true(DEGRADED) && self.condition(DEGRADED).is_some_and(|c| field(c, "reason") == reason::BUILD_FAILED)
    }

    /// The condition by which another controller reports the pool as broken.
    pub fn blocked_by(&self) -> Option<&'static str> {
        if self.is_true(DEGRADED) && !self.is_degraded_by_build() {
            return Some(DEGRADED);
        }
        [NODE_DEGRADED, RENDER_DEGRADED].into_iter().find(|type_| self.is_true(type_))
    }

    /// Whether anything on the pool was put there by this daemon.
    pub fn has_traces(&self) -> bool {
        [keys::NEWEST_IMAGE, keys::BUILD_RECORD].iter().any(|key| self.annotation(key).is_some())
            || BUILD_CONDITIONS.iter().any(|type_| self.condition(type_).is_some())
            || self.is_degraded_by_build()
            || self.spec_source().iter().chain(self.status_source()).any(is_build_reference)
    }

    fn list(&self, path: &[&str]) -> &'a [Value] {
        self.at(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn at(&self, path: &[&str]) -> Option<&'a Value> {
        path.iter().try_fold(&self.object.data, |value, key| value.get(key))
    }
}

/// Whether a reference in a pool's `source` points to a build object rather than to a MachineConfig.
pub fn is_build_reference(reference: &Value) -> bool {
    matches!(field(reference, "kind"), "Pod" | "Build") && field(reference, "name").starts_with("build-")
}

/// A string field of a JSON object; empty if it is not there.
pub fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
