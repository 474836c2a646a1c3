//! A server, and the state that a client knows which watches everything.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures::FutureExt as _;
use http_body_util::BodyExt as _;
use machine_os_builder::apiserver::{ApiServer, ResponseBody, ServerOptions};
use machine_os_builder::clock::Clock;
use serde_json::Value;

use super::request::{Asked, JSON};
use super::samples::Samples;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Namespace and name; objects are listed in this order.
pub(super) type Key = (String, String);

/// A kind that can be listed, and its objects by the events of its watch.
pub(super) struct Collection {
    /// `/api/v1`, or `/apis/group/version`.
    pub root: String,
    pub plural: String,
    pub namespaced: bool,
    pub objects: BTreeMap<Key, Value>,
    watch: ResponseBody,
}

impl Collection {
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.root, self.plural)
    }

    /// The name of the definition, if there is one.
    fn defined_by(&self) -> String {
        format!("{}.{}", self.plural, self.root.split('/').nth(2).unwrap_or_default())
    }

    /// Where an object of this name is.
    pub(super) fn object_path(&self, (namespace, name): &Key) -> String {
        let (root, plural) = (&self.root, &self.plural);
        let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let name = name.replace('+', "%20");
        if self.namespaced {
            format!("{root}/namespaces/{namespace}/{plural}/{name}")
        } else {
            format!("{root}/{plural}/{name}")
        }
    }
}

/// One event of a watch.
pub(super) struct Event {
    pub collection: String,
    pub kind: String,
    pub object: Value,
}

pub(super) struct Answer {
    pub code: u16,
    pub media_type: String,
    pub body: Bytes,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }
}

pub(super) struct World {
    pub samples: Samples,
    pub server: ApiServer,
    /// The store's version when it was looked at last.
    pub version: u64,
    pub collections: BTreeMap<String, Collection>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let clock = Clock::starting_at("2026-01-02T03:04:05Z".parse().unwrap());
        let server = ApiServer::new(ServerOptions::new(clock, seed));
        let mut world = Self { samples: Samples::new(), server, version: 0, collections: BTreeMap::new() };
        for asked in world.samples.setup() {
            let answer = world.send(&asked).unwrap();
            assert_eq!(answer.code, 201, "{asked}\n{:?}", answer.body);
        }
        world.version = world.current();
        world.follow(|_, _| true);
        world
    }

    /// The server's answer; none if the request cannot be built. For a watch, the events that are available at once.
    pub(super) fn send(&self, asked: &Asked) -> Option<Answer> {
        let response = self.server.handle(asked.request()?);
        let code = response.status().as_u16();
        let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        let mut body = response.into_body();
        if body.is_watch() {
            while let Some(event) = next(&mut body) {
                assert!(event["type"].is_string() && event["object"].is_object(), "{event}");
            }
            return Some(Answer { code, media_type, body: Bytes::from_static(b"{}") });
        }
        let body =
            body.frame().now_or_never().flatten().map_or_else(Bytes::new, |frame| frame.unwrap().into_data().unwrap());
        Some(Answer { code, media_type, body })
    }

    /// The object at a path, which must exist.
    pub(super) fn get(&self, path: &str) -> Value {
        let answer = self.send(&Asked::get(path)).unwrap();
        assert_eq!(answer.code, 200, "{path}: {:?}", answer.body);
        answer.json()
    }

    /// The store's version, as a list of nothing tells it.
    fn current(&self) -> u64 {
        let list = self.get("/api/v1/namespaces/none/configmaps");
        list["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
    }

    /// Every change since this was asked last, in order.
    pub(super) fn news(&mut self) -> Vec<Event> {
        let (before, after) = (self.version, self.current());
        if after == before {
            return Vec::new();
        }
        self.version = after;
        let mut events = Vec::new();
        for (path, collection) in &mut self.collections {
            while let Some(mut event) = next(&mut collection.watch) {
                let kind = event["type"].as_str().unwrap().to_owned();
                events.push(Event { collection: path.clone(), kind, object: event["object"].take() });
            }
        }
        events.sort_by_key(|event| version(&event.object));
        let told: Vec<u64> = events.iter().map(|event| version(&event.object)).collect();
        if self.sees_everything() {
            assert_eq!(told, (before + 1..=after).collect::<Vec<_>>(), "each version is one change");
        }
        events
    }

    /// Follows what is served now, where what is defined has changed.
    pub(super) fn definitions_changed(&mut self) {
        let defined = self.defined();
        self.follow(|group, plural| defined.contains(&format!("{plural}.{group}")));
    }

    /// Whether each kind that is defined is served in some version.
    fn sees_everything(&self) -> bool {
        let is_followed = |name: &String| self.collections.values().any(|collection| collection.defined_by() == *name);
        self.defined().iter().all(is_followed)
    }

    fn defined(&self) -> BTreeSet<String> {
        self.collections[DEFINITIONS].objects.keys().map(|(_, name)| name.clone()).collect()
    }

    /// Watches the resources in discovery, anew if `fresh`, and no others.
    fn follow(&mut self, fresh: impl Fn(&str, &str) -> bool) {
        let mut before = std::mem::take(&mut self.collections);
        for (group, version, resource) in self.discovered() {
            let plural = resource["resource"].as_str().unwrap().to_owned();
            let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
            let path = format!("{root}/{plural}");
            let collection = match before.remove(&path) {
                Some(known) if !fresh(&group, &plural) => known,
                _ => self.watched(root, plural, resource["scope"] == "Namespaced"),
            };
            self.collections.insert(path, collection);
        }
    }

    fn watched(&self, root: String, plural: String, namespaced: bool) -> Collection {
        let watch = Asked::get(format!("{root}/{plural}")).and("watch", "true").with("accept", JSON);
        let mut watch = self.server.handle(watch.request().unwrap()).into_body();
        let mut objects = BTreeMap::new();
        while let Some(mut event) = next(&mut watch) {
            let object = event["object"].take();
            objects.insert(key(&object), object);
        }
        Collection { root, plural, namespaced, objects, watch }
    }

    /// Group, version and description of each resource that can be listed, in one version.
    fn discovered(&self) -> Vec<(String, String, Value)> {
        let mut found = Vec::new();
        for path in ["/api", "/apis"] {
            let document = self.send(&Asked::get(path).with("accept", AGGREGATED)).unwrap().json();
            for group in document["items"].as_array().unwrap() {
                let name = group["metadata"]["name"].as_str().unwrap_or_default();
                for version in group["versions"].as_array().unwrap() {
                    for resource in version["resources"].as_array().unwrap() {
                        let is_listed = resource["verbs"].as_array().unwrap().iter().any(|verb| verb == "list");
                        let is_new = !found.iter().any(|(known, _, other): &(String, String, Value)| {
                            known == name && other["resource"] == resource["resource"]
                        });
                        if is_listed && is_new {
                            let version = version["version"].as_str().unwrap().to_owned();
                            found.push((name.to_owned(), version, resource.clone()));
                        }
                    }
                }
            }
        }
        found
    }
}

/// The next event of a watch, if there is one now.
fn next(watch: &mut ResponseBody) -> Option<Value> {
    let line = watch.frame().now_or_never()??.unwrap().into_data().unwrap();
    Some(serde_json::from_slice(&line).unwrap_or_else(|error| panic!("{error}: {line:?}")))
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn version(object: &Value) -> u64 {
    text(object, "/metadata/resourceVersion").parse().unwrap_or_else(|_| panic!("{object}"))
}

pub(super) fn key(object: &Value) -> Key {
    (text(object, "/metadata/namespace").to_owned(), text(object, "/metadata/name").to_owned())
}
