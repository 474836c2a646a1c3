//! The MachineConfig that an image carries, field by field.

use serde_json::Value;

use super::report::Difference;
use crate::api::names::sha256_hex;
use crate::images::{NodeKind, Tree};

/// Where the MachineConfig at `path` in `tree` differs from `asked`.
pub(super) fn current_config(asked: &Value, tree: &Tree, path: &'static str) -> Vec<Difference> {
    let whole = |found: &str| {
        let (asked, found) = ("the MachineConfig as JSON".into(), found.into());
        vec![Difference { path: path.into(), aspect: "contents", asked, found }]
    };
    let Some(NodeKind::File(content)) = tree.get(path).map(|node| &node.kind) else { return whole("no file") };
    let Some(kept) = &content.kept else { return whole("too many bytes to look into") };
    match serde_json::from_slice::<Value>(kept) {
        Ok(found) => {
            let mut differences = Vec::new();
            walk(asked, &found, &mut String::new(), &mut |pointer, asked, found| {
                let path = format!("{path}#{pointer}");
                differences.push(Difference { path, aspect: "field", asked, found });
            });
            differences
        }
        Err(_) => whole(&format!("{} bytes that are no JSON", content.size)),
    }
}

/// Tells `tell` of each smallest part that differs, by its JSON pointer.
fn walk(asked: &Value, found: &Value, pointer: &mut String, tell: &mut dyn FnMut(&str, String, String)) {
    let length = pointer.len();
    let mut step = |key: &str, asked: Option<&Value>, found: Option<&Value>| {
        pointer.push('/');
        pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        match (asked, found) {
            (Some(asked), Some(found)) => walk(asked, found, pointer, tell),
            _ => tell(pointer, describe(asked), describe(found)),
        }
        pointer.truncate(length);
    };
    match (asked, found) {
        (Value::Object(asked), Value::Object(found)) => {
            let only_found = found.keys().filter(|key| !asked.contains_key(*key));
            for key in asked.keys().chain(only_found) {
                if asked.get(key) != found.get(key) {
                    step(key, asked.get(key), found.get(key));
                }
            }
        }
        (Value::Array(asked), Value::Array(found)) => {
            for index in 0..asked.len().max(found.len()) {
                if asked.get(index) != found.get(index) {
                    step(&index.to_string(), asked.get(index), found.get(index));
                }
            }
        }
        _ if asked == found => {}
        _ => tell(pointer, describe(Some(asked)), describe(Some(found))),
    }
}

/// A value in a form that may be printed: any text can be a key or a password.
fn describe(value: Option<&Value>) -> String {
    match value {
        None => "nothing".into(),
        Some(Value::String(text)) => format!("a string of {} bytes, sha256 {}", text.len(), sha256_hex(text)),
        Some(Value::Array(items)) => format!("a list of {}", items.len()),
        Some(Value::Object(fields)) => format!("an object of {} fields", fields.len()),
        Some(plain) => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pointers(asked: Value, found: Value) -> Vec<String> {
        let mut pointers = Vec::new();
        walk(&asked, &found, &mut String::new(), &mut |pointer, asked, found| {
            assert_ne!(asked, found);
            assert!(!format!("{asked}{found}").contains("secret"), "{asked} {found}");
            pointers.push(pointer.to_owned());
        });
        pointers
    }

    #[test]
    fn the_smallest_parts_that_differ_are_told() {
        for (asked, found, expected) in [
            (json!({"a": [1, {"b": "c"}]}), json!({"a": [1, {"b": "c"}]}), vec![]),
            (json!({"a": [1, {"b": "secret"}]}), json!({"a": [1, {"b": "secret2"}]}), vec!["/a/1/b"]),
            (json!({"a": 1, "b": 2}), json!({"b": 3, "c": 4}), vec!["/a", "/b", "/c"]),
            (json!({"a": [1]}), json!({"a": [2, 3]}), vec!["/a/0", "/a/1"]),
            (json!({"a/b~c": null}), json!({"a/b~c": false}), vec!["/a~1b~0c"]),
            (json!({"a": {}}), json!({"a": []}), vec!["/a"]),
            (json!(1), json!(2), vec![""]),
        ] {
            assert_eq!(pointers(asked.clone(), found.clone()), expected, "{asked} {found}");
        }
    }
}
