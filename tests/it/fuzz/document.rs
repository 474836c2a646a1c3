//! Mutations of the documents in bodies.

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

use super::values::{FIELDS, odd, pointers};
use super::world::World;

/// Changes one value somewhere in a document.
pub(super) fn mutate(document: &mut Value, random: &mut ChaCha8Rng, world: &World) {
    let pointers = pointers(document);
    let other = document.pointer(pointers.choose(random).unwrap()).cloned().unwrap_or_default();
    let at = pointers.choose(random).unwrap();
    let place = document.pointer_mut(at).unwrap();
    match random.random_range(0..12) {
        0..4 => *place = odd(random),
        4 => *place = other,
        5 => *place = json!([place.take()]),
        6 => *place = json!({(*FIELDS.choose(random).unwrap()): place.take()}),
        7 => metadata(document, random, world),
        _ => match place {
            Value::Object(fields) => field(fields, other, random),
            Value::Array(items) => item(items, random),
            leaf => *leaf = odd(random),
        },
    }
}

fn field(fields: &mut Map<String, Value>, other: Value, random: &mut ChaCha8Rng) {
    let name = (*FIELDS.choose(random).unwrap()).to_owned();
    let names: Vec<String> = fields.keys().cloned().collect();
    match (random.random_range(0..4), names.choose(random)) {
        (0, Some(gone)) => drop(fields.remove(gone)),
        (1, Some(renamed)) => {
            let value = fields.remove(renamed).unwrap();
            fields.insert(name, value);
        }
        (2, _) => drop(fields.insert(name, odd(random))),
        _ => drop(fields.insert(name, other)),
    }
}

fn item(items: &mut Vec<Value>, random: &mut ChaCha8Rng) {
    let at = random.random_range(0..=items.len());
    match items.get(at).cloned() {
        Some(item) if random.random() => items.push(item),
        Some(_) => drop(items.remove(at)),
        None => items.push(odd(random)),
    }
}

/// Sets metadata that ties an object to others, or to its own past.
fn metadata(document: &mut Value, random: &mut ChaCha8Rng, world: &World) {
    let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let all: Vec<&Value> = world.collections.values().flat_map(|collection| collection.objects.values()).collect();
    let Some(other) = all.choose(random) else { return };
    let (name, value) = match random.random_range(0..5) {
        0 => ("uid", other["metadata"]["uid"].clone()),
        1 => ("resourceVersion", random.random_range(0..=world.version + 1).to_string().into()),
        2 => ("deletionTimestamp", "2026-01-02T03:04:05Z".into()),
        3 => ("finalizers", json!(["example.com/z"])),
        _ => {
            let owner = json!({
                "apiVersion": other["apiVersion"], "kind": other["kind"], "name": other["metadata"]["name"],
                "uid": other["metadata"]["uid"], "controller": random.random::<bool>(),
            });
            ("ownerReferences", json!([owner]))
        }
    };
    metadata.insert(name.to_owned(), value);
}
