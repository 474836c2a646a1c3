//! Storage: the objects, their changes, and their owners.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;
use tokio::sync::broadcast;

use super::kinds::ResourceKind;
use super::meta;
pub(super) use super::object::{Form, Object};

/// Where an object is within its collection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The namespace; empty for what lives in none.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl Key {
    /// The key of `name` in `namespace`.
    pub(super) fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// The key of an object.
    pub(super) fn of(object: &Value) -> Self {
        Self::new(meta::metadata(object, "namespace"), meta::metadata(object, "name"))
    }
}

/// One change of one object.
#[derive(Debug)]
pub(super) struct Change {
    /// The version that the change made.
    pub version: u64,
    /// The object after it; for a deletion its last state, in the version of the deletion.
    pub object: Arc<Object>,
    /// The object before it, if there was one.
    pub previous: Option<Arc<Object>>,
    /// Whether the object went.
    pub is_deletion: bool,
}

/// The objects of one kind.
#[derive(Debug)]
pub(super) struct Collection {
    /// The kind.
    pub kind: &'static ResourceKind,
    /// The objects, by namespace and name.
    pub objects: BTreeMap<Key, Arc<Object>>,
    /// The latest changes, oldest first.
    pub changes: VecDeque<Arc<Change>>,
    /// The version of the newest change that is no longer kept.
    pub dropped: u64,
    /// Told of each change; who watches waits for it. They are woken in the order in which they began to wait: that
    /// of a `watch` channel is left to chance, and a run could not be repeated.
    pub news: broadcast::Sender<()>,
}

impl Collection {
    fn new(kind: &'static ResourceKind) -> Self {
        // A watcher that missed some notifications only needs to know that there were any.
        let news = broadcast::Sender::new(1);
        Self { kind, objects: BTreeMap::new(), changes: VecDeque::new(), dropped: 0, news }
    }

    /// The version of the newest change.
    pub(super) fn newest(&self) -> u64 {
        self.changes.back().map_or(self.dropped, |change| change.version)
    }

    /// The changes after `version`, which is not older than what is kept.
    pub(super) fn changes_after(&self, version: u64) -> impl DoubleEndedIterator<Item = &Arc<Change>> {
        self.changes.range(self.changes.partition_point(|change| change.version <= version)..)
    }

    fn record(&mut self, change: Arc<Change>, window: usize) {
        self.changes.push_back(change);
        while self.changes.len() > window {
            self.dropped = self.changes.pop_front().map_or(self.dropped, |change| change.version);
        }
        // Without watchers the send fails, which is no error.
        let _ = self.news.send(());
    }
}

/// Everything that an API server stores.
#[derive(Debug)]
pub(super) struct Store {
    /// The version of the newest change of all.
    pub version: u64,
    /// The objects of every kind that is served.
    pub collections: Vec<Collection>,
    window: usize,
    random: ChaCha8Rng,
    /// Where the object of a UID is.
    living: BTreeMap<String, (usize, Key)>,
    /// The objects that name an owner, by the owner's UID.
    dependents: BTreeMap<String, BTreeSet<(usize, Key)>>,
    /// Changes that the auditor has not seen yet, with the kind of each; none are kept unless there is one.
    unaudited: Option<Vec<(&'static str, Arc<Change>)>>,
}

impl Store {
    /// An empty store for `kinds`, that keeps `window` changes of each.
    pub(super) fn new(kinds: impl Iterator<Item = &'static ResourceKind>, seed: u64, window: usize) -> Self {
        Self {
            version: 0,
            collections: kinds.map(Collection::new).collect(),
            window,
            random: ChaCha8Rng::seed_from_u64(seed),
            living: BTreeMap::new(),
            dependents: BTreeMap::new(),
            unaudited: None,
        }
    }

    /// The objects of every kind, and the version that they are at.
    pub(super) fn objects(&self) -> (u64, Vec<BTreeMap<Key, Arc<Object>>>) {
        (self.version, self.collections.iter().map(|collection| collection.objects.clone()).collect())
    }

    /// Puts these objects back, and goes on from the version that they were at; no changes are kept. Watches end.
    pub(super) fn put_back(&mut self, version: u64, objects: &[BTreeMap<Key, Arc<Object>>]) {
        self.version = version;
        (self.living, self.dependents) = Default::default();
        self.drop_changes();
        for (index, collection) in self.collections.iter_mut().enumerate() {
            collection.objects = objects.get(index).cloned().unwrap_or_default();
        }
        for (index, objects) in objects.iter().enumerate() {
            for (key, object) in objects {
                self.remember(index, key.clone(), &object.value);
            }
        }
    }

    /// Drops all changes, so that a watch cannot go on from before. Watches end.
    pub(super) fn drop_changes(&mut self) {
        for index in 0..self.collections.len() {
            self.collections[index].changes.clear();
            self.collections[index].dropped = self.version;
            self.end_watches(index);
        }
    }

    /// Keeps changes for an auditor from here on.
    pub(super) fn keep_for_audit(&mut self) {
        self.unaudited.get_or_insert_default();
    }

    /// Ends the watches of a collection.
    pub(super) fn end_watches(&mut self, collection: usize) {
        self.collections[collection].news = broadcast::Sender::new(1);
    }

