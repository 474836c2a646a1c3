//! One object at a time, one request after the other: items are requests.

use bytes::Bytes;
use divan::Bencher;
use divan::counter::ItemsCount;
use http::{Method, Request};
use serde_json::json;

use crate::world::{CONFIG_MAPS, OBJECTS, WAYS, Way, World, get, object, path, with_body};

fn measure(bencher: Bencher, way: Way, request: impl Fn(usize) -> Request<Bytes>) {
    ask(bencher, &World::full(way), request);
}

/// Sends `request` for one number after the other.
fn ask(bencher: Bencher, world: &World, request: impl Fn(usize) -> Request<Bytes>) {
    let mut number = 0;
    let next = || {
        number += 1;
        request(number)
    };
    bencher.counter(ItemsCount::new(1_usize)).with_inputs(next).bench_local_values(|request| world.ask(request));
}

/// The path of an object that is there.
fn known(number: usize) -> String {
    path(number % OBJECTS)
}

fn patch(bencher: Bencher, way: Way, content_type: &str, body: impl Fn(usize) -> String) {
    measure(bencher, way, |number| with_body(Method::PATCH, &known(number), content_type, body(number)));
}

/// A patch that sets an annotation.
fn annotation(number: usize) -> String {
    format!(r#"{{"metadata":{{"annotations":{{"number":"{number}"}}}}}}"#)
}

#[divan::bench(args = WAYS, sample_size = 50)]
fn create(bencher: Bencher, way: Way) {
    let body = |number| object(OBJECTS + number, "x");
    measure(bencher, way, |number| with_body(Method::POST, CONFIG_MAPS, "application/json", body(number)));
}

#[divan::bench(args = WAYS, sample_size = 50)]
fn read(bencher: Bencher, way: Way) {
    measure(bencher, way, |number| get(&known(number)));
}

#[divan::bench(args = WAYS, sample_size = 50)]
fn update(bencher: Bencher, way: Way) {
    let body = |number| object(number % OBJECTS, "y");
    measure(bencher, way, |number| with_body(Method::PUT, &known(number), "application/json", body(number)));
}

#[divan::bench(args = WAYS, sample_size = 50)]
fn merge_patch(bencher: Bencher, way: Way) {
    patch(bencher, way, "application/merge-patch+json", annotation);
}

#[divan::bench(args = WAYS, sample_size = 50)]
fn strategic_patch(bencher: Bencher, way: Way) {
    patch(bencher, way, "application/strategic-merge-patch+json", annotation);
}

#[divan::bench(args = WAYS, sample_size = 50)]
fn json_patch(bencher: Bencher, way: Way) {
    let body = |number| format!(r#"[{{"op":"replace","path":"/data/text","value":"{number}"}}]"#);
    patch(bencher, way, "application/json-patch+json", body);
}

/// Reads an object whose kind a CustomResourceDefinition with a schema defines.
#[divan::bench(args = WAYS, sample_size = 50)]
fn read_custom(bencher: Bencher, way: Way) {
    let world = World::full(way);
    let definition = json!({
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com", "scope": "Cluster", "names": {"kind": "Thing", "plural": "things"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object",
                "properties": {"data": {"type": "object", "additionalProperties": {"type": "string"}}},
            }}}],
        },
    });
    let post = |path, body: String| drop(world.ask(with_body(Method::POST, path, "application/json", body)));
    post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition.to_string());
    post("/apis/example.com/v1/things", object(0, "x"));
    ask(bencher, &world, |_| get("/apis/example.com/v1/things/object-000000"));
}
