//! The checks of each answer, and of the store after it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::request::{Asked, JSON, YAML};
use super::world::{Answer, Collection, Event, Key, World, key, text, version};

const NAMES: &str = "/api/v1/namespaces/default/configmaps";

/// Sends a request, and checks its effects. Returns whether the server accepted it.
pub(super) fn request(world: &mut World, asked: &Asked) -> bool {
    let Some(answer) = world.send(asked) else { return false };
    let is_accepted = (200..300).contains(&answer.code);
    if !is_accepted {
        refusal(&answer);
    }
    let events = world.news();
    if !events.is_empty() {
        assert!(is_accepted, "a request that is refused writes nothing");
        assert!(is_write(asked) && !is_dry_run(asked), "a request that only looks or tries writes nothing");
    }
    if is_accepted && is_write(asked) && !is_dry_run(asked) {
        write(world, asked, &answer, &events);
    }
    for event in &events {
        apply(world, event);
    }
    if events.iter().any(|event| event.collection.ends_with("/customresourcedefinitions")) {
        world.definitions_changed();
    }
    read_back(world, &events);
    is_accepted
}

fn is_write(asked: &Asked) -> bool {
    matches!(asked.method, "POST" | "PUT" | "PATCH" | "DELETE")
}

fn is_dry_run(asked: &Asked) -> bool {
    let body = asked.body();
    if asked.method != "DELETE" || body.is_empty() {
        return asked.parameter("dryRun").any(|mode| mode == "All");
    }
    let json = serde_json::from_slice(&body).ok();
    let options: Value = json.or_else(|| serde_saphyr::from_slice(&body).ok()).unwrap_or_default();
    options["dryRun"][0] == "All"
}

/// Makes sure that a refusal is a whole `Status`.
fn refusal(answer: &Answer) {
    // 504: a version that is not there yet.
    assert!((400..500).contains(&answer.code) || answer.code == 504, "{}: {:?}", answer.code, answer.body);
    let status = match answer.media_type.as_str() {
        YAML => serde_saphyr::from_slice(&answer.body).unwrap(),
        _ => answer.json(),
    };
    assert_eq!((text(&status, "/kind"), text(&status, "/apiVersion")), ("Status", "v1"), "{status}");
    assert_eq!((text(&status, "/status"), &status["code"]), ("Failure", &answer.code.into()), "{status}");
    assert!(status["metadata"].is_object(), "{status}");
    assert!(!text(&status, "/reason").is_empty() && !text(&status, "/message").is_empty(), "{status}");
}

/// Checks that the changes are those in the answer.
fn write(world: &World, asked: &Asked, answer: &Answer, events: &[Event]) {
    if !answer.media_type.starts_with(JSON) || asked.header("accept").contains("as=") {
        return;
    }
    let told = answer.json();
    let is_stored = told["metadata"]["uid"].is_string();
    match (asked.method, events) {
        ("DELETE", _) if told["items"].is_array() => {
            let items = told["items"].as_array().unwrap();
            assert!(items.is_empty() == events.is_empty() || items.iter().all(is_ending), "{told}");
        }
        ("DELETE", _) => {
            let uid = if is_stored { text(&told, "/metadata/uid") } else { text(&told, "/details/uid") };
            let is_changed = events.iter().any(|event| text(&event.object, "/metadata/uid") == uid);
            // Else it was on its way out already.
            assert!(is_changed || is_ending(&told), "{told}");
        }
        // A review, a token, or a document.
        (_, []) if !is_stored => {}
        (_, []) => {
            let known = world.collections.values().flat_map(|collection| collection.objects.values());
            let known = known.into_iter().find(|object| object["metadata"]["uid"] == told["metadata"]["uid"]);
            assert_eq!(version(known.unwrap()), version(&told), "what is written as it was does not change");
        }
        (_, [event]) if !is_stored => {
            assert_eq!((text(&told, "/status"), event.kind.as_str()), ("Success", "MODIFIED"));
        }
        (_, [event, rest @ ..]) => {
            assert_eq!(event.object["metadata"]["uid"], told["metadata"]["uid"]);
            if event.kind == "DELETED" {
                assert!(is_ending(&told), "{told}");
                return;
            }
            assert_eq!(event.kind == "ADDED", answer.code == 201);
            assert_eq!(version(&event.object), version(&told));
            // With a definition go the objects of what is no longer defined.
            assert!(rest.iter().all(|event| event.kind == "DELETED"));
            assert!(rest.is_empty() || text(&told, "/kind") == "CustomResourceDefinition", "{told}");
        }
    }
}

