//! Access reviews: the server's answers on what a user may do.

use http::Method;
use http::header::{HeaderName, HeaderValue};
use machine_os_builder::api::DEFAULT_NAMESPACE;
use machine_os_builder::apiserver::{ApiServer, User};
use serde_json::{Value, json};

use super::authorizer::{binding, role, user};
use super::manifests::{BUILD_POD, CONTROLLER, objects};
use super::world::{send, server_with};

const AUTHORIZATION: &str = "/apis/authorization.k8s.io/v1";

async fn server() -> ApiServer {
    let rules = json!([{"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get"]}]);
    server_with(&[role(Some("default"), "pods", rules), binding(Some("default"), ("Role", "pods"), &user("jane"))])
        .await
}

fn jane() -> User {
    User { name: "jane".to_owned(), uid: "7".to_owned(), groups: vec!["system:authenticated".to_owned()] }
}

async fn review(server: &ApiServer, by: User, resource: &str, spec: Value) -> (u16, Value) {
    let path = format!("{AUTHORIZATION}/{resource}");
    send(server.service().as_user(by), Method::POST, &path, &json!({ "spec": spec })).await
}

fn of_pods(verb: &str, subresource: &str) -> Value {
    json!({"namespace": "default", "verb": verb, "resource": "pods", "subresource": subresource, "name": "p"})
}

#[tokio::test]
async fn one_may_ask_what_one_may_do() {
    let server = server().await;
    for (attributes, is_allowed) in [
        (json!({"resourceAttributes": of_pods("get", "")}), true),
        (json!({"resourceAttributes": of_pods("get", "log")}), true),
        (json!({"resourceAttributes": of_pods("delete", "")}), false),
        (json!({"resourceAttributes": {"verb": "get", "resource": "pods"}}), false),
        (json!({"resourceAttributes": {"verb": "*", "group": "*", "resource": "*"}}), false),
        (json!({"nonResourceAttributes": {"verb": "get", "path": "/version"}}), true),
        (json!({"nonResourceAttributes": {"verb": "get", "path": "/metrics"}}), false),
    ] {
        let (code, review) = review(&server, jane(), "selfsubjectaccessreviews", attributes.clone()).await;
        assert_eq!((code, &review["status"]["allowed"]), (201, &json!(is_allowed)), "{attributes}: {review}");
        assert_eq!(review["kind"], "SelfSubjectAccessReview");
        let (code, answer) = self::review(&server, jane(), "subjectaccessreviews", attributes.clone()).await;
        assert_eq!(code, 403, "{answer}");
        let mut about = attributes;
        about["user"] = "jane".into();
        about["groups"] = json!(["system:authenticated"]);
        let (code, answer) = self::review(&server, User::admin(), "subjectaccessreviews", about).await;
        assert_eq!((code, &answer["status"]["allowed"]), (201, &json!(is_allowed)), "{answer}");
    }
    let (_, allowed) =
        review(&server, jane(), "selfsubjectaccessreviews", json!({"resourceAttributes": of_pods("get", "")})).await;
    let reason = r#"RBAC: allowed by RoleBinding "pods-jane/default" of Role "pods" to User "jane""#;
    assert_eq!(allowed["status"]["reason"], reason);
}

#[tokio::test]
async fn one_may_ask_for_all_rules_and_who_one_is() {
    let server = server().await;
    let (code, answer) = review(&server, jane(), "selfsubjectrulesreviews", json!({"namespace": "default"})).await;
    let rules = answer["status"]["resourceRules"].as_array().unwrap();
    let last = json!({"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get"]});
    assert_eq!((code, rules.last()), (201, Some(&last)), "{answer}");
    assert!(answer["status"]["nonResourceRules"].to_string().contains("/version"), "{answer}");
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let (code, answer) = send(server.service().as_user(jane()), Method::POST, path, &json!({})).await;
    let expected = json!({"username": "jane", "uid": "7", "groups": ["system:authenticated"]});
    assert_eq!((code, &answer["status"]["userInfo"]), (201, &expected));
}

