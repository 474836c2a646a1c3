//! Guarded patches: each carries the state that it was decided from.
//!
//! Each change of such a JSON patch follows a `test` of the value that it replaces. The API server refuses the patch if
//! another writer changed that value in between; changes elsewhere in the object do not matter.

use std::borrow::Cow;

use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation, TestOperation, jsonptr::PointerBuf};
use serde_json::{Value, json};

/// Collects the operations of a patch of one document.
#[derive(Debug)]
pub struct GuardedPatch<'a> {
    document: &'a Value,
    /// The document with the operations so far carried out.
    patched: Cow<'a, Value>,
    tests: Vec<PatchOperation>,
    changes: Vec<PatchOperation>,
}

impl<'a> GuardedPatch<'a> {
    /// An empty patch of `document`, the newest that is known.
    pub fn new(document: &'a Value) -> Self {
        Self { document, patched: Cow::Borrowed(document), tests: Vec::new(), changes: Vec::new() }
    }

    /// The patch holds only while the value at `path` is the one that is known; what is not there is not tested.
    pub fn precondition(&mut self, path: &[&str]) -> &mut Self {
        let path = pointer(path);
        if let Some(value) = self.document.pointer(path.as_str()) {
            let test = PatchOperation::Test(TestOperation { path, value: value.clone() });
            if !self.tests.contains(&test) {
                self.tests.push(test);
            }
        }
        self
    }

    /// Sets the value at `path`, unless it is that already; makes the objects above it where they are missing.
    pub fn set(&mut self, path: &[&str], value: Value) -> &mut Self {
        let target = pointer(path);
        match self.patched.pointer(target.as_str()) {
            Some(old) if *old == value => self,
            Some(_) => {
                self.guard(path);
                self.change(PatchOperation::Replace(ReplaceOperation { path: target, value }))
            }
            None => {
                self.guard(path);
                let depth = self.depth_of(&self.patched, path);
                let value = path[depth + 1..].iter().rev().fold(value, |inner, key| json!({ *key: inner }));
                self.change(PatchOperation::Add(AddOperation { path: pointer(&path[..=depth]), value }))
            }
        }
    }

    /// Removes the value at `path`, if there is one.
    pub fn remove(&mut self, path: &[&str]) -> &mut Self {
        let target = pointer(path);
        if self.patched.pointer(target.as_str()).is_none() {
            return self;
        }
        self.precondition(path);
        self.change(PatchOperation::Remove(RemoveOperation { path: target }))
    }

    /// The patch, if it changes anything. All tests come first: none sees what a change of this patch made.
    pub fn finish(self) -> Option<json_patch::Patch> {
        let Self { mut tests, changes, .. } = self;
        if changes.is_empty() {
            return None;
        }
        tests.extend(changes);
        Some(json_patch::Patch(tests))
    }

    /// The patch holds only while what is at `path` is what is known, be it nothing. That it is absent cannot be tested, so
    /// then it is the object that it is absent from that is tested, or the document's version where that is the document.
    pub fn guard(&mut self, path: &[&str]) -> &mut Self {
        match self.depth_of(self.document, path) {
            // What is known of the metadata is not all of it: the server keeps fields there that are not read.
            0 => self.precondition(&["metadata", "resourceVersion"]),
            1 if path[0] == "metadata" => self.precondition(&["metadata", "resourceVersion"]),
            depth => self.precondition(&path[..depth]),
        }
    }

    /// How many of the keys of `path` lead to something in `document`: to objects, but for the last.
    fn depth_of(&self, document: &Value, path: &[&str]) -> usize {
        let leads_on = |depth: &usize| {
            let found = document.pointer(pointer(&path[..*depth]).as_str());
            found.is_some_and(|value| *depth == path.len() || value.is_object())
        };
        (0..=path.len()).rev().find(leads_on).unwrap_or(0)
    }

    fn change(&mut self, operation: PatchOperation) -> &mut Self {
        json_patch::patch(self.patched.to_mut(), std::slice::from_ref(&operation))
            .expect("an operation made for a document applies to it");
        self.changes.push(operation);
        self
    }
}