    /// The changes since this was asked last.
    pub(super) fn take_unaudited(&mut self) -> Vec<(&'static str, Arc<Change>)> {
        self.unaudited.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn record(&mut self, collection: usize, change: Change) {
        let (change, collection) = (Arc::new(change), &mut self.collections[collection]);
        if let Some(unaudited) = &mut self.unaudited {
            unaudited.push((collection.kind.name, Arc::clone(&change)));
        }
        collection.record(change, self.window);
    }

    /// The index of the collection for objects of `kind`, in any version; a new one, if need be.
    pub(super) fn collection_for(&mut self, kind: &'static ResourceKind) -> usize {
        match self.collections.iter().position(|collection| collection.kind.is_same_resource(kind)) {
            Some(index) => {
                self.collections[index].kind = kind;
                index
            }
            None => {
                // The kind was not served before, so no client has a version from before.
                self.collections.push(Collection { dropped: self.version, ..Collection::new(kind) });
                self.collections.len() - 1
            }
        }
    }

    /// The object at `key`.
    pub(super) fn get(&self, collection: usize, key: &Key) -> Option<&Arc<Object>> {
        self.collections[collection].objects.get(key)
    }

    /// Stores `value` at `key` in a new version.
    pub(super) fn put(&mut self, collection: usize, key: Key, mut value: Value) -> Arc<Object> {
        let version = self.stamp(&mut value);
        let object = Object::new(value);
        let previous = self.collections[collection].objects.insert(key.clone(), Arc::clone(&object));
        if let Some(previous) = &previous {
            self.forget(collection, &key, &previous.value);
        }
        self.remember(collection, key, &object.value);
        let change = Change { version, object: Arc::clone(&object), previous, is_deletion: false };
        self.record(collection, change);
        object
    }

    /// Removes the object at `key`, and gives its last state.
    pub(super) fn remove(&mut self, collection: usize, key: &Key) -> Option<Arc<Object>> {
        let previous = self.collections[collection].objects.remove(key)?;
        self.forget(collection, key, &previous.value);
        let mut value = previous.value.clone();
        let version = self.stamp(&mut value);
        let object = Object::new(value);
        let change =
            Change { version, object: Arc::clone(&object), previous: Some(Arc::clone(&previous)), is_deletion: true };
        self.record(collection, change);
        Some(object)
    }

    /// Where the object of a UID is.
    pub(super) fn place_of(&self, uid: &str) -> Option<(usize, Key)> {
        self.living.get(uid).cloned()
    }

    /// Where everything is that names the owner of this UID.
    pub(super) fn dependents_of(&self, uid: &str) -> Vec<(usize, Key)> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    /// The objects all of whose owners are gone, now that the one of this UID is.
    pub(super) fn orphans_of(&self, uid: &str) -> Vec<(usize, Key)> {
        let mut dependents = self.dependents_of(uid);
        dependents.retain(|(collection, key)| !self.has_owner_beside(*collection, key, uid));
        dependents
    }

    /// Whether something names the owner of this UID that this one has to outlive.
    pub(super) fn is_blocked(&self, uid: &str) -> bool {
        self.dependents_of(uid).into_iter().filter_map(|(collection, key)| self.get(collection, &key)).any(|object| {
            let mut owners = meta::owner_references(&object.value).iter();
            owners.any(|owner| meta::text(owner, "uid") == uid && owner["blockOwnerDeletion"] == true)
        })
    }

    /// Takes the owner of this UID from all objects that name it.
    pub(super) fn release(&mut self, uid: &str) {
        for (collection, key) in self.dependents_of(uid) {
            self.disown(collection, &key, uid);
        }
    }

    /// Takes the owner of this UID from one object.
    pub(super) fn disown(&mut self, collection: usize, key: &Key, uid: &str) {
        let Some(mut value) = self.get(collection, key).map(|object| object.value.clone()) else { return };
        let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) else { return };
        if let Some(Value::Array(owners)) = metadata.get_mut("ownerReferences") {
            owners.retain(|owner| meta::text(owner, "uid") != uid);
            if owners.is_empty() {
                metadata.remove("ownerReferences");
            }
        }
        self.put(collection, key.clone(), value);
    }

    /// Whether the object has an owner that lives, beside the one of this UID.
    pub(super) fn has_owner_beside(&self, collection: usize, key: &Key, uid: &str) -> bool {
        let Some(object) = self.get(collection, key) else { return false };
        meta::owners(&object.value).filter(|owner| *owner != uid).any(|owner| {
            let namespace = self.living.get(owner).map(|(_, owner)| &owner.namespace);
            namespace.is_some_and(|namespace| namespace.is_empty() || *namespace == key.namespace)
        })
    }

    /// A new UID, of the form of a random UUID.
    pub(super) fn uid(&mut self) -> String {
        let mut bytes = [0_u8; 16];
        self.random.fill_bytes(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = format!("{:032x}", u128::from_be_bytes(bytes));
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// A name that begins with `base`.
    pub(super) fn generated_name(&mut self, base: &str) -> String {
        const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
        const SUFFIX: usize = 5;
        const BASE_BYTES_MAX: usize = 63 - SUFFIX;
        let mut name: String = base.chars().take(BASE_BYTES_MAX).collect();
        for _ in 0..SUFFIX {
            name.push(char::from(ALPHABET[self.random.next_u32() as usize % ALPHABET.len()]));
        }
        name
    }

    /// Gives `value` the next version.
    fn stamp(&mut self, value: &mut Value) -> u64 {
        self.version += 1;
        value["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.version
    }

    fn remember(&mut self, collection: usize, key: Key, value: &Value) {
        for owner in meta::owners(value) {
            self.dependents.entry(owner.to_owned()).or_default().insert((collection, key.clone()));
        }
        self.living.insert(meta::metadata(value, "uid").to_owned(), (collection, key));
    }

    fn forget(&mut self, collection: usize, key: &Key, value: &Value) {
        self.living.remove(meta::metadata(value, "uid"));
        for owner in meta::owners(value) {
            let Some(dependents) = self.dependents.get_mut(owner) else { continue };
            dependents.remove(&(collection, key.clone()));
            if dependents.is_empty() {
                self.dependents.remove(owner);
            }
        }
    }
}
