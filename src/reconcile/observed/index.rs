//! Joins all watched objects: which pools a change concerns, and which pools need an actor.
//!
//! ```text
//! Pool ─ rendered ─► MachineConfig
//!   ▲ label, or name of rendered config
//! Pod, Build, ConfigMap          input ConfigMaps, Secrets: news to every pool
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cache::{Cache, Change, matters};
pub use super::scope::{Scope, WatchEvent};
use crate::api::{Key, Kind, Object, Pool, keys, names};

/// Everything that is watched.
#[derive(Debug, Clone, Default)]
pub struct Index {
    cache: Cache,
    /// Labelled objects by the pool that they were made for.
    owned: BTreeMap<String, BTreeSet<Key>>,
    /// Pools by the rendered config that they want.
    wanting: BTreeMap<String, BTreeSet<String>>,
    /// Objects written since the list under way was asked for.
    written: BTreeMap<Scope, BTreeSet<Key>>,
    listed: BTreeSet<Scope>,
}

/// Who has to hear of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subscribers {
    /// Every pool.
    All,
    /// These pools.
    Pools(BTreeSet<String>),
}

impl Index {
    /// Takes in what a watch tells; returns what is news, and to whom.
    pub fn observe(&mut self, event: WatchEvent) -> Vec<(Subscribers, Change)> {
        match event {
            WatchEvent::Listing(scope) => {
                self.written.insert(scope, BTreeSet::new());
                Vec::new()
            }
            WatchEvent::NotServed(scope) => self.forget_unserved(scope),
            WatchEvent::Listed(scope, objects) => {
                let kind = scope.kind;
                let mut updates = self.relist(scope, objects);
                updates.extend(
                    [Change::Serves(kind, true), Change::Reaches(kind, None)].into_iter().flat_map(|c| self.apply(c)),
                );
                updates
            }
            // What was seen once is still to be followed.
            WatchEvent::Unreachable(scope, _) if self.listed.contains(&scope) => Vec::new(),
            WatchEvent::Unreachable(scope, why) => self.apply(Change::Reaches(scope.kind, Some(why))),
            // The cached state is invalid as a whole; the owner of the index has to start over with an empty one.
            WatchEvent::Rewound(_) => Vec::new(),
            WatchEvent::Applied(scope, object) => self.apply_within(&scope, object, Change::Applied),
            WatchEvent::Deleted(scope, object) => {
                // A build object that was not told to end has not ended: it has lost the label that is watched.
                let is_gone = !scope.kind.is_build_object() || object.metadata.deletion_timestamp.is_some();
                let uid = object.metadata.uid.clone().filter(|_| is_gone);
                self.apply_within(&scope, object, |key, _| Change::Gone(key, uid))
            }
        }
    }

    /// Takes in what the answer to a write tells.
    pub fn answer(&mut self, change: Change) -> Vec<(Subscribers, Change)> {
        match &change {
            Change::Applied(key, _) => {
                for (_, written) in self.written.iter_mut().filter(|(scope, _)| scope.covers(key)) {
                    written.insert(key.clone());
                }
            }
            Change::Gone(key, _) | Change::Unknown(key) => {
                self.written.values_mut().for_each(|written| {
                    written.remove(key);
                });
            }
            Change::Serves(..) | Change::Reaches(..) => {}
        }
        self.apply(change)
    }

    /// Forgets an object that no watch covers any more.
    pub fn unfollow(&mut self, key: Key) -> Vec<(Subscribers, Change)> {
        self.listed.remove(&Scope::named(key.kind, &key.name));
        self.apply(Change::Unknown(key))
    }

