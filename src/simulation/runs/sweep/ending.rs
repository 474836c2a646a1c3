//! The final state of a cluster as text, without fields that differ between runs, so that two runs can be compared.

use std::sync::LazyLock;

use kube::api::ListParams;
use regex::Regex;
use serde_json::{Value, json};

use super::world::{Stuck, World};
use crate::api::{Kind, Object};
use crate::simulation::checks::invariants::without_emptiness;
use crate::simulation::people::registry::FakeRegistry;

/// Fields that are never the same twice.
const FLEETING: [&str; 9] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "lastTransitionTime",
    "firstTimestamp",
    "lastTimestamp",
    "eventTime",
];

static TIME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").expect("this is an expression"));
static DIGEST: LazyLock<Regex> = LazyLock::new(|| Regex::new("sha256:[0-9a-f]{64}").expect("this is an expression"));

/// All objects, one a line, in order; images by what was pushed, not by their digest.
pub(super) async fn of(world: &World) -> Result<String, Stuck> {
    let mut lines = Vec::new();
    for kind in Kind::ALL {
        for object in world.api(kind).list(&ListParams::default()).await? {
            lines.push(line(kind, &object, &world.ledger));
        }
    }
    lines.sort();
    Ok(lines.join("\n"))
}

fn line(kind: Kind, object: &Object, ledger: &FakeRegistry) -> String {
    if kind == Kind::Event {
        // An Event's name and times differ between runs, so only its subject, its reason and the number of Events
        // count.
        let about = &object.data["involvedObject"]["name"];
        return stable(&json!([kind.name(), about, object.data["reason"]]).to_string(), ledger);
    }
    let mut value = serde_json::to_value(object).unwrap_or_default();
    forget_fleeting(&mut value);
    // A list that something was taken out of again is as good as one that was never made.
    let value = without_emptiness(value);
    stable(&json!([kind.name(), object.metadata.name, value]).to_string(), ledger)
}

fn forget_fleeting(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !FLEETING.contains(&name.as_str()));
            fields.values_mut().for_each(forget_fleeting);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_fleeting),
        _ => {}
    }
}

fn stable(text: &str, ledger: &FakeRegistry) -> String {
    let text = TIME.replace_all(text, "<time>");
    let image = |digest: &regex::Captures<'_>| match ledger.image(&digest[0]) {
        Some(image) => format!("<image {} of {}>", image.pullspec, image.machine_config),
        None => digest[0].to_owned(),
    };
    DIGEST.replace_all(&text, image).into_owned()
}

/// The lines that are in one end and not in the other.
pub(super) fn difference(expected: &str, found: &str) -> Vec<String> {
    let missing = without(expected, found).into_iter().map(|line| format!("it should end with {line}"));
    missing.chain(without(found, expected).into_iter().map(|line| format!("it ends with {line}"))).collect()
}

fn without<'a>(text: &'a str, other: &str) -> Vec<&'a str> {
    let mut others: Vec<&str> = other.lines().collect();
    let mut is_there = |line: &&str| others.iter().position(|other| other == line).map(|at| others.swap_remove(at));
    text.lines().filter(|line| is_there(line).is_none()).collect()
}
