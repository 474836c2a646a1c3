//! The cache of cluster state: the newest version seen of each object, from a watch or from the answer to a write.
//!
//! Changes come from watches and from the answers to this daemon's own requests, in any order. A newer version replaces
//! an older one, never the reverse, and a deleted object does not come back: the cache remembers its UID while older
//! messages about it may still arrive. That is a matter of a few deletions, so the cache remembers a limited number of
//! UIDs.
//!
//! The cache remembers the absence of an object only as long as it [`matters`], not for every config that was ever
//! built.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use crate::api::{Key, Kind, Object, ResourceVersion, names};
use crate::reconcile::redact::{self, Credential};

/// Deleted UIDs that are remembered of all pools' objects.
const GONE_MAX: usize = 4096;
/// Deleted UIDs that are remembered of one pool's.
const GONE_OF_POOL_MAX: usize = 64;

/// Sets of credentials that are remembered of Secrets that are not what they were.
const FORMER_CREDENTIALS_MAX: usize = 64;

/// One change of the cache. `Debug` shows only the keys of objects, because some are Secrets.
#[derive(Clone)]
pub enum Change {
    /// The object is there, in this version.
    Applied(Key, Arc<Object>),
    /// The object is not there. With a UID, that very object is gone for good; without, there is none of that name now.
    Gone(Key, Option<String>),
    /// No watch covers the object any more: its cached version may be stale.
    Unknown(Key),
    /// The cluster serves objects of this kind, or does not.
    Serves(Kind, bool),
    /// What there is of this kind cannot be known, for this reason; or it can.
    Reaches(Kind, Option<Arc<str>>),
}

impl Change {
    /// The object that it is about; none where it is about a kind.
    pub const fn key(&self) -> Option<&Key> {
        match self {
            Self::Applied(key, _) | Self::Gone(key, _) | Self::Unknown(key) => Some(key),
            Self::Serves(..) | Self::Reaches(..) => None,
        }
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied(key, object) => write!(f, "{key} is at {:?}", object.metadata.resource_version),
            Self::Gone(key, uid) => write!(f, "{key} is gone: {uid:?}"),
            Self::Unknown(key) => write!(f, "{key} is unknown"),
            Self::Serves(kind, is_served) => write!(f, "{} is served: {is_served}", kind.name()),
            Self::Reaches(kind, why) => write!(f, "{} is out of reach: {why:?}", kind.name()),
        }
    }
}

/// The newest known versions of a set of objects. `Debug` shows only their keys.
#[derive(Clone, Default)]
pub struct Cache {
    objects: BTreeMap<Key, Arc<Object>>,
    absent: BTreeSet<Key>,
    /// Those of the absent that the API server itself said are not there: watches of different kinds tell of what
    /// belongs together in any order, and may be late.
    asked: BTreeSet<Key>,
    unserved: BTreeSet<Kind>,
    /// Kinds of which nothing can be known, and why.
    unreachable: BTreeMap<Kind, Arc<str>>,
    gone: BTreeSet<Arc<str>>,
    gone_in_order: VecDeque<Arc<str>>,
    /// The credentials of Secrets that were replaced, deleted, or are followed no more: a build that has them may still
    /// run, and print them.
    former_credentials: VecDeque<Arc<[Credential]>>,
    /// Whether this is what one pool has to know.
    is_of_pool: bool,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.objects.keys()).finish()
    }
}

impl Cache {
    /// Takes a change in; false if it is no news.
    pub fn apply(&mut self, change: &Change) -> bool {
        match change {
            Change::Applied(key, object) => self.put(key, object),
            Change::Gone(key, uid) => self.take(key, uid.as_deref()),
            Change::Unknown(key) => {
                let was_absent = self.forget_absence(key);
                self.remove(key) || was_absent
            }
            Change::Serves(kind, true) => self.unserved.remove(kind),
            Change::Serves(kind, false) => self.unserved.insert(*kind),
            Change::Reaches(kind, None) => self.unreachable.remove(kind).is_some(),
            // Why it was so at first is enough.
            Change::Reaches(kind, Some(_)) if self.unreachable.contains_key(kind) => false,
            Change::Reaches(kind, Some(why)) => self.unreachable.insert(*kind, why.clone()).is_none(),
        }
    }

    /// The object of this key.
    pub fn get(&self, key: &Key) -> Option<&Arc<Object>> {
        self.objects.get(key)
    }

    /// Whether the object of this key is known to be absent, rather than just not known.
    pub fn is_absent(&self, key: &Key) -> bool {
        self.absent.contains(key)
    }

