//! Validation of RBAC objects.

use serde_json::{Value, json};

use super::super::meta;
use super::super::status::FieldError;

/// Adds what is wrong with a Role, a RoleBinding, or one of those of the whole cluster.
pub fn object(name: &str, object: &Value, causes: &mut Vec<FieldError>) {
    let list = |value: &Value, field: &str| value.get(field).and_then(Value::as_array).map_or(0, Vec::len);
    for (index, rule) in object.get("rules").and_then(Value::as_array).into_iter().flatten().enumerate() {
        if list(rule, "verbs") == 0 {
            let why = "verbs must contain at least one value";
            causes.push(FieldError::required(format!("rules[{index}].verbs"), why));
        }
        if list(rule, "nonResourceURLs") > 0 {
            continue;
        }
        for (field, why) in [
            ("apiGroups", "resource rules must supply at least one api group"),
            ("resources", "resource rules must supply at least one resource"),
        ] {
            if list(rule, field) == 0 {
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
pub fn update(old: &Value, new: &Value, causes: &mut Vec<FieldError>) {
    if old["roleRef"] != new["roleRef"] {
        causes.push(FieldError::invalid("roleRef", &new["roleRef"], "cannot change roleRef"));
    }
}