fn is_ending(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// Takes in a change, if it makes sense after those before it.
fn apply(world: &mut World, event: &Event) {
    let Event { collection, kind, object } = event;
    let objects = &mut world.collections.get_mut(collection).unwrap().objects;
    let before = objects.get(&key(object));
    let metadata = &object["metadata"];
    assert!(!text(object, "/kind").is_empty() && !text(object, "/apiVersion").is_empty(), "{object}");
    assert!(!text(metadata, "/name").is_empty() && text(metadata, "/uid").len() == 36, "{object}");
    assert!(text(metadata, "/creationTimestamp").parse::<jiff::Timestamp>().is_ok(), "{object}");
    assert_eq!(before.is_none(), kind == "ADDED", "{object}");
    if let Some(before) = before {
        assert!(version(object) > version(before), "{object}");
        for field in ["uid", "creationTimestamp"] {
            assert_eq!(metadata[field], before["metadata"][field], "{field}");
        }
    }
    match kind.as_str() {
        "DELETED" => drop(objects.remove(&key(object))),
        _ => drop(objects.insert(key(object), object.clone())),
    }
}

/// Makes sure that what was written can be read.
fn read_back(world: &World, events: &[Event]) {
    for event in events {
        let Some(collection) = world.collections.get(&event.collection) else { continue };
        let path = collection.object_path(&key(&event.object));
        match collection.objects.get(&key(&event.object)) {
            Some(object) => assert_eq!(world.get(&path), *object),
            None => assert_eq!(world.send(&Asked::get(&path)).unwrap().code, 404, "{path}"),
        }
    }
}

/// Makes sure that everything is as the watches tell, and that the server serves requests that make sense.
pub(super) fn everything(world: &mut World) {
    for collection in world.collections.values() {
        assert_eq!(listed(world, collection), collection.objects, "{}", collection.path());
        for (key, object) in &collection.objects {
            assert_eq!(world.get(&collection.object_path(key)), *object);
        }
    }
    let made = Asked::json("POST", NAMES, serde_json::json!({"metadata": {"name": "sound"}, "data": {"k": "v"}}));
    let read = Asked::get(format!("{NAMES}/sound"));
    let gone = Asked { method: "DELETE", ..read.clone() };
    for (asked, code) in [(&made, 201), (&read, 200), (&gone, 200), (&read, 404)] {
        assert_eq!(world.send(asked).unwrap().code, code, "{asked}");
    }
    for event in world.news() {
        apply(world, &event);
    }
}

/// The objects of a collection, page by page.
fn listed(world: &World, collection: &Collection) -> BTreeMap<Key, Value> {
    let mut found = BTreeMap::new();
    let mut next = String::new();
    loop {
        let page = Asked::get(collection.path()).and("limit", "7").and("continue", &next);
        let mut list = world.send(&page).unwrap().json();
        let kind = text(&list, "/kind").strip_suffix("List").unwrap().to_owned();
        let api_version = list["apiVersion"].clone();
        for mut item in list["items"].as_array_mut().unwrap().drain(..) {
            // Lists of built-in kinds have items without types.
            item["kind"] = kind.as_str().into();
            item["apiVersion"] = api_version.clone();
            found.insert(key(&item), item);
        }
        next = text(&list, "/metadata/continue").to_owned();
        if next.is_empty() {
            return found;
        }
    }
}
