//! The daemon with its own account: the API server denies everything that its roles do not allow.

use http::Method;
use machine_os_builder::api::DEFAULT_NAMESPACE;
use machine_os_builder::apiserver::User;
use serde_json::json;

use super::manifests::{BUILD_POD, CONTROLLER, objects};
use super::world::{send, server_with};

#[tokio::test]
async fn what_is_not_its_own_is_out_of_its_reach() {
    let server = server_with(&objects()).await;
    let own = format!("namespaces/{DEFAULT_NAMESPACE}");
    let leases = format!("/apis/coordination.k8s.io/v1/{own}/leases");
    for (method, path) in [
        (Method::GET, leases.clone()),
        (Method::PUT, format!("{leases}/other")),
        (Method::DELETE, format!("{leases}/machine-os-builder")),
        (Method::GET, "/api/v1/namespaces/kube-system/secrets".to_owned()),
        (Method::GET, "/api/v1/secrets".to_owned()),
        (Method::DELETE, format!("/api/v1/{own}/secrets/pull")),
        (Method::PATCH, format!("/api/v1/{own}/configmaps/on-cluster-build-config")),
        (Method::DELETE, format!("/api/v1/{own}/pods")),
        (Method::POST, format!("/api/v1/{own}/serviceaccounts/{BUILD_POD}/token")),
        (Method::POST, "/apis/machineconfiguration.openshift.io/v1/machineconfigs".to_owned()),
        (Method::PUT, "/apis/machineconfiguration.openshift.io/v1/machineconfigpools/worker".to_owned()),
        (Method::PATCH, "/apis/rbac.authorization.k8s.io/v1/clusterroles/machine-os-builder-controller".to_owned()),
    ] {
        let user = User::service_account(DEFAULT_NAMESPACE, CONTROLLER);
        let (code, status) = send(server.service().as_user(user), method.clone(), &path, &json!({})).await;
        assert_eq!(code, 403, "{method} {path}: {status}");
    }
}
