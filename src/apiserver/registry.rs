//! The served kinds: those of the built-in table, and those that CustomResourceDefinitions define.

use super::definition;
use super::kinds::{DEFINITION, ResourceKind};
use super::store::{Key, Store};

/// A kind, in one version, and where its objects are.
#[derive(Debug, Clone, Copy)]
pub struct Served {
    /// The kind.
    pub kind: &'static ResourceKind,
    /// The index of its collection.
    pub collection: usize,
}

/// The kinds of the built-in table, each with a collection of its own.
pub fn built_in(kinds: &[&'static ResourceKind]) -> Vec<Served> {
    kinds.iter().enumerate().map(|(collection, kind)| Served { kind, collection }).collect()
}

/// The kinds to serve after definitions may have changed, given those served `before`. The first `fixed` of them are
/// built in.
///
/// The objects of what is no longer defined are gone; those of what is defined in no version that is served are there
/// again once one is. What the built-in table has stays as it is there, defined again or not.
pub fn refreshed(store: &mut Store, before: &[Served], fixed: usize) -> Vec<Served> {
    let mut served = before[..fixed].to_vec();
    let definitions = before.iter().find(|served| served.kind.name == DEFINITION).map(|served| served.collection);
    let Some(definitions) = definitions else { return served };
    let defined: Vec<&'static ResourceKind> = store.collections[definitions]
        .objects
        .values()
        .flat_map(|object| definition::kinds(&object.value))
        .filter(|kind| !before[..fixed].iter().any(|fixed| fixed.kind.is_same_resource(kind)))
        .collect();
    for kind in &defined {
        served.push(Served { kind, collection: store.collection_for(kind) });
    }
    for index in fixed..store.collections.len() {
        let kind = store.collections[index].kind;
        if store.get(definitions, &Key::new("", kind.qualified(kind.plural))).is_none() {
            let keys: Vec<_> = store.collections[index].objects.keys().cloned().collect();
            keys.iter().for_each(|key| drop(store.remove(index, key)));
        }
        if !served.iter().any(|served| served.collection == index) {
            store.end_watches(index);
        }
    }
    served
}
