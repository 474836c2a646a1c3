//! Validation of RBAC objects.

use serde_json::{Value, json};

use super::super::meta::{self, items};
use super::super::status::FieldError;

/// Adds what is wrong with a Role, a RoleBinding, or one of those of the whole cluster.
pub(super) fn object(name: &str, object: &Value, causes: &mut Vec<FieldError>) {
    for (index, rule) in items(object, "rules").iter().enumerate() {
        if items(rule, "verbs").is_empty() {
            let why = "verbs must contain at least one value";
            causes.push(FieldError::required(format!("rules[{index}].verbs"), why));
        }
        if !items(rule, "nonResourceURLs").is_empty() {
            continue;
        }
        for (field, why) in [
            ("apiGroups", "resource rules must supply at least one api group"),
            ("resources", "resource rules must supply at least one resource"),
        ] {
            if items(rule, field).is_empty() {
                causes.push(FieldError::required(format!("rules[{index}].{field}"), why));
            }
        }
    }
    if name.ends_with("Binding") {
        role(name, &object["roleRef"], causes);
    }
}

fn role(name: &str, role: &Value, causes: &mut Vec<FieldError>) {
    let kinds =
        if name == "RoleBinding" { vec![json!("Role"), json!("ClusterRole")] } else { vec![json!("ClusterRole")] };
    if !kinds.contains(&role["kind"]) {
        causes.push(FieldError::unsupported("roleRef.kind", &json!(meta::text(role, "kind")), &kinds));
    }
    if meta::text(role, "name").is_empty() {
        causes.push(FieldError::required("roleRef.name", ""));
    }
}

/// Adds what may not change from `old` to `new`.
pub(super) fn update(old: &Value, new: &Value, causes: &mut Vec<FieldError>) {
    if old["roleRef"] != new["roleRef"] {
        causes.push(FieldError::invalid("roleRef", &new["roleRef"], "cannot change roleRef"));
    }
}