#[tokio::test]
async fn a_review_without_a_question_is_refused_and_none_is_kept() {
    let server = server().await;
    let both = json!({"resourceAttributes": of_pods("get", ""), "nonResourceAttributes": {"verb": "get", "path": "/"}});
    for spec in [json!({}), json!(null), both] {
        let (code, status) = review(&server, jane(), "selfsubjectaccessreviews", spec).await;
        assert_eq!((code, &status["reason"]), (422, &json!("Invalid")), "{status}");
    }
    assert_eq!(review(&server, jane(), "selfsubjectaccessreviews", json!("x")).await.0, 400);
    let nobody = json!({"resourceAttributes": of_pods("get", "")});
    assert_eq!(review(&server, User::admin(), "subjectaccessreviews", nobody).await.0, 422);
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        let path = format!("{AUTHORIZATION}/selfsubjectaccessreviews");
        assert_eq!(send(server.service(), method, &path, &json!({})).await.0, 405);
    }
}

/// The server's answer to `by` on its own identity, while it impersonates another user.
async fn impersonated(server: &ApiServer, by: User, headers: &[(&'static str, &str)]) -> (u16, Value) {
    use tower::ServiceExt as _;

    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    let service = server.service().as_user(by).map_request(move |mut request: http::Request<kube::client::Body>| {
        request.headers_mut().extend(headers.clone());
        request
    });
    let request = http::Request::post("/apis/authentication.k8s.io/v1/selfsubjectreviews");
    let response = service.oneshot(request.body(b"{}".to_vec().into()).unwrap()).await.unwrap();
    let code = response.status().as_u16();
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    (code, if code == 201 { answer["status"]["userInfo"].clone() } else { answer })
}

#[tokio::test]
async fn who_may_impersonate_acts_as_somebody_else() {
    let server = server().await;
    let account = "system:serviceaccount:default:robot";
    let (code, robot) = impersonated(&server, User::admin(), &[("impersonate-user", account)]).await;
    let groups = json!(["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"]);
    assert_eq!((code, &robot["username"], &robot["groups"]), (201, &json!(account), &groups));
    let headers = [("impersonate-user", "joe"), ("impersonate-group", "devs"), ("impersonate-uid", "9")];
    let (_, joe) = impersonated(&server, User::admin(), &headers).await;
    assert_eq!(joe, json!({"username": "joe", "uid": "9", "groups": ["devs", "system:authenticated"]}));

    let (code, status) = impersonated(&server, jane(), &[("impersonate-user", "joe")]).await;
    let message = r#"users "joe" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope"#;
    assert_eq!((code, &status["message"]), (403, &json!(message)));
    let (code, status) = impersonated(&server, jane(), &[("impersonate-user", account)]).await;
    assert!(code == 403 && status["message"].as_str().unwrap().starts_with("serviceaccounts \"robot\""), "{status}");
    assert_eq!(impersonated(&server, User::admin(), &[("impersonate-group", "devs")]).await.0, 400);
}

#[tokio::test]
async fn build_pods_may_be_admitted_by_one_constraint_in_their_namespace() {
    let server = server_with(&objects()).await;
    let account = |name: &str| format!("system:serviceaccount:{DEFAULT_NAMESPACE}:{name}");
    for (user, constraint, namespace, is_allowed) in [
        (account(BUILD_POD), "anyuid", DEFAULT_NAMESPACE, true),
        (account(BUILD_POD), "privileged", DEFAULT_NAMESPACE, false),
        (account(BUILD_POD), "anyuid", "default", false),
        (account(CONTROLLER), "anyuid", DEFAULT_NAMESPACE, false),
    ] {
        let attributes = json!({
            "group": "security.openshift.io", "resource": "securitycontextconstraints", "verb": "use",
            "name": constraint, "namespace": namespace,
        });
        let about = json!({"user": user, "resourceAttributes": attributes});
        let (code, answer) = review(&server, User::admin(), "subjectaccessreviews", about).await;
        assert_eq!((code, &answer["status"]["allowed"]), (201, &json!(is_allowed)), "{user} {constraint} {namespace}");
    }
}
