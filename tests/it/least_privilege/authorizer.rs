//! Denied requests, and the words of the denial.

use http::Method;
use machine_os_builder::apiserver::{ApiServer, User};
use serde_json::{Value, json};

use super::world::{send, server_with};

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn role(namespace: Option<&str>, name: &str, rules: Value) -> Value {
    let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
    let metadata = json!({"name": name, "namespace": namespace});
    json!({"apiVersion": format!("{RBAC}/v1"), "kind": kind, "metadata": metadata, "rules": rules})
}

pub(super) fn binding(namespace: Option<&str>, role: (&str, &str), subject: &Value) -> Value {
    let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
    json!({
        "apiVersion": format!("{RBAC}/v1"), "kind": kind,
        "metadata": {"name": format!("{}-{}", role.1, subject["name"].as_str().unwrap()), "namespace": namespace},
        "roleRef": {"apiGroup": RBAC, "kind": role.0, "name": role.1}, "subjects": [subject],
    })
}

pub(super) fn user(name: &str) -> Value {
    json!({"kind": "User", "apiGroup": RBAC, "name": name})
}

fn jane() -> User {
    User {
        name: "jane".to_owned(),
        uid: String::new(),
        groups: vec!["devs".to_owned(), "system:authenticated".to_owned()],
    }
}

async fn ask(server: &ApiServer, method: Method, path: &str) -> (u16, Value) {
    send(server.service().as_user(jane()), method, path, &json!({})).await
}

#[tokio::test]
async fn a_refusal_says_who_cannot_do_what_where() {
    let server = server_with(&[]).await;
    let scale = "/apis/coordination.k8s.io/v1";
    for (method, path, message, details) in [
        (
            Method::GET,
            "/api/v1/namespaces/default/pods",
            r#"pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default""#,
            json!({"kind": "pods"}),
        ),
        (
            Method::GET,
            "/api/v1/pods?watch=1",
            r#"pods is forbidden: User "jane" cannot watch resource "pods" in API group "" at the cluster scope"#,
            json!({"kind": "pods"}),
        ),
        (
            Method::GET,
            "/api/v1/namespaces/default/pods/p/log",
            r#"pods "p" is forbidden: User "jane" cannot get resource "pods/log" in API group "" in the namespace "default""#,
            json!({"kind": "pods", "name": "p"}),
        ),
        (
            Method::PUT,
            &format!("{scale}/namespaces/default/leases/l"),
            r#"leases.coordination.k8s.io "l" is forbidden: User "jane" cannot update resource "leases" in API group "coordination.k8s.io" in the namespace "default""#,
            json!({"kind": "leases", "name": "l", "group": "coordination.k8s.io"}),
        ),
        (
            Method::DELETE,
            "/api/v1/namespaces/default/secrets",
            r#"secrets is forbidden: User "jane" cannot deletecollection resource "secrets" in API group "" in the namespace "default""#,
            json!({"kind": "secrets"}),
        ),
        (
            Method::GET,
            "/api/v1/namespaces/default",
            r#"namespaces "default" is forbidden: User "jane" cannot get resource "namespaces" in API group "" in the namespace "default""#,
            json!({"kind": "namespaces", "name": "default"}),
        ),
        (
            Method::POST,
            "/apis/apps/v1/deployments",
            r#"deployments.apps is forbidden: User "jane" cannot create resource "deployments" in API group "apps" at the cluster scope"#,
            json!({"kind": "deployments", "group": "apps"}),
        ),
        (Method::GET, "/metrics", r#"forbidden: User "jane" cannot get path "/metrics""#, json!({})),
    ] {
        let (code, status) = ask(&server, method, path).await;
        let expected = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Forbidden",
            "code": 403, "message": message, "details": details,
        });
        assert_eq!((code, status), (403, expected), "{path}");
    }
}