    /// Whether the cluster serves objects of `kind`, for all that is known.
    pub fn serves(&self, kind: Kind) -> bool {
        !self.unserved.contains(&kind)
    }

    /// Whether it cannot be known what there is of `kind`: its API has not answered yet.
    pub fn is_unreachable(&self, kind: Kind) -> bool {
        self.unreachable(kind).is_some()
    }

    /// Why it cannot be known what there is of `kind`, if it cannot.
    pub fn unreachable(&self, kind: Kind) -> Option<&str> {
        self.unreachable.get(&kind).map(AsRef::as_ref)
    }

    /// Notes that the API server was asked for an object that no watch has told of, and has none; false if that is
    /// no news.
    pub fn confirm_absent(&mut self, key: &Key) -> bool {
        !self.objects.contains_key(key) && self.asked.insert(key.clone())
    }

    /// Whether the API server itself said that there is no object of this key.
    pub fn is_confirmed_absent(&self, key: &Key) -> bool {
        self.asked.contains(key)
    }

    /// All objects of a kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&Key, &Arc<Object>)> {
        self.objects.range(Key::new(kind, "")..).take_while(move |(key, _)| key.kind == kind)
    }

    /// All objects.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Arc<Object>)> {
        self.objects.iter()
    }

    /// All credentials in Secrets that are known, and in those that were.
    pub fn credentials(&self) -> Vec<Credential> {
        let now = self.of_kind(Kind::Secret).flat_map(|(_, secret)| redact::credentials(secret));
        now.chain(self.former_credentials.iter().flat_map(|set| set.iter().cloned())).collect()
    }

    /// A cache with the objects that `wanted` picks out of this one, and all that is remembered besides.
    pub fn subset(&self, mut wanted: impl FnMut(&Key, &Object) -> bool) -> Self {
        let mut picked = self.clone();
        picked.retain(&mut wanted);
        picked
    }

    /// What the actor of a pool starts with: the objects that `wanted` picks out of this cache, and of what is not there
    /// what `matters` does. Objects that have gone need not be remembered: it is told of no more of them from here.
    pub fn share(&self, mut wanted: impl FnMut(&Key, &Object) -> bool, mut matters: impl FnMut(&Key) -> bool) -> Self {
        let mut pick = |keys: &BTreeSet<Key>| keys.iter().filter(|key| matters(key)).cloned().collect();
        let objects = self.objects.iter().filter(|(key, object)| wanted(key, object));
        Self {
            objects: objects.map(|(key, object)| (key.clone(), object.clone())).collect(),
            absent: pick(&self.absent),
            asked: pick(&self.asked),
            unserved: self.unserved.clone(),
            unreachable: self.unreachable.clone(),
            gone: BTreeSet::new(),
            gone_in_order: VecDeque::new(),
            former_credentials: self.former_credentials.clone(),
            is_of_pool: true,
        }
    }

    /// Forgets all objects but those that are `wanted`, and of what is not there all but what `matters`: from here on, it
    /// is not known.
    pub fn confine(&mut self, wanted: impl Fn(&Key, &Object) -> bool, matters: impl Fn(&Key) -> bool) {
        self.retain(wanted);
        self.absent.retain(&matters);
        self.asked.retain(matters);
    }

    /// Forgets that an object is not there; false if that was not known.
    pub fn forget_absence(&mut self, key: &Key) -> bool {
        self.asked.remove(key);
        self.absent.remove(key)
    }

    /// How much is known, in objects that are there or are not. Those that have gone for good are a bounded few more.
    pub fn len(&self) -> usize {
        self.objects.len() + self.absent.len() + self.asked.len()
    }

    /// Whether the cache is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn put(&mut self, key: &Key, object: &Arc<Object>) -> bool {
        if object.metadata.uid.as_ref().is_some_and(|uid| self.gone.contains(uid.as_str())) {
            return false;
        }
        if self.objects.get(key).is_some_and(|known| ResourceVersion::of(known) >= ResourceVersion::of(object)) {
            return false;
        }
        self.forget_absence(key);
        if let Some(replaced) = self.objects.insert(key.clone(), object.clone()) {
            self.keep_credentials(key, &replaced);
        }
        true
    }

    /// Forgets an object, but for its credentials; false if it was not known.
    fn remove(&mut self, key: &Key) -> bool {
        let removed = self.objects.remove(key);
        if let Some(object) = &removed {
            self.keep_credentials(key, object);
        }
        removed.is_some()
    }

    /// Forgets all objects but those that are `wanted`.
    fn retain(&mut self, mut wanted: impl FnMut(&Key, &Object) -> bool) {
        let all = std::mem::take(&mut self.objects);
        let (kept, dropped): (BTreeMap<_, _>, BTreeMap<_, _>) =
            all.into_iter().partition(|(key, object)| wanted(key, object));
        self.objects = kept;
        dropped.iter().for_each(|(key, object)| self.keep_credentials(key, object));
    }

    fn keep_credentials(&mut self, key: &Key, object: &Object) {
        if key.kind != Kind::Secret {
            return;
        }
        let set: Arc<[Credential]> = redact::credentials(object).into();
        if set.is_empty() {
            return;
        }
        self.former_credentials.retain(|known| *known != set);
        self.former_credentials.push_back(set);
        if self.former_credentials.len() > FORMER_CREDENTIALS_MAX {
            self.former_credentials.pop_front();
        }
    }

    fn take(&mut self, key: &Key, uid: Option<&str>) -> bool {
        let known = self.objects.get(key).and_then(|object| object.metadata.uid.clone());
        if let Some(uid) = uid {
            self.forget_for_good(uid.into());
        }
        if known.is_some() && uid.is_some() && known.as_deref() != uid {
            return false;
        }
        let is_removed = self.remove(key);
        self.absent.insert(key.clone()) || is_removed
    }

    fn forget_for_good(&mut self, uid: Arc<str>) {
        let max = if self.is_of_pool { GONE_OF_POOL_MAX } else { GONE_MAX };
        if self.gone.insert(uid.clone()) {
            self.gone_in_order.push_back(uid);
        }
        if self.gone_in_order.len() > max
            && let Some(oldest) = self.gone_in_order.pop_front()
        {
            self.gone.remove(&oldest);
        }
    }
}

