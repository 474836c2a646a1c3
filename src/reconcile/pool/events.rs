//! Events: one for each transition, with a name of its own.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::conditions::{bounded_message, to_rfc3339};
use crate::api::conditions::EventReason;
use crate::api::names::sha256_hex;
use crate::api::{COMPONENT, EVENT_NAMESPACE, Kind, Object, Pool};

/// Something that happened to a pool's build, told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolEvent {
    /// The Event's reason.
    pub reason: EventReason,
    /// The Event's message.
    pub message: String,
    /// What tells this occurrence from another one of the same reason: inputs, and attempt.
    pub occurrence: String,
    /// What it is counted by, among others of the same reason: one of a few words.
    pub cause: Option<&'static str>,
}

impl PoolEvent {
    /// The Event's name: the same occurrence has the same name, in every process, so the API server itself
    /// keeps it from being told twice.
    pub fn event_name(&self, pool: &Pool<'_>) -> String {
        const POOL_BYTES_MAX: usize = 200;
        let hash = sha256_hex(format!("{}\n{}\n{}", pool.uid(), self.reason.as_str(), self.occurrence));
        let name = pool.name();
        format!("{}.{}", name.get(..POOL_BYTES_MAX).unwrap_or(name).trim_end_matches(['.', '-']), &hash[..16])
    }

    /// The Event to create.
    pub fn event(&self, pool: &Pool<'_>, now: Timestamp) -> Object {
        let involved = json!({
            "apiVersion": Kind::MachineConfigPool.api_version(),
            "kind": Kind::MachineConfigPool.name(),
            "name": pool.name(),
            "uid": pool.uid(),
        });
        event(&self.event_name(pool), &involved, self.reason, &self.message, now).within(EVENT_NAMESPACE)
    }
}

/// The Event of this name about the object `involved`, to create; its namespace is for the caller to set.
pub fn event(name: &str, involved: &Value, reason: EventReason, message: &str, now: Timestamp) -> Object {
    let mut event = Object::new(name, &Kind::Event.resource());
    let time = to_rfc3339(now);
    event.data = json!({
        "involvedObject": involved,
        "reason": reason.as_str(),
        "message": bounded_message(message),
        "type": if reason.is_warning() { "Warning" } else { "Normal" },
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": "",
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    });
    event
}
