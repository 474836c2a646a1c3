//! The account of build pods: it can write a ConfigMap with a digest, and nothing else.

use http::Method;
use machine_os_builder::api::DEFAULT_NAMESPACE;
use machine_os_builder::apiserver::{ApiServer, User};
use serde_json::{Value, json};

use super::manifests::{BUILD_POD, CONTROLLER, objects};
use super::world::{send, server_with};

const DIGEST: &str = "digest-rendered-worker-1";

async fn ask(server: &ApiServer, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let user = User::service_account(DEFAULT_NAMESPACE, BUILD_POD);
    send(server.service().as_user(user), method, path, body).await
}

fn config_maps(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/configmaps")
}

fn digest() -> Value {
    json!({"metadata": {"name": DIGEST}, "data": {"digest": "sha256:0"}})
}

#[tokio::test]
async fn a_digest_is_left() {
    let server = server_with(&objects()).await;
    let path = config_maps(DEFAULT_NAMESPACE);
    assert_eq!(ask(&server, Method::POST, &path, &digest()).await.0, 201);
    // The helper's client first requests these.
    for path in ["/version", "/api", "/apis", "/api/v1", "/openapi/v2", "/openapi/v3"] {
        assert_eq!(ask(&server, Method::GET, path, &Value::Null).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn all_else_is_denied() {
    let server = server_with(&objects()).await;
    let maps = config_maps(DEFAULT_NAMESPACE);
    assert_eq!(ask(&server, Method::POST, &maps, &digest()).await.0, 201);
    let mut tries = vec![
        (Method::GET, format!("{maps}/{DIGEST}")),
        (Method::PUT, format!("{maps}/{DIGEST}")),
        (Method::PATCH, format!("{maps}/{DIGEST}")),
        (Method::DELETE, format!("{maps}/{DIGEST}")),
        (Method::DELETE, maps.clone()),
        (Method::GET, maps.clone()),
        (Method::GET, format!("{maps}?watch=true")),
        (Method::POST, config_maps("default")),
        (Method::GET, "/api/v1/configmaps".to_owned()),
        (Method::GET, "/api/v1/namespaces".to_owned()),
        (Method::GET, "/metrics".to_owned()),
    ];
    let own = format!("/api/v1/namespaces/{DEFAULT_NAMESPACE}");
    for account in [BUILD_POD, CONTROLLER] {
        tries.push((Method::POST, format!("{own}/serviceaccounts/{account}/token")));
    }
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let machine = "/apis/machineconfiguration.openshift.io/v1";
    for collection in [
        format!("{own}/secrets"),
        format!("{own}/pods"),
        format!("{own}/events"),
        format!("{own}/serviceaccounts"),
        format!("{rbac}/clusterroles"),
        format!("{rbac}/clusterrolebindings"),
        format!("{rbac}/namespaces/{DEFAULT_NAMESPACE}/rolebindings"),
        format!("{machine}/machineconfigpools"),
        format!("{machine}/machineconfigs"),
        format!("/apis/build.openshift.io/v1/namespaces/{DEFAULT_NAMESPACE}/builds"),
        format!("/apis/coordination.k8s.io/v1/namespaces/{DEFAULT_NAMESPACE}/leases"),
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions".to_owned(),
        "/apis/apps/v1/deployments".to_owned(),
    ] {
        tries.extend([(Method::GET, collection.clone()), (Method::POST, collection.clone())]);
        tries.push((Method::GET, format!("{collection}?watch=true")));
        tries.extend([Method::GET, Method::PATCH, Method::DELETE].map(|m| (m, format!("{collection}/x"))));
    }
    for (method, path) in tries {
        let (code, status) = ask(&server, method.clone(), &path, &json!({})).await;
        assert_eq!((code, &status["reason"]), (403, &json!("Forbidden")), "{method} {path}: {status}");
    }
}