/// Whether it matters to a pool which wants the config `rendered` that an object of this name is not there: it is one
/// that is watched by name, or has a name that the pool's build needs.
pub fn matters(key: &Key, rendered: &str) -> bool {
    match key.kind {
        Kind::Secret => true,
        Kind::MachineConfigPool | Kind::Event => false,
        Kind::MachineConfig => key.name == rendered,
        Kind::ConfigMap | Kind::Pod | Kind::Build => {
            key.is_input_config_map() || names::rendered_of(&key.name) == Some(rendered)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn applied(uid: &str, version: u64) -> Change {
        let object: Object = serde_json::from_value(json!({
            "metadata": {"name": "x", "uid": uid, "resourceVersion": version.to_string()},
        }))
        .unwrap();
        Change::Applied(key(), Arc::new(object))
    }

    fn key() -> Key {
        Key::new(Kind::Pod, "x")
    }

    fn gone(uid: &str) -> Change {
        Change::Gone(key(), Some(uid.into()))
    }

    #[test]
    fn l46_an_older_version_never_replaces_a_newer_one() {
        let mut cache = Cache::default();
        assert!(cache.apply(&applied("u1", 9)));
        assert!(!cache.apply(&applied("u1", 8)));
        assert!(cache.apply(&applied("u1", 10)), "versions are numbers, not text");
    }

    #[test]
    fn l46_what_was_seen_to_go_does_not_come_back() {
        let mut cache = Cache::default();
        cache.apply(&applied("u1", 1));
        assert!(cache.apply(&gone("u1")));
        assert!(!cache.apply(&applied("u1", 2)));
        assert!(cache.is_absent(&key()));
        assert!(cache.apply(&applied("u2", 3)));
        assert!(!cache.is_absent(&key()));
    }

    #[test]
    fn the_end_of_an_earlier_object_says_nothing_of_its_namesake() {
        let mut cache = Cache::default();
        cache.apply(&applied("u2", 3));
        assert!(!cache.apply(&gone("u1")));
        assert!(cache.get(&key()).is_some());
        assert!(!cache.apply(&applied("u1", 4)));
    }

    #[test]
    fn a_kind_is_served_unless_the_server_says_otherwise() {
        let mut cache = Cache::default();
        assert!(!cache.apply(&Change::Serves(Kind::Build, true)), "no news");
        assert!(cache.apply(&Change::Serves(Kind::Build, false)));
        assert!(!cache.serves(Kind::Build) && cache.serves(Kind::Pod));
        assert!(!cache.subset(|_, _| false).serves(Kind::Build), "it is no matter of objects");
        assert!(cache.apply(&Change::Serves(Kind::Build, true)));
        assert!(cache.serves(Kind::Build));
    }

    #[test]
    fn not_known_is_not_absent() {
        let mut cache = Cache::default();
        assert!(!cache.is_absent(&key()));
        assert!(cache.apply(&Change::Gone(key(), None)));
        assert!(cache.is_absent(&key()));
        assert!(!cache.apply(&Change::Gone(key(), None)), "said twice is no news");
    }
}