fn pointer(path: &[&str]) -> PointerBuf {
    PointerBuf::from_tokens(path.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn patched(document: &Value, build: impl FnOnce(&mut GuardedPatch<'_>)) -> (Option<json_patch::Patch>, Value) {
        let mut patch = GuardedPatch::new(document);
        build(&mut patch);
        let patch = patch.finish();
        let mut after = document.clone();
        if let Some(patch) = &patch {
            json_patch::patch(&mut after, patch).unwrap();
        }
        (patch, after)
    }

    #[test]
    fn a_value_that_is_there_already_is_not_written() {
        let (patch, _) = patched(&json!({"a": 1}), |p| {
            p.precondition(&["a"]).set(&["a"], json!(1)).remove(&["b"]);
        });
        assert!(patch.is_none());
    }

    #[test]
    fn two_values_in_one_missing_object_are_both_there() {
        let (_, after) = patched(&json!({"metadata": {"resourceVersion": "7"}}), |p| {
            p.set(&["metadata", "annotations", "a"], json!("1")).set(&["metadata", "annotations", "b"], json!("2"));
        });
        assert_eq!(after["metadata"]["annotations"], json!({"a": "1", "b": "2"}));
    }

    #[test]
    fn what_should_be_an_object_and_is_not_is_replaced() {
        let (_, after) = patched(&json!({"status": {"configuration": null}}), |p| {
            p.set(&["status", "configuration", "source"], json!([1]));
        });
        assert_eq!(after["status"]["configuration"]["source"], json!([1]));
    }

    #[test]
    fn fields_of_the_metadata_that_are_not_read_are_not_tested() {
        let (patch, _) = patched(&json!({"metadata": {"name": "worker", "resourceVersion": "7"}}), |p| {
            p.set(&["metadata", "annotations", "a"], json!("1"));
        });
        let mut now = json!({"metadata": {"name": "worker", "resourceVersion": "7", "managedFields": []}});
        json_patch::patch(&mut now, &patch.unwrap()).unwrap();
        assert_eq!(now["metadata"]["annotations"]["a"], "1");
    }

    #[test]
    fn missing_objects_are_made() {
        let (_, after) = patched(&json!({"metadata": {"resourceVersion": "7"}}), |p| {
            p.set(&["status", "configuration", "source"], json!([]));
        });
        assert_eq!(after["status"]["configuration"]["source"], json!([]));
    }

    #[test]
    fn l22_a_change_of_what_was_decided_from_makes_the_patch_fail() {
        let read =
            json!({"metadata": {"resourceVersion": "7", "annotations": {"a/b": "1", "c": "2"}}, "spec": {"x": 1}});
        let path = ["metadata", "annotations", "a/b"];
        let (replace, _) = patched(&read, |p| {
            p.set(&path, json!("9"));
        });
        let (add, _) = patched(&read, |p| {
            p.set(&["metadata", "annotations", "new"], json!("9"));
        });
        let (root, _) = patched(&read, |p| {
            p.set(&["status", "x"], json!("9"));
        });
        let (premise, _) = patched(&read, |p| {
            p.precondition(&["spec", "x"]).set(&path, json!("9"));
        });

        let applies = |patch: &Option<json_patch::Patch>, change: fn(&mut Value)| {
            let mut now = read.clone();
            change(&mut now);
            json_patch::patch(&mut now, patch.as_ref().unwrap()).is_ok()
        };
        assert!(!applies(&replace, |v| v["metadata"]["annotations"]["a/b"] = json!("5")));
        assert!(applies(&replace, |v| v["metadata"]["annotations"]["c"] = json!("5")));
        assert!(!applies(&add, |v| v["metadata"]["annotations"]["new"] = json!("5")));
        assert!(!applies(&root, |v| v["metadata"]["resourceVersion"] = json!("8")));
        assert!(!applies(&premise, |v| v["spec"]["x"] = json!(2)));
        assert!(applies(&premise, |v| v["metadata"]["resourceVersion"] = json!("8")));
    }

    proptest! {
        #[test]
        fn l16_what_is_set_is_set_and_all_else_stays(
            others in proptest::collection::btree_map("[a-z]{1,3}", 0..9i32, 0..5),
            path in proptest::collection::vec("[a-z/~]{1,3}", 1..4),
            value in 0..9i32,
        ) {
            let document = json!({"metadata": {"resourceVersion": "7"}, "rest": others});
            let mut path: Vec<&str> = path.iter().map(String::as_str).collect();
            path.insert(0, "top");
            let (_, after) = patched(&document, |p| { p.set(&path, json!(value)); });
            prop_assert_eq!(after.pointer(pointer(&path).as_str()), Some(&json!(value)));
            prop_assert_eq!(&after["rest"], &document["rest"]);
            let (_, removed) = patched(&after, |p| { p.remove(&["top"]); });
            prop_assert_eq!(removed, document);
        }
    }
}
