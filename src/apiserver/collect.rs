//! What goes when something else goes: what that owned, what only waited for it, and what lived in a namespace.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::DeleteOptions;
use serde_json::{Value, json};

use super::delete::{begin, is_over};
use super::kinds::{NAMESPACES, Rules};
use super::meta;
use super::store::{Key, Object, Store};
use super::write::Place;

/// What holds an object back that is to go after everything that it owns and that says so.
const FOREGROUND: &str = "foregroundDeletion";

/// Marks `object` as one that waits for what it owns.
pub fn hold_for_dependents(object: &mut Value) {
    let finalizers = &mut object["metadata"]["finalizers"];
    match finalizers.as_array_mut() {
        Some(finalizers) if finalizers.contains(&json!(FOREGROUND)) => {}
        Some(finalizers) => finalizers.push(FOREGROUND.into()),
        None => *finalizers = json!([FOREGROUND]),
    }
}

/// One step on the way out of an object. What follows from it comes before what came after it.
pub enum Step {
    /// Deletes an object.
    Delete(usize, Key),
    /// Deletes an object, or takes the owner of this UID from it: what has another owner lives on as that one's.
    Disown(usize, Key, String),
    /// Deletes what has to be gone before an object may go.
    Collect(usize, Key),
    /// Lets an object go that has only waited for others, if all of those are gone.
    Settle(usize, Key),
    /// Takes an object out of its collection, and with it what it owned alone.
    Remove(usize, Key),
}

/// Takes the object at `key` out of its collection, and with it what it owned alone; gives its last state.
pub fn vanish(store: &mut Store, place: &Place<'_>, key: &Key) -> Option<Arc<Object>> {
    let object = store.remove(place.collection, key)?;
    let next = consequences(store, key, &object);
    follow(store, place, next);
    Some(object)
}

/// Takes all steps, and those that follow from them.
///
/// They are kept in a list: a chain of owners may be longer than a thread's stack is deep.
pub fn follow(store: &mut Store, place: &Place<'_>, mut steps: Vec<Step>) {
    steps.reverse();
    while let Some(step) = steps.pop() {
        let next = take(store, place, step);
        steps.extend(next.into_iter().rev());
    }
}

fn take(store: &mut Store, place: &Place<'_>, step: Step) -> Vec<Step> {
    match step {
        Step::Disown(collection, key, uid) if store.has_owner_beside(collection, &key, &uid) => {
            store.disown(collection, &key, &uid);
            Vec::new()
        }
        Step::Delete(collection, key) | Step::Disown(collection, key, _) => {
            let kind = store.collections[collection].kind;
            let (namespace, name) = (key.namespace.as_str(), key.name.as_str());
            let place = Place { collection, kind, namespace, name, is_status: false, ..*place };
            let version = store.version;
            // One that went with another is no loss.
            let next = begin(store, &place, &DeleteOptions::default()).ok().and_then(|(_, next)| next);
            // What waits already does not begin again: two that own each other would wait on for ever.
            let is_new = |next: &Step| store.version > version || matches!(next, Step::Remove(..));
            next.filter(is_new).into_iter().collect()
        }
        Step::Collect(collection, key) => prerequisites(store, collection, key),
        Step::Settle(collection, key) => settle(store, collection, key).into_iter().collect(),
        Step::Remove(collection, key) => {
            let object = store.remove(collection, &key);
            object.map(|object| consequences(store, &key, &object)).unwrap_or_default()
        }
    }
}

/// What follows once an object is gone.
fn consequences(store: &Store, key: &Key, object: &Object) -> Vec<Step> {
    let orphans = store.orphans_of(meta::metadata(&object.value, "uid"));
    let owners = meta::owners(&object.value).filter_map(|owner| store.place_of(owner));
    let namespace = Some(&key.namespace).filter(|namespace| !namespace.is_empty());
    let orphans = orphans.into_iter().map(|(collection, key)| Step::Delete(collection, key));
    let owners = owners.map(|(collection, key)| Step::Settle(collection, key));
    let namespace = namespace.map(|namespace| Step::Settle(NAMESPACES, Key::new("", namespace)));
    orphans.chain(owners).chain(namespace).collect()
}

/// What has to be done before an object may go, that one included.
fn prerequisites(store: &Store, collection: usize, key: Key) -> Vec<Step> {
    let Some(object) = store.get(collection, &key) else { return Vec::new() };
    let mut steps = Vec::new();
    if store.collections[collection].kind.rules == Rules::Namespace {
        let contents = store.contents_of(&key.name).into_iter();
        steps.extend(contents.map(|(collection, key)| Step::Delete(collection, key)));
    }
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
    let is_namespace = store.collections[collection].kind.rules == Rules::Namespace;
    if is_namespace && store.contents_of(&key.name).is_empty() {
        value["spec"] = json!({});
    }
    if waits_for_dependents(&value) && !store.is_blocked(meta::metadata(&value, "uid")) {
        let finalizers = value["metadata"]["finalizers"].as_array_mut();
        finalizers.into_iter().for_each(|finalizers| finalizers.retain(|finalizer| finalizer != FOREGROUND));
    }
    if is_over(&value) {
        return Some(Step::Remove(collection, key));
    }
    if value != object.value {
        store.put(collection, key, value);
    }
    None
}

fn waits_for_dependents(object: &Value) -> bool {
    meta::finalizers(object).iter().any(|finalizer| finalizer == FOREGROUND)
}
