//! Valid requests, of every form that the server serves.

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::request::{Asked, Body, JSON, YAML};
use super::samples::{Sample, Samples};
use super::values;
use super::world::World;

const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const STRATEGIC_PATCH: &str = "application/strategic-merge-patch+json";
pub(super) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
pub(super) const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
pub(super) const METADATA: &str = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";

const DOCUMENTS: [&str; 12] = [
    "/",
    "/healthz",
    "/version",
    "/api",
    "/api/v1",
    "/apis",
    "/apis/example.com",
    "/apis/example.com/v1",
    "/apis/apiextensions.k8s.io/v1",
    "/openapi/v2",
    "/openapi/v3",
    "/openapi/v3/apis/example.com/v1",
];
const SELECTORS: [(&str, &str); 10] = [
    ("labelSelector", "app=x"),
    ("labelSelector", "app!=x,tier"),
    ("labelSelector", "app in (x, y),!tier"),
    ("labelSelector", "app notin (x)"),
    ("fieldSelector", "metadata.name=a"),
    ("fieldSelector", "metadata.name!=a,metadata.namespace=default"),
    ("fieldSelector", "status.phase=Running"),
    ("fieldSelector", "spec.color=red"),
    ("fieldSelector", "type=Opaque"),
    ("limit", "1"),
];

/// Some request.
pub(super) fn request(random: &mut ChaCha8Rng, world: &World) -> Asked {
    let Samples { objects, definitions } = &world.samples;
    // Few of those: each kind that is defined is there for as long as the process.
    let sample = if random.random_ratio(1, 40) { definitions.choose(random) } else { objects.choose(random) };
    let sample = sample.unwrap();
    match random.random_range(0..24) {
        0..5 => create(random, sample),
        5..8 => update(random, sample, world),
        8..13 => patch(random, sample, world),
        13..16 => delete(random, sample, world),
        16..19 => read(random, sample, world),
        19..21 => list(random, sample, world),
        21 => Asked::get(*DOCUMENTS.choose(random).unwrap()),
        _ => special(random),
    }
}

fn name(random: &mut ChaCha8Rng) -> &'static str {
    ["a", "b", "c", "d"].choose(random).unwrap()
}

/// The path of an object, more often than not of one that is there.
fn object_path(random: &mut ChaCha8Rng, sample: &Sample, world: &World) -> String {
    let collection = world.collections.get(&format!("{}/{}", sample.root, sample.plural));
    let keys: Vec<_> = collection.map(|collection| collection.objects.keys().collect()).unwrap_or_default();
    match (collection, keys.choose(random)) {
        (Some(collection), Some(key)) if random.random_ratio(7, 8) => collection.object_path(key),
        _ => format!("{}/{}", sample.path(), name(random)),
    }
}

/// The object at a path as it is; else the sample.
fn stored(path: &str, sample: &Sample, world: &World) -> Value {
    let answer = world.send(&Asked::get(path)).filter(|answer| answer.code == 200);
    answer.map_or_else(|| sample.object.clone(), |answer| answer.json())
}

fn create(random: &mut ChaCha8Rng, sample: &Sample) -> Asked {
    let mut object = sample.object.clone();
    match random.random_range(0..4) {
        _ if sample.plural == "customresourcedefinitions" => {}
        0 => object["metadata"]["generateName"] = "a-".into(),
        _ => object["metadata"]["name"] = name(random).into(),
    }
    let metadata = &mut object["metadata"];
    if random.random() {
        metadata["labels"] = json!({"app": (*["x", "y"].choose(random).unwrap()), "tier": "1"});
    }
    if random.random_ratio(1, 4) {
        metadata["finalizers"] = json!(["example.com/hold", "example.com/x"]);
    }
    let mut asked = Asked::json("POST", sample.path(), object);
    if random.random_ratio(1, 5) {
        asked = asked.with("content-type", YAML);
    }
    if sample.plural == "configmaps" && random.random_ratio(1, 6) {
        asked.body = Body::Bytes(values::protobuf_config_map());
        asked = asked.with("content-type", PROTOBUF);
    }
    written(random, asked)
}

/// Query parameters of every write.
fn written(random: &mut ChaCha8Rng, asked: Asked) -> Asked {
    match random.random_range(0..12) {
        0 | 1 => asked.and("dryRun", "All"),
        2 => asked.and("fieldValidation", "Strict"),
        3 => asked.and("fieldManager", "tests").and("pretty", "true"),
        4 => asked.with("accept", TABLE).and("includeObject", "Object"),
        5 => asked.with("accept", YAML),
        _ => asked,
    }
}

fn update(random: &mut ChaCha8Rng, sample: &Sample, world: &World) -> Asked {
    let path = object_path(random, sample, world);
    let mut object = stored(&path, sample, world);
    object["metadata"]["annotations"] = json!({"example.com/note": random.random_range(0..9).to_string()});
    if random.random_ratio(1, 4) {
        object["metadata"].as_object_mut().unwrap().remove("finalizers");
    }
    let status = if random.random_ratio(1, 4) { "/status" } else { "" };
    let asked = Asked::json("PUT", format!("{path}{status}"), object);
    written(random, asked)
}

