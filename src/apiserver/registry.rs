//! The served kinds: those of the built-in table, and those that CustomResourceDefinitions define.

use super::definition;
use super::kinds::{DEFINITIONS, KINDS, ResourceKind};
use super::store::{Key, Store};

/// A kind, in one version, and where its objects are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Served {
    /// The kind.
    pub kind: &'static ResourceKind,
    /// The index of its collection.
    pub collection: usize,
}

/// The kinds of the built-in table, each with a collection of its own.
pub(super) fn built_in() -> Vec<Served> {
    KINDS.iter().enumerate().map(|(collection, kind)| Served { kind, collection }).collect()
}

/// The kinds to serve after definitions may have changed.
///
/// The objects of what is no longer defined are gone; those of what is defined in no version that is served are there
/// again once one is. What the built-in table has stays as it is there, defined again or not.
pub(super) fn refreshed(store: &mut Store) -> Vec<Served> {
    let mut served = built_in();
    let definitions = store.collections[DEFINITIONS].objects.values();
    let defined: Vec<&'static ResourceKind> = definitions
        .flat_map(|object| definition::kinds(&object.value))
        .filter(|kind| !KINDS.iter().any(|fixed| fixed.is_same_resource(kind)))
        .collect();
    for kind in defined {
        served.push(Served { kind, collection: store.collection_for(kind) });
    }
    for index in KINDS.len()..store.collections.len() {
        let kind = store.collections[index].kind;
        if store.get(DEFINITIONS, &Key::new("", kind.qualified(kind.plural))).is_none() {
            let keys: Vec<_> = store.collections[index].objects.keys().cloned().collect();
            keys.iter().for_each(|key| drop(store.remove(index, key)));
        }
        if !served.iter().any(|served| served.collection == index) {
            store.end_watches(index);
        }
    }
    served
}
