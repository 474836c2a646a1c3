//! A change of an object, to be judged.

use serde_json::Value;

use crate::api::Object;
use crate::simulation::checks::at_rest::Finding;

/// One change to be judged.
pub(super) struct Event<'a> {
    pub kind: &'static str,
    /// The object's name.
    pub name: String,
    /// As it was; `None` if it was not there.
    pub before: Option<&'a Value>,
    /// As it is; `None` if it is gone.
    pub after: Option<&'a Value>,
    /// Whether the daemon asked for it.
    pub by_daemon: bool,
}

impl Event<'_> {
    /// A deviation of the object.
    pub(super) fn finding(&self, what: impl Into<String>) -> Vec<Finding> {
        vec![Finding::new(format!("{} {}", self.kind, self.name), what)]
    }
}

/// What an object of an event says, where it can be read.
pub(super) fn object(value: &Value) -> Option<Object> {
    serde_json::from_value(value.clone()).ok()
}