fn patch(random: &mut ChaCha8Rng, sample: &Sample, world: &World) -> Asked {
    let path = object_path(random, sample, world);
    let status = if random.random_ratio(1, 5) { "/status" } else { "" };
    let (media_type, body) = match random.random_range(0..3) {
        0 => (JSON_PATCH, values::operations(random, &stored(&path, sample, world))),
        1 => (MERGE_PATCH, values::merge(random, &sample.object)),
        _ => (STRATEGIC_PATCH, values::strategic(random, &sample.object)),
    };
    let asked = Asked::json("PATCH", format!("{path}{status}"), body).with("content-type", media_type);
    written(random, asked)
}

fn delete(random: &mut ChaCha8Rng, sample: &Sample, world: &World) -> Asked {
    let path = object_path(random, sample, world);
    let uid = stored(&path, sample, world)["metadata"]["uid"].clone();
    match random.random_range(0..8) {
        0 => Asked::json("DELETE", path, json!({"gracePeriodSeconds": 0, "propagationPolicy": "Foreground"})),
        1 => Asked::json("DELETE", path, json!({"preconditions": {"uid": uid}, "propagationPolicy": "Orphan"})),
        2 => Asked::json("DELETE", path, json!({"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]})),
        3 => Asked { method: "DELETE", ..Asked::get(path) }.and("dryRun", "All"),
        4 => Asked { method: "DELETE", ..Asked::get(path) }.and("gracePeriodSeconds", "1"),
        5 => Asked { method: "DELETE", ..Asked::get(sample.path()) }.and("labelSelector", "app=y").and("limit", "2"),
        6 => Asked::json("DELETE", sample.path(), json!({"dryRun": ["All"]})).and("fieldSelector", "metadata.name=a"),
        _ => Asked { method: "DELETE", ..Asked::get(path) },
    }
}

fn read(random: &mut ChaCha8Rng, sample: &Sample, world: &World) -> Asked {
    let asked = Asked::get(object_path(random, sample, world));
    match random.random_range(0..6) {
        0 => asked.with("accept", TABLE),
        1 => asked.with("accept", METADATA),
        2 => asked.with("accept", YAML),
        3 => asked.with("accept", &format!("{PROTOBUF},{JSON}")),
        4 => asked.and("watch", "true"),
        _ => asked,
    }
}

fn list(random: &mut ChaCha8Rng, sample: &Sample, world: &World) -> Asked {
    let path = if random.random() { sample.path() } else { format!("{}/{}", sample.root, sample.plural) };
    let mut asked = Asked::get(path);
    for (parameter, value) in SELECTORS.sample(random, 2) {
        asked = asked.and(parameter, *value);
    }
    match random.random_range(0..8) {
        0 => asked.and("watch", "1").and("resourceVersion", "3").and("allowWatchBookmarks", "true"),
        1 => asked.and("watch", "1").and("sendInitialEvents", "true").and("resourceVersionMatch", "NotOlderThan"),
        2 => asked.and("resourceVersion", world.version.to_string()).and("resourceVersionMatch", "Exact"),
        3 => {
            let path = format!("{}/{}", sample.root, sample.plural);
            let page = world.send(&Asked::get(&path).and("limit", "1")).filter(|answer| answer.code == 200);
            let token = page.map(|page| page.json()["metadata"]["continue"].clone()).unwrap_or_default();
            Asked::get(path).and("limit", "1").and("continue", token.as_str().unwrap_or_default())
        }
        4 => asked.with("accept", TABLE).and("includeObject", "Metadata"),
        5 => asked.with("accept", METADATA),
        _ => asked,
    }
}

/// Requests for one kind only.
fn special(random: &mut ChaCha8Rng) -> Asked {
    let pod = format!("/api/v1/namespaces/default/pods/{}", name(random));
    let review = |kind: &str, spec: Value| {
        let path = format!("/apis/authorization.k8s.io/v1/{}s", kind.to_lowercase());
        Asked::json("POST", path, json!({"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}))
    };
    let resource = json!({"verb": "get", "resource": "pods", "namespace": "default", "group": ""});
    match random.random_range(0..8) {
        0 => Asked::get(format!("{pod}/log")).and("container", "main").and("tailLines", "3"),
        1 => {
            let target = json!({"apiVersion": "v1", "kind": "Node", "name": "node"});
            Asked::json("POST", format!("{pod}/binding"), json!({"metadata": {"name": "a"}, "target": target}))
        }
        2 => {
            let bound = json!({"kind": "Pod", "apiVersion": "v1", "name": "a"});
            let spec = json!({"audiences": ["x"], "expirationSeconds": 600, "boundObjectRef": bound});
            Asked::json("POST", "/api/v1/namespaces/default/serviceaccounts/a/token", json!({"spec": spec}))
        }
        3 => Asked::json("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", json!({})),
        4 => review("SelfSubjectAccessReview", json!({"resourceAttributes": resource})),
        5 => review("SubjectAccessReview", json!({"user": "u", "groups": ["g"], "resourceAttributes": resource})),
        6 => review("SelfSubjectRulesReview", json!({"namespace": "default"})),
        _ => Asked::get("/api/v1/pods").with("impersonate-user", "system:serviceaccount:default:a"),
    }
}