    /// Whether every one of `scopes` has been listed.
    pub fn has_listed<'a>(&self, scopes: impl IntoIterator<Item = &'a Scope>) -> bool {
        scopes.into_iter().all(|scope| self.listed.contains(scope))
    }

    /// The whole cache.
    pub const fn cache(&self) -> &Cache {
        &self.cache
    }

    /// What there is to know for the actor of `pool`.
    pub fn of_pool(&self, pool: &str) -> Cache {
        let rendered = self.cache.get(&Key::new(Kind::MachineConfigPool, pool)).map(|pool| Pool::new(pool).rendered());
        let is_for = |key: &Key, object: &Object| match self.subscribers(key, object) {
            Subscribers::All => true,
            Subscribers::Pools(pools) => pools.contains(pool),
        };
        self.cache.share(is_for, |key| matters(key, rendered.unwrap_or_default()))
    }

    /// How much is kept: what is known, and what else there is to keep in order to know whose it is.
    pub fn kept(&self) -> usize {
        let groups = self.owned.values().map(BTreeSet::len).chain(self.wanting.values().map(BTreeSet::len));
        let written = self.written.values().map(BTreeSet::len);
        self.cache.len() + groups.chain(written).sum::<usize>() + self.listed.len()
    }

    /// Whether `pool` needs an actor: it is opted in, or something of a build is left on it or for it.
    pub fn needs_actor(&self, pool: &str) -> bool {
        self.owned.contains_key(pool)
            || self.cache.get(&Key::new(Kind::MachineConfigPool, pool)).is_some_and(|object| {
                let pool = Pool::new(object);
                pool.is_opted_in() || pool.has_traces()
            })
    }

    /// The pools that need an actor.
    pub fn pools(&self) -> BTreeSet<String> {
        let named = self.cache.of_kind(Kind::MachineConfigPool).map(|(key, _)| key.name.clone());
        named.chain(self.owned.keys().cloned()).filter(|pool| self.needs_actor(pool)).collect()
    }

    /// Applies a change of an object, if it is for this watch to tell of it.
    fn apply_within(
        &mut self,
        scope: &Scope,
        object: Arc<Object>,
        change: impl FnOnce(Key, Arc<Object>) -> Change,
    ) -> Vec<(Subscribers, Change)> {
        let key = Key::of(scope.kind, &object);
        if scope.covers(&key) { self.apply(change(key, object)) } else { Vec::new() }
    }

    /// Takes in that the cluster does not serve a kind. That its objects cannot be seen is not that they are gone for
    /// good: should the kind be served again, they may be there again.
    fn forget_unserved(&mut self, scope: Scope) -> Vec<(Subscribers, Change)> {
        let unseen: Vec<Key> =
            self.cache.of_kind(scope.kind).map(|(key, _)| key.clone()).filter(|key| scope.covers(key)).collect();
        let gone = unseen.into_iter().map(|key| Change::Gone(key, None));
        let kind = [Change::Serves(scope.kind, false), Change::Reaches(scope.kind, None)];
        let changes: Vec<Change> = gone.chain(kind).collect();
        self.written.remove(&scope);
        self.listed.insert(scope);
        changes.into_iter().flat_map(|change| self.apply(change)).collect()
    }

    fn relist(&mut self, scope: Scope, mut objects: Vec<Arc<Object>>) -> Vec<(Subscribers, Change)> {
        objects.retain(|object| scope.covers(&Key::of(scope.kind, object)));
        let written = self.written.remove(&scope).unwrap_or_default();
        let present: BTreeSet<Key> = objects.iter().map(|object| Key::of(scope.kind, object)).collect();
        let absent: Vec<Change> = self
            .cache
            .of_kind(scope.kind)
            .filter(|(key, _)| scope.covers(key) && !present.contains(key) && !written.contains(key))
            .map(|(key, object)| Change::Gone(key.clone(), object.metadata.uid.clone()))
            .collect();
        let never_seen = scope
            .name
            .as_ref()
            .map(|name| Key::new(scope.kind, name))
            .filter(|key| !present.contains(key) && self.cache.get(key).is_none())
            .map(|key| Change::Gone(key, None));
        let there = objects.into_iter().map(|object| Change::Applied(Key::of(scope.kind, &object), object));
        let changes: Vec<Change> = absent.into_iter().chain(never_seen).chain(there).collect();
        self.listed.insert(scope);
        changes.into_iter().flat_map(|change| self.apply(change)).collect()
    }

    fn apply(&mut self, change: Change) -> Vec<(Subscribers, Change)> {
        let Some(key) = change.key().cloned() else {
            return if self.cache.apply(&change) { vec![(Subscribers::All, change)] } else { Vec::new() };
        };
        let before = self.cache.get(&key).cloned();
        if !self.cache.apply(&change) {
            return Vec::new();
        }
        let after = self.cache.get(&key).cloned();
        let (old, new) = (before.as_deref(), after.as_deref());
        regroup(&mut self.owned, &key, old.and_then(owner_of), new.and_then(owner_of));
        if key.kind == Kind::MachineConfigPool {
            let rendered = |pool| Pool::new(pool).rendered().to_owned();
            regroup(&mut self.wanting, &key.name, old.map(rendered), new.map(rendered));
            self.forget_unwanted(old.map(rendered).as_deref());
        }
        if new.is_none() && !self.matters(&key) {
            self.cache.forget_absence(&key);
        }
        let subscribers = match after.as_deref().or(before.as_deref()) {
            Some(object) => self.subscribers(&key, object),
            None => self.subscribers_of_name(&key),
        };
        let mut updates = vec![(subscribers, change)];
        updates.extend(self.newly_relevant(&key, before.as_deref(), after.as_deref()));
        updates
    }

    /// Whether it matters to any pool that an object of this name is not there.
    fn matters(&self, key: &Key) -> bool {
        let config =
            if key.kind == Kind::MachineConfig { Some(key.name.as_str()) } else { names::rendered_of(&key.name) };
        let wanted = config.filter(|config| self.wanting.contains_key(*config));
        matters(key, wanted.unwrap_or_default())
    }

    /// Forgets what is not there of a config, if no pool wants that any more.
    fn forget_unwanted(&mut self, rendered: Option<&str>) {
        let Some(rendered) = rendered.filter(|rendered| !self.wanting.contains_key(*rendered)) else { return };
        let build = names::build(rendered);
        let config_maps = [names::payload(rendered), names::containerfile(rendered), names::digest(rendered)];
        let keys = config_maps.into_iter().map(|name| Key::new(Kind::ConfigMap, name));
        let others =
            [Key::new(Kind::MachineConfig, rendered), Key::new(Kind::Pod, &build), Key::new(Kind::Build, &build)];
        for key in keys.chain(others) {
            self.cache.forget_absence(&key);
        }
    }

    /// The objects that a pool has to hear of because it now wants another config.
    fn newly_relevant(&self, key: &Key, before: Option<&Object>, after: Option<&Object>) -> Vec<(Subscribers, Change)> {
        let Some(after) = after.filter(|_| key.kind == Kind::MachineConfigPool) else { return Vec::new() };
        let rendered = Pool::new(after).rendered();
        if rendered.is_empty() || before.is_some_and(|before| Pool::new(before).rendered() == rendered) {
            return Vec::new();
        }
        let config_maps = [names::payload(rendered), names::containerfile(rendered), names::digest(rendered)];
        let keys = config_maps.into_iter().map(|name| Key::new(Kind::ConfigMap, name));
        keys.chain([Key::new(Kind::MachineConfig, rendered)])
            .map(|named| match self.cache.get(&named) {
                Some(object) => Change::Applied(named, object.clone()),
                None => Change::Gone(named, None),
            })
            .map(|change| (Subscribers::Pools([key.name.clone()].into()), change))
            .collect()
    }

    /// Who has to hear of an object: those that need its name, and of a build's object who it was made for.
    fn subscribers(&self, key: &Key, object: &Object) -> Subscribers {
        match self.subscribers_of_name(key) {
            Subscribers::Pools(mut pools)
                if matches!(key.kind, Kind::ConfigMap | Kind::Pod | Kind::Build | Kind::Event) =>
            {
                pools.extend(owner_of(object));
                Subscribers::Pools(pools)
            }
            subscribers => subscribers,
        }
    }

    /// Who has to hear of whatever has this name.
    fn subscribers_of_name(&self, key: &Key) -> Subscribers {
        let wanting = |rendered: &str| self.wanting.get(rendered).cloned().unwrap_or_default();
        match key.kind {
            Kind::Secret => Subscribers::All,
            Kind::ConfigMap if key.is_input_config_map() => Subscribers::All,
            Kind::MachineConfigPool => Subscribers::Pools([key.name.clone()].into()),
            Kind::MachineConfig => Subscribers::Pools(wanting(&key.name)),
            Kind::ConfigMap | Kind::Pod | Kind::Build | Kind::Event => {
                Subscribers::Pools(names::rendered_of(&key.name).map(wanting).unwrap_or_default())
            }
        }
    }
}

