//! The pieces that bodies are made of.

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// A ConfigMap with a name and a label, as protobuf.
pub(crate) fn protobuf_config_map() -> Vec<u8> {
    let put = |number: u8, bytes: &[u8]| [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let label = put(11, &[put(1, b"app"), put(2, b"x")].concat());
    let metadata = [put(1, b"p"), label].concat();
    let object = [put(1, &metadata), put(2, &[put(1, b"k"), put(2, b"v")].concat())].concat();
    let types = [put(1, b"v1"), put(2, b"ConfigMap")].concat();
    [b"k8s\0".to_vec(), put(1, &types), put(2, &object)].concat()
}

/// The paths to all values in a document, as JSON pointers; the first is that to itself.
pub(crate) fn pointers(document: &Value) -> Vec<String> {
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    let below = |step: String, value: &Value| pointers(value).into_iter().map(move |rest| format!("/{step}{rest}"));
    let mut found = vec![String::new()];
    match value_of(document) {
        Inner::List(items) => {
            found.extend(items.iter().enumerate().flat_map(|(index, item)| below(index.to_string(), item)));
        }
        Inner::Map(fields) => found.extend(fields.iter().flat_map(|(name, field)| below(escaped(name), field))),
        Inner::Leaf => {}
    }
    found
}

enum Inner<'a> {
    List(&'a [Value]),
    Map(&'a serde_json::Map<String, Value>),
    Leaf,
}

fn value_of(document: &Value) -> Inner<'_> {
    match document {
        Value::Array(items) => Inner::List(items),
        Value::Object(fields) => Inner::Map(fields),
        _ => Inner::Leaf,
    }
}

/// The operations of a JSON patch, most of which can be carried out on `object`.
pub(crate) fn operations(random: &mut ChaCha8Rng, object: &Value) -> Value {
    let pointers = pointers(object);
    let count = random.random_range(1..4);
    let operation = |random: &mut ChaCha8Rng| {
        let place = pointers.choose(random).unwrap();
        match random.random_range(0..8) {
            0 => json!({"op": "add", "path": "/metadata/labels", "value": {"app": "x"}}),
            1 => json!({"op": "add", "path": "/metadata/finalizers", "value": ["example.com/new"]}),
            2 => json!({"op": "replace", "path": place, "value": odd(random)}),
            3 => json!({"op": "remove", "path": place}),
            4 => json!({"op": "test", "path": place, "value": object.pointer(place)}),
            5 => json!({"op": "copy", "from": place, "path": pointers.choose(random).unwrap()}),
            6 => json!({"op": "move", "from": place, "path": format!("{}/-", pointers.choose(random).unwrap())}),
            _ => json!({"op": "add", "path": "/metadata/annotations", "value": {"example.com/n": "1"}}),
        }
    };
    (0..count).map(|_| operation(random)).collect()
}

/// A merge patch for objects like this one.
pub(crate) fn merge(random: &mut ChaCha8Rng, object: &Value) -> Value {
    match random.random_range(0..5) {
        0 => json!({"metadata": {"labels": {"app": "x", "tier": null}}}),
        1 => json!({"metadata": {"finalizers": null}}),
        2 => json!({"status": object["status"]}),
        3 => json!({"spec": object["spec"], "data": object["data"]}),
        _ => json!({"metadata": {"annotations": {"example.com/n": random.random_range(0..9).to_string()}}}),
    }
}

/// A strategic merge patch for objects like this one.
pub(crate) fn strategic(random: &mut ChaCha8Rng, object: &Value) -> Value {
    match random.random_range(0..6) {
        0 => {
            json!({"spec": {"containers": [{"name": "main", "image": "j"}], "$setElementOrder/containers": [{"name": "main"}]}})
        }
        1 => json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/hold"]}}),
        2 => json!({"metadata": {"labels": {"$patch": "replace", "app": "y"}}}),
        3 => json!({"spec": {"volumes": [{"name": "v", "$patch": "delete"}], "$retainKeys": ["volumes"]}}),
        4 => json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}),
        _ => merge(random, object),
    }
}

/// A value that may not be expected where it is put.
pub(crate) fn odd(random: &mut ChaCha8Rng) -> Value {
    match random.random_range(0..26) {
        0 => Value::Null,
        1 => json!([]),
        2 => json!({}),
        3 => json!([null]),
        4 => json!({"": {}}),
        5 => true.into(),
        6 => 0.into(),
        7 => (-1).into(),
        8 => i64::MIN.into(),
        9 => u64::MAX.into(),
        10 => 1e300.into(),
        11 => (-0.5).into(),
        12 => "x".repeat(random.random_range(200..2_000)).into(),
        13 => "x".repeat(if random.random_ratio(1, 20) { 1 << 20 } else { 64 }).into(),
        14 => nested(random.random_range(100..140), random.random()),
        15 => nested(300, random.random()),
        _ => (*TEXTS.choose(random).unwrap()).into(),
    }
}

/// Lists or objects within each other.
fn nested(depth: usize, is_list: bool) -> Value {
    (0..depth).fold(Value::Null, |inner, _| if is_list { json!([inner]) } else { json!({"a": inner}) })
}

pub(crate) const TEXTS: [&str; 24] = [
    "",
    " ",
    "a",
    "b",
    "\0",
    "\u{1b}[31m\r\n\t",
    "ä\u{301}\u{202e}🦀",
    "\u{feff}",
    "../..",
    "a/b",
    "a%2fb",
    "%",
    ".",
    "-",
    "A",
    "2026-01-02T03:04:05Z",
    "9999-12-31T23:59:59Z",
    "18446744073709551616",
    "1",
    "True",
    "default",
    "kube-system",
    "\"\\",
    "NaN",
];

/// The names of fields that mean something somewhere.
pub(crate) const FIELDS: [&str; 40] = [
    "apiVersion",
    "kind",
    "metadata",
    "name",
    "namespace",
    "generateName",
    "labels",
    "annotations",
    "finalizers",
    "ownerReferences",
    "resourceVersion",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "managedFields",
    "selfLink",
    "spec",
    "status",
    "data",
    "stringData",
    "type",
    "op",
    "path",
    "from",
    "value",
    "$patch",
    "$retainKeys",
    "$setElementOrder/containers",
    "preconditions",
    "dryRun",
    "scope",
    "versions",
    "served",
    "storage",
    "default",
    "",
    "a/b~c",
    "\0",
];
