//! Garbage collection: dependents, owners that wait for their dependents, and the contents of namespaces.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::DeleteOptions;
use serde_json::json;

use super::context::WriteContext;
use super::delete::{Deleted, Step, begin};
use super::finalizers::{CLEANUP, FOREGROUND, is_over, release, waits_for_dependents};
use super::kinds::{DEFINITIONS, NAMESPACES, ResourceKind, Strategy};
use super::meta;
use super::status::StatusError;
use super::store::{Key, Object, Store};

/// Deletes the object that `place` names, and what goes with it.
pub(super) fn delete(
    store: &mut Store,
    place: &WriteContext<'_>,
    options: &DeleteOptions,
) -> Result<Deleted, StatusError> {
    let (deleted, next) = begin(store, place, options)?;
    follow(store, place, next.into_iter().collect());
    Ok(deleted)
}

/// Takes all steps, and those that follow from them.
///
/// They are kept in a list: a chain of owners may be longer than a thread's stack is deep.
pub(super) fn follow(store: &mut Store, place: &WriteContext<'_>, mut steps: Vec<Step>) {
    steps.reverse();
    while let Some(step) = steps.pop() {
        let next = take(store, place, step);
        steps.extend(next.into_iter().rev());
    }
}

fn take(store: &mut Store, place: &WriteContext<'_>, step: Step) -> Vec<Step> {
    match step {
        Step::Disown(collection, key, uid) if store.has_owner_beside(collection, &key, &uid) => {
            store.disown(collection, &key, &uid);
            Vec::new()
        }
        Step::Delete(collection, key) | Step::Disown(collection, key, _) => {
            let kind = store.collections[collection].kind;
            let (namespace, name) = (key.namespace.as_str(), key.name.as_str());
            let place = WriteContext { collection, kind, namespace, name, is_status: false, gate: None, ..*place };
            let version = store.version;
            // One that went with another is no loss.
            let next = begin(store, &place, &DeleteOptions::default()).ok().and_then(|(_, next)| next);
            // A deletion that already waits is not restarted: two objects that own each other would loop endlessly.
            let is_new = |next: &Step| store.version > version || matches!(next, Step::Remove(..));
            next.filter(is_new).into_iter().collect()
        }
        Step::Collect(collection, key) => prerequisites(store, collection, key),
        Step::Settle(collection, key) => settle(store, collection, key).into_iter().collect(),
        Step::Remove(collection, key) => {
            let object = store.remove(collection, &key);
            let kind = store.collections[collection].kind;
            object.map(|object| consequences(store, kind, &key, &object)).unwrap_or_default()
        }
    }
}

/// The steps that follow the removal of an object.
fn consequences(store: &Store, kind: &ResourceKind, key: &Key, object: &Object) -> Vec<Step> {
    let orphans = store.orphans_of(meta::metadata(&object.value, "uid"));
    let owners = meta::owners(&object.value).filter_map(|owner| store.place_of(owner));
    let namespace = Some(&key.namespace).filter(|namespace| !namespace.is_empty());
    let orphans = orphans.into_iter().map(|(collection, key)| Step::Delete(collection, key));
    let owners = owners.map(|(collection, key)| Step::Settle(collection, key));
    let namespace = namespace.map(|namespace| Step::Settle(NAMESPACES, Key::new("", namespace)));
    let definition = kind.is_custom().then(|| Step::Settle(DEFINITIONS, Key::new("", kind.qualified(kind.plural))));
    orphans.chain(owners).chain(namespace).chain(definition).collect()
}

/// The steps that precede the removal of an object, and the removal itself.
fn prerequisites(store: &Store, collection: usize, key: Key) -> Vec<Step> {
    let Some(object) = store.get(collection, &key) else { return Vec::new() };
    let contents = contents(store, collection, &key);
    let mut steps: Vec<Step> = contents.map(|(collection, key)| Step::Delete(collection, key.clone())).collect();
    if waits_for_dependents(&object.value) {
        let uid = meta::metadata(&object.value, "uid");
        let dependents = store.dependents_of(uid).into_iter();
        steps.extend(dependents.map(|(collection, key)| Step::Disown(collection, key, uid.to_owned())));
    }
    steps.push(Step::Settle(collection, key));
    steps
}

fn settle(store: &mut Store, collection: usize, key: Key) -> Option<Step> {
    let object = store.get(collection, &key).filter(|object| meta::is_being_deleted(&object.value))?;
    let mut value = object.value.clone();
    // One that is left is enough to tell: what goes with many is asked for once for each of them.
    if contents(store, collection, &key).next().is_none() {
        match store.collections[collection].kind.rules {
            Strategy::Namespace => value["spec"] = json!({}),
            Strategy::Definition => release(&mut value, CLEANUP),
            _ => {}
        }
    }
    if waits_for_dependents(&value) && !store.is_blocked(meta::metadata(&value, "uid")) {
        release(&mut value, FOREGROUND);
    }
    if is_over(&value) {
        return Some(Step::Remove(collection, key));
    }
    if value != object.value {
        store.put(collection, key, value);
    }
    None
}

/// The objects that are deleted with a namespace or a definition, whatever their owners: the namespace's contents, or
/// the objects of the defined kind.
fn contents<'s>(store: &'s Store, collection: usize, key: &'s Key) -> impl Iterator<Item = (usize, &'s Key)> {
    let rules = store.collections[collection].kind.rules;
    let collections = store.collections.iter().enumerate().filter(move |(_, inside)| match rules {
        Strategy::Namespace => inside.kind.namespaced,
        Strategy::Definition => inside.kind.is_custom() && inside.kind.qualified(inside.kind.plural) == key.name,
        _ => false,
    });
    let keys = collections.flat_map(|(index, inside)| inside.objects.keys().map(move |key| (index, key)));
    keys.filter(move |(_, inside)| rules != Strategy::Namespace || inside.namespace == key.name)
}