/// Forgets what does not concern `pool` any more, as it is known to be now: objects of configs that it does not want, and
/// that they are not there. What was made for its builds stays known, and so does a digest, which may bear no labels.
pub fn confine(cache: &mut Cache, pool: &str) {
    let own = Key::new(Kind::MachineConfigPool, pool);
    let rendered = cache.get(&own).map(|pool| Pool::new(pool).rendered().to_owned()).unwrap_or_default();
    let is_digest = |key: &Key| key.kind == Kind::ConfigMap && key.name.starts_with(&names::digest(""));
    cache.confine(
        |key, object| {
            *key == own || matters(key, &rendered) || is_digest(key) || owner_of(object).as_deref() == Some(pool)
        },
        |key| matters(key, &rendered),
    );
}

/// Moves a member from the group that it was in to the one that it is in now.
fn regroup<T: Ord + Clone>(
    groups: &mut BTreeMap<String, BTreeSet<T>>,
    member: &T,
    before: Option<String>,
    after: Option<String>,
) {
    if before == after {
        return;
    }
    if let Some(before) = before
        && let Some(members) = groups.get_mut(&before)
    {
        members.remove(member);
        if members.is_empty() {
            groups.remove(&before);
        }
    }
    if let Some(after) = after {
        groups.entry(after).or_default().insert(member.clone());
    }
}

/// The pool that a labelled object was made for: the full name is in an annotation where the label holds a short one.
pub fn owner_of(object: &Object) -> Option<String> {
    let metadata = &object.metadata;
    let label = metadata.labels.as_ref()?.get(keys::TARGET_POOL)?;
    let full = metadata.annotations.as_ref().and_then(|annotations| annotations.get(keys::TARGET_POOL));
    Some(full.filter(|full| names::label_value(full) == *label).unwrap_or(label).clone())
}