#[tokio::test]
async fn roles_hold_in_their_namespace_and_cluster_roles_where_they_are_bound() {
    let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]);
    let pods = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]}]);
    let secrets = json!([{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["s"], "verbs": ["*"]}]);
    let group = json!({"kind": "Group", "apiGroup": RBAC, "name": "devs"});
    let server = server_with(&[
        role(Some("default"), "maps", rules),
        role(None, "pods", pods),
        role(None, "secret", secrets),
        binding(Some("default"), ("Role", "maps"), &user("jane")),
        binding(Some("default"), ("ClusterRole", "secret"), &user("jane")),
        binding(Some("kube-system"), ("ClusterRole", "pods"), &group),
    ])
    .await;
    let in_default = |rest: &str| format!("/api/v1/namespaces/default/{rest}");
    for (method, path, is_allowed) in [
        (Method::GET, in_default("configmaps"), true),
        (Method::GET, in_default("configmaps/a"), true),
        (Method::GET, in_default("configmaps?watch=1"), false),
        (Method::GET, in_default("pods"), false),
        (Method::GET, "/api/v1/namespaces/kube-system/pods".to_owned(), true),
        (Method::GET, "/api/v1/namespaces/kube-system/pods/p/log".to_owned(), false),
        (Method::GET, "/api/v1/namespaces/kube-system/configmaps".to_owned(), false),
        (Method::GET, "/api/v1/configmaps".to_owned(), false),
        // By name: what has none is not allowed, and a selector of one name is a name.
        (Method::GET, in_default("secrets/s"), true),
        (Method::GET, in_default("secrets/t"), false),
        (Method::GET, in_default("secrets"), false),
        (Method::GET, in_default("secrets?fieldSelector=metadata.name%3Ds"), true),
        (Method::GET, in_default("secrets?watch=1&fieldSelector=metadata.name%3Ds"), true),
        (Method::GET, in_default("secrets?fieldSelector=metadata.name%3Dt"), false),
        (Method::GET, in_default("secrets?fieldSelector=metadata.name%21%3Ds"), false),
        (Method::POST, in_default("secrets"), false),
        (Method::DELETE, in_default("secrets"), false),
        (Method::DELETE, in_default("secrets?fieldSelector=metadata.name%3Ds"), false),
    ] {
        let (code, answer) = ask(&server, method.clone(), &path).await;
        assert_eq!(code != 403, is_allowed, "{method} {path}: {answer}");
    }
}

#[tokio::test]
async fn a_binding_to_a_role_that_is_not_there_gives_nothing_and_is_named() {
    let missing = binding(Some("default"), ("ClusterRole", "gone"), &user("jane"));
    let server = server_with(&[missing]).await;
    let (code, status) = ask(&server, Method::GET, "/api/v1/namespaces/default/pods").await;
    let why = r#": RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found"#;
    assert!(code == 403 && status["message"].as_str().unwrap().ends_with(why), "{status}");
}

#[tokio::test]
async fn an_update_that_creates_needs_both() {
    let only_update = json!([{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["update"]}]);
    let objects =
        [role(Some("default"), "leases", only_update), binding(Some("default"), ("Role", "leases"), &user("jane"))];
    let server = server_with(&objects).await;
    let path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l";
    let lease = json!({"metadata": {"name": "l"}, "spec": {}});
    let (code, status) = send(server.service().as_user(jane()), Method::PUT, path, &lease).await;
    assert!(code == 403 && status["message"].as_str().unwrap().contains("cannot create resource"), "{status}");
    assert_eq!(send(server.service(), Method::PUT, path, &lease).await.0, 201);
    let (_, lease) = send(server.service(), Method::GET, path, &Value::Null).await;
    assert_eq!(send(server.service().as_user(jane()), Method::PUT, path, &lease).await.0, 200);
}

#[tokio::test]
async fn who_may_do_everything_needs_no_rule() {
    let server = server_with(&[]).await;
    for user in [User::admin(), User { groups: vec!["system:masters".to_owned()], ..jane() }] {
        let service = server.service().as_user(user);
        assert_eq!(send(service, Method::GET, "/api/v1/secrets", &Value::Null).await.0, 200);
    }
}
