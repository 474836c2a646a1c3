//! Those of a cluster's default ClusterRoles that are needed here, and their bindings.

use serde_json::{Value, json};

use super::kinds::RBAC;
use super::user::{AUTHENTICATED, MASTERS};

/// Each with the kind of it.
pub(super) fn objects() -> Vec<(&'static str, Value)> {
    let everything = [
        json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}),
        json!({"nonResourceURLs": ["*"], "verbs": ["*"]}),
    ];
    let about_oneself = [
        json!({
            "apiGroups": ["authorization.k8s.io"], "verbs": ["create"],
            "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
        }),
        json!({"apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"]}),
    ];
    let discovery = ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"];
    let health = ["/healthz", "/livez", "/readyz", "/version", "/version/"];
    let paths = |paths: &[&str]| json!({"nonResourceURLs": paths, "verbs": ["get"]});
    let discovery: Vec<&str> = discovery.into_iter().chain(health).collect();
    [
        role("cluster-admin", &everything, MASTERS),
        role("system:basic-user", &about_oneself, AUTHENTICATED),
        role("system:discovery", &[paths(&discovery)], AUTHENTICATED),
        role("system:public-info-viewer", &[paths(&health)], AUTHENTICATED),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A role, and a binding of the same name to a group.
fn role(name: &str, rules: &[Value], group: &str) -> [(&'static str, Value); 2] {
    let metadata = json!({"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}});
    let binding = json!({
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": group}],
    });
    [("ClusterRole", json!({"metadata": metadata, "rules": rules})), ("ClusterRoleBinding", binding)]
}
