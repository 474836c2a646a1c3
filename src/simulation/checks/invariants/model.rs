//! The model that writes are judged by: the objects that exist, and what the checks need of their history.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::event::{Event, object};
use crate::api::conditions::{BUILD_FAILED, BUILD_SUCCESS};
use crate::api::{Kind, Object, Pool, keys, names};
use crate::reconcile::inputs::build_inputs::BuildInputs;
use crate::reconcile::objects;
use crate::reconcile::observed::index::owner_of;
use crate::reconcile::observed::status::BuildStatus;
use crate::reconcile::pool::record::{BuildRecord, Failed};

/// The objects that exist, and what the checks need of their history.
#[derive(Default)]
pub(super) struct Model {
    pub pools: BTreeMap<String, Object>,
    /// The history of each pool, including deleted ones.
    pub past: BTreeMap<String, Past>,
    /// Objects that are labelled as made for a build, and digests that builds left; of ConfigMaps, not what is in them.
    pub made: BTreeMap<(Kind, String), Object>,
    /// The inputs that build objects were made from, by the UIDs of these.
    pub inputs: BTreeMap<String, BuildInputs>,
    /// The UIDs of the build objects that say, or left word, that they pushed an image, by its digest.
    pub pushed: BTreeMap<String, BTreeSet<String>>,
    pub builds_made: BTreeMap<(String, String), usize>,
    /// The holder of the lease.
    pub leader: Option<String>,
}

/// The history of a pool.
#[derive(Default)]
pub(super) struct Past {
    /// When it was last opted in, or out, or deleted.
    pub membership_changed: Option<Timestamp>,
    /// Since when it is degraded by others.
    pub blocked_since: Option<Timestamp>,
    /// While it is blocked: whether something still runs that must finish.
    pub is_finishing: bool,
    /// The image that was published last, and the hash of its inputs. Cleared when another client removes the image
    /// from the pool.
    pub credited: Option<(String, String)>,
    /// The failure that degraded it last.
    pub raised: Option<Failed>,
}

impl Model {
    pub(super) fn apply(&mut self, event: &Event<'_>, now: Timestamp) {
        match event.kind {
            "MachineConfigPool" => self.apply_pool(event, now),
            "Pod" => self.apply_made(Kind::Pod, event),
            "Build" => self.apply_made(Kind::Build, event),
            "ConfigMap" => self.apply_made(Kind::ConfigMap, event),
            "Lease" => {
                let holder = event.after.and_then(|lease| lease["spec"]["holderIdentity"].as_str());
                self.leader = holder.map(str::to_owned);
            }
            _ => {}
        }
    }

    fn apply_made(&mut self, kind: Kind, event: &Event<'_>) {
        let key = (kind, event.name.clone());
        let Some(mut made) = event.after.and_then(object).filter(|made| is_made(kind, made)) else {
            self.made.remove(&key);
            return;
        };
        if kind == Kind::ConfigMap {
            self.note_left_digest(&made);
            made.data = Value::Null;
        } else {
            self.note_build(kind, &made, event.before.is_none());
        }
        self.made.insert(key, made);
    }

    fn note_build(&mut self, kind: Kind, build: &Object, is_new: bool) {
        let uid = build.metadata.uid.clone().unwrap_or_default();
        if is_new {
            let hash = annotation(build, keys::INPUT_HASH).to_owned();
            *self.builds_made.entry((owner_of(build).unwrap_or_default(), hash)).or_default() += 1;
            // It was in progress when the pool was degraded, and continues like any other.
            if let Some(past) = owner_of(build).and_then(|pool| self.past.get_mut(&pool)) {
                past.is_finishing |= past.blocked_since.is_some();
            }
            if let Ok(inputs) = serde_json::from_str(annotation(build, keys::INPUTS)) {
                self.inputs.insert(uid.clone(), inputs);
            }
        }
        let status = objects::classify(kind, build);
        if let Some(BuildStatus::Succeeded(digest)) = status {
            self.pushed.entry(digest.as_str().to_owned()).or_default().insert(uid);
        }
    }

    fn note_left_digest(&mut self, config_map: &Object) {
        let name = config_map.metadata.name.as_deref().unwrap_or_default();
        let digest = config_map.data.pointer(&format!("/data/{}", names::DIGEST_KEY)).and_then(Value::as_str);
        let Some((rendered, digest)) = names::rendered_of(name).zip(digest) else { return };
        let builds = [Kind::Pod, Kind::Build].map(|kind| (kind, names::build(rendered)));
        let builds = builds.iter().filter_map(|key| self.made.get(key));
        // A digest ConfigMap that the build did not write does not carry the build's claim.
        let builds = builds.filter(|build| annotation(build, keys::CLAIM) == annotation(config_map, keys::CLAIM));
        let uids: Vec<String> = builds.filter_map(|build| build.metadata.uid.clone()).collect();
        self.pushed.entry(digest.trim().to_owned()).or_default().extend(uids);
    }

