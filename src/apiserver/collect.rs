//! What goes when something else goes: what that owned, what only waited for it, and what lived in a namespace.

use std::sync::Arc;

use serde_json::{Value, json};

use super::delete::{Options, delete, is_over};
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

/// Takes the object at `key` out of its collection, and with it what it owned alone; gives its last state.
pub fn vanish(store: &mut Store, place: &Place<'_>, key: &Key) -> Option<Arc<Object>> {
    let object = store.remove(place.collection, key)?;
    for (collection, key) in store.orphans_of(meta::metadata(&object.value, "uid")) {
        delete_at(store, place, collection, &key);
    }
    for owner in meta::owners(&object.value) {
        if let Some((collection, key)) = store.place_of(owner) {
            settle(store, place, collection, &key);
        }
    }
    if !key.namespace.is_empty() {
        settle(store, place, NAMESPACES, &Key::new("", &key.namespace));
    }
    Some(object)
}

/// Deletes what has to be gone before the object at `key` may go, and that object if nothing is left of it.
pub fn collect(store: &mut Store, place: &Place<'_>, key: &Key) {
    let Some(object) = store.get(place.collection, key).cloned() else { return };
    if place.kind.rules == Rules::Namespace {
        for (collection, key) in store.contents_of(&key.name) {
            delete_at(store, place, collection, &key);
        }
    }
    if waits_for_dependents(&object.value) {
        let uid = meta::metadata(&object.value, "uid");
        for (collection, key) in store.dependents_of(uid) {
            // What has another owner lives on as that one's.
            match store.has_owner_beside(collection, &key, uid) {
                true => store.disown(collection, &key, uid),
                false => delete_at(store, place, collection, &key),
            }
        }
    }
    settle(store, place, place.collection, key);
}

/// Lets the object at `key` go that has only waited for others, if all of those are gone.
fn settle(store: &mut Store, place: &Place<'_>, collection: usize, key: &Key) {
    let Some(object) = store.get(collection, key).filter(|object| meta::is_being_deleted(&object.value)) else {
        return;
    };
    let kind = store.collections[collection].kind;
    let mut value = object.value.clone();
    if kind.rules == Rules::Namespace && store.contents_of(&key.name).is_empty() {
        value["spec"] = json!({});
    }
    if waits_for_dependents(&value) && !store.is_blocked(meta::metadata(&value, "uid")) {
        let finalizers = value["metadata"]["finalizers"].as_array_mut();
        finalizers.into_iter().for_each(|finalizers| finalizers.retain(|finalizer| finalizer != FOREGROUND));
    }
    if is_over(&value) {
        vanish(store, &Place { collection, kind, ..*place }, key);
    } else if value != object.value {
        store.put(collection, key.clone(), value);
    }
}

fn waits_for_dependents(object: &Value) -> bool {
    meta::finalizers(object).iter().any(|finalizer| finalizer == FOREGROUND)
}

fn delete_at(store: &mut Store, place: &Place<'_>, collection: usize, key: &Key) {
    let kind = store.collections[collection].kind;
    let place = Place { collection, kind, namespace: &key.namespace, name: &key.name, is_status: false, ..*place };
    // One that went with another is no loss.
    let _ = delete(store, &place, &Options::default());
}
