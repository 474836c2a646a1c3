//! An API server as a value: objects, versions, and pending watch events. It can be copied and run twice.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use machine_os_builder::api::{Key, Kind, Object, names};
use machine_os_builder::clock::Moment;
use machine_os_builder::reconcile::decide::Deletion;
use machine_os_builder::reconcile::observed::cache::Change;
use machine_os_builder::reconcile::pool::conditions::to_rfc3339;
use serde_json::{Value, json};
use tokio::time::Instant;

/// When everything begins.
const EPOCH: &str = "2026-01-01T00:00:00Z";

/// Why a write was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Conflict,
    AlreadyExists,
    NotFound,
    /// The server will not have it, and says so each time: a quota, or a webhook.
    Forbidden,
}

/// The pending events of a watch.
#[derive(Clone)]
pub(super) struct News {
    pub key: Key,
    pub object: Arc<Object>,
    pub is_gone: bool,
}

#[derive(Clone)]
pub(super) struct Server {
    pub objects: BTreeMap<Key, Arc<Object>>,
    pub log: Vec<News>,
    /// Names and reasons of Events, in the order of their making.
    pub events: Vec<(String, &'static str)>,
    pub now: Timestamp,
    versions: u64,
    uids: u64,
}

impl Server {
    pub(super) fn new() -> Self {
        Self {
            objects: BTreeMap::new(),
            log: Vec::new(),
            events: Vec::new(),
            now: EPOCH.parse().unwrap(),
            versions: 0,
            uids: 0,
        }
    }

    /// The time, by both clocks: the one that is never set goes on from any moment.
    pub(super) fn moment(&self) -> Moment {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        let since = self.now.duration_since(EPOCH.parse().unwrap());
        Moment { wall: self.now, steady: *BEGAN + Duration::try_from(since).unwrap() }
    }

    pub(super) fn get(&self, kind: Kind, name: &str) -> Option<&Arc<Object>> {
        self.objects.get(&Key::new(kind, name))
    }

    pub(super) fn create(&mut self, key: &Key, mut document: Value) -> Result<Arc<Object>, Refusal> {
        if self.objects.contains_key(key) {
            return Err(Refusal::AlreadyExists);
        }
        self.uids += 1;
        document["metadata"]["uid"] = json!(format!("uid-{}", self.uids));
        document["metadata"]["creationTimestamp"] = json!(to_rfc3339(self.now));
        Ok(self.store(key, document))
    }

    /// Changes an object that is there; one that stays as it is keeps its version.
    pub(super) fn edit(&mut self, key: &Key, change: impl FnOnce(&mut Value)) -> Option<Arc<Object>> {
        let object = self.objects.get(key)?.clone();
        let before = document(&object);
        let mut after = before.clone();
        change(&mut after);
        Some(if after == before { object } else { self.store(key, after) })
    }

    /// Applies a JSON patch to an object, or to its status alone.
    pub(super) fn patch(
        &mut self,
        key: &Key,
        patch: &json_patch::Patch,
        is_status: bool,
    ) -> Result<Arc<Object>, Refusal> {
        let before = document(self.objects.get(key).ok_or(Refusal::NotFound)?);
        let mut patched = before.clone();
        json_patch::patch(&mut patched, patch).map_err(|_| Refusal::Conflict)?;
        let (mut after, status) = if is_status {
            (before, patched["status"].take())
        } else {
            let status = before["status"].clone();
            (patched, status)
        };
        match status {
            Value::Null => drop(after.as_object_mut().unwrap().remove("status")),
            status => after["status"] = status,
        }
        Ok(self.edit(key, |document| *document = after).unwrap())
    }

    /// Deletes an object as a user does: what holds it, or its node, is waited for.
    pub(super) fn delete(&mut self, key: &Key) {
        if let Some(uid) = self.objects.get(key).and_then(|object| object.metadata.uid.clone()) {
            self.delete_exactly(&Deletion { key: key.clone(), uid, is_forced: false });
        }
    }

    /// Deletes the object of a UID, and answers as the API server does.
    pub(super) fn delete_exactly(&mut self, deletion: &Deletion) -> Change {
        let Deletion { key, uid, is_forced } = deletion;
        let gone = Change::Gone(key.clone(), Some(uid.clone()));
        let Some(object) = self.objects.get(key).filter(|o| o.metadata.uid.as_ref() == Some(uid)) else { return gone };
        let is_held = object.metadata.finalizers.as_ref().is_some_and(|finalizers| !finalizers.is_empty());
        let is_on_a_node = object.data["spec"]["nodeName"].is_string() && !is_forced;
        if !is_held && !is_on_a_node {
            self.remove(key);
            return gone;
        }
        let (grace, is_told) = (if is_on_a_node { 10 } else { 0 }, object.metadata.deletion_timestamp.is_some());
        let end = to_rfc3339(self.now + SignedDuration::from_secs(grace));
        let object = self.edit(key, |document| {
            if !is_told {
                document["metadata"]["deletionTimestamp"] = json!(end);
            }
            document["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
        });
        Change::Applied(key.clone(), object.unwrap())
    }

    /// Takes an object away, and what it owns with it.
    pub(super) fn remove(&mut self, key: &Key) {
        let Some(object) = self.objects.remove(key) else { return };
        self.versions += 1;
        self.log.push(News { key: key.clone(), object, is_gone: true });
        if key.kind == Kind::Secret {
            let canonical = Key::new(Kind::Secret, names::canonical_secret(&key.name));
            let is_owned = |object: &Arc<Object>| object.metadata.owner_references.is_some();
            if self.objects.get(&canonical).is_some_and(is_owned) {
                self.remove(&canonical);
            }
        }
    }

    fn store(&mut self, key: &Key, mut document: Value) -> Arc<Object> {
        self.versions += 1;
        document["metadata"]["resourceVersion"] = json!(self.versions.to_string());
        let object: Arc<Object> = Arc::new(serde_json::from_value(document).unwrap());
        self.objects.insert(key.clone(), object.clone());
        self.log.push(News { key: key.clone(), object: object.clone(), is_gone: false });
        object
    }
}

/// An object as one JSON document.
pub(super) fn document(object: &Object) -> Value {
    serde_json::to_value(object).unwrap()
}

/// An object as watches and answers show it: of some kinds, only the metadata.
pub(super) fn as_watched(key: &Key, object: &Arc<Object>) -> Arc<Object> {
    let is_metadata_enough =
        key.kind == Kind::MachineConfig || (key.kind == Kind::ConfigMap && !key.is_input_config_map());
    if !is_metadata_enough {
        return object.clone();
    }
    let mut object = Object::clone(object);
    object.data = Value::Null;
    Arc::new(object)
}