    fn apply_pool(&mut self, event: &Event<'_>, now: Timestamp) {
        let (before, after) = (self.pools.remove(&event.name), event.after.and_then(object));
        let record = before.as_ref().and_then(|pool| BuildRecord::of(&Pool::new(pool)).ok()).unwrap_or_default();
        let has_ended = |build: &Object| {
            record.failed.as_ref().is_some_and(|failed| failed.hash == annotation(build, keys::INPUT_HASH))
        };
        let has_build = self.builds_of(&event.name).any(|build| !has_ended(build));
        let past = self.past.entry(event.name.clone()).or_default();
        if before.as_ref().is_some_and(is_member) != after.as_ref().is_some_and(is_member) {
            past.membership_changed = Some(now);
        }
        let Some(after) = after else {
            *past = Past { membership_changed: past.membership_changed, ..Past::default() };
            return;
        };
        past.note(&Pool::new(&after), before.as_ref(), event.by_daemon, has_build, now);
        self.pools.insert(event.name.clone(), after);
    }

    /// The build objects of a pool, those on their way out among them.
    pub(super) fn builds_of(&self, pool: &str) -> impl Iterator<Item = &Object> {
        self.made_for(pool).filter(|((kind, _), _)| kind.is_build_object()).map(|(_, object)| object)
    }

    /// All that was made for a pool.
    pub(super) fn made_for(&self, pool: &str) -> impl Iterator<Item = (&(Kind, String), &Object)> {
        self.made.iter().filter(move |(_, object)| owner_of(object).as_deref() == Some(pool))
    }
}

impl Past {
    fn note(&mut self, pool: &Pool<'_>, before: Option<&Object>, by_daemon: bool, has_build: bool, now: Timestamp) {
        let record = BuildRecord::of(pool).unwrap_or_default();
        if pool.blocked_by().is_none() {
            self.blocked_since = None;
        } else if self.blocked_since.is_none() {
            self.blocked_since = Some(now);
            self.is_finishing = has_build || is_untold(pool, &record);
        }
        // A rebuild is made foreign degradation notwithstanding.
        self.is_finishing |= record.rebuild || pool.annotation(keys::REBUILD).is_some();
        if by_daemon && becomes_true(before, pool, &[BUILD_SUCCESS, BUILD_FAILED]) {
            self.is_finishing = false;
        }
        self.credited = match (pool.annotation(keys::NEWEST_IMAGE), record.published) {
            (Some(image), Some(published)) => Some((image.to_owned(), published.hash)),
            _ => None,
        };
        if by_daemon && pool.is_degraded_by_build() && !before.is_some_and(|b| Pool::new(b).is_degraded_by_build()) {
            self.raised = record.failed;
        } else if self.raised != record.failed {
            self.raised = None;
        }
    }
}

/// Whether the end of a build is on record, and not shown yet.
fn is_untold(pool: &Pool<'_>, record: &BuildRecord) -> bool {
    (record.published.is_some() && !pool.is_true(BUILD_SUCCESS))
        || (record.failed.is_some() && !pool.is_true(BUILD_FAILED))
}

fn becomes_true(before: Option<&Object>, pool: &Pool<'_>, types: &[&str]) -> bool {
    types.iter().any(|type_| pool.is_true(type_) && !before.is_some_and(|before| Pool::new(before).is_true(type_)))
}

/// Whether a pool is opted in and there to stay.
pub(super) fn is_member(pool: &Object) -> bool {
    let pool = Pool::new(pool);
    pool.is_opted_in() && !pool.is_being_deleted()
}

/// Whether an object has the name and the labels of one that was made for a build.
pub(super) fn is_labelled(object: &Object) -> bool {
    let labels = object.metadata.labels.as_ref();
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let is_build = Kind::of(object).is_ok_and(Kind::is_build_object);
    let is_named =
        |rendered: &str| rendered.starts_with(names::RENDERED_PREFIX) && is_build == (name == names::build(rendered));
    names::rendered_of(name).is_some_and(is_named)
        && [keys::BUILD_POD, keys::TARGET_POOL, keys::DESIRED_CONFIG]
            .iter()
            .all(|key| labels.is_some_and(|labels| labels.contains_key(*key)))
}

/// Whether an object was made for a build, by the daemon or by the build itself.
fn is_made(kind: Kind, object: &Object) -> bool {
    is_labelled(object) || (kind == Kind::ConfigMap && is_digest(object.metadata.name.as_deref().unwrap_or_default()))
}

/// Whether this is the name of a ConfigMap in which a build leaves its digest.
pub(super) fn is_digest(name: &str) -> bool {
    name.starts_with(&names::digest(names::RENDERED_PREFIX))
}

/// An annotation's value; empty if it is not there.
pub(super) fn annotation<'a>(object: &'a Object, key: &str) -> &'a str {
    object.metadata.annotations.as_ref().and_then(|annotations| annotations.get(key)).map_or("", String::as_str)
}
