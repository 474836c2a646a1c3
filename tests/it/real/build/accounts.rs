//! The accounts with which pods authenticate to the API server.

use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, DeleteParams};
use machine_os_builder::api::DEFAULT_NAMESPACE;
use machine_os_builder::api::conditions::BUILD_SUCCESS;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::pods::{Node, is_over};
use super::world::{PATIENCE, POLL, World};
use crate::real::machine_config;

/// Where clients look for the token of their pod.
const OWN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

#[tokio::test]
#[ignore = "needs root, buildah, docker-registry, skopeo, mmdebstrap, htpasswd and kubectl"]
async fn a_build_pod_needs_its_account_and_its_only_verb() {
    let world = World::with_helper().await;
    let config = machine_config::rendered_as("rendered-layered-account");
    world.create_pool(&config).await;
    world.opt_in().await;
    let why = r#"MountVolume.SetUp failed for volume "digest-writer-token": failed to fetch token: serviceaccounts "machine-os-builder" not found"#;
    told(&world, why).await;
    world.cluster.kubectl(&["apply", "-k", "config/rbac"]);
    world.shows(BUILD_SUCCESS).await;
    let digest = world.registry.digest(&format!("{}:rendered-layered-account", world.repository()));
    assert_eq!(world.user.image().await.unwrap(), format!("{}@{digest}", world.repository()));
}

/// Waits until a pod is said not to start because of this.
async fn told(world: &World, why: &str) {
    let events: Api<Event> = Api::namespaced(world.client.clone(), DEFAULT_NAMESPACE);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let all = events.list(&Default::default()).await.unwrap();
        let is_told =
            |event: &Event| event.reason.as_deref() == Some("FailedMount") && event.message.as_deref() == Some(why);
        if all.iter().any(is_told) {
            return;
        }
        assert!(Instant::now() < deadline, "gave up waiting for {why:?}: {all:#?}");
        sleep(POLL).await;
    }
}

#[tokio::test]
#[ignore = "needs root, buildah and kubectl"]
async fn a_pod_may_do_what_its_account_may_and_for_as_long_as_it_is_there() {
    let node = Node::new().await;
    node.cluster.kubectl(&["create", "serviceaccount", "robot"]);
    node.cluster.kubectl(&["create", "role", "reader", "--verb=get", "--resource=configmaps"]);
    node.cluster.kubectl(&["create", "rolebinding", "reader", "--role=reader", "--serviceaccount=default:robot"]);
    let script = format!(
        "export KUBECONFIG=/dev/null; cat {OWN}/token; echo; kubectl get configmap kube-root-ca.crt -o name; \
         ! kubectl get secrets 2>&1"
    );
    let container = json!([{
        "name": "m", "image": "i", "command": ["/bin/bash", "-euc", script],
        "volumeMounts": [{"name": "own", "mountPath": OWN, "readOnly": true}],
    }]);
    let sources = json!([
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}},
        {"configMap": {"name": "kube-root-ca.crt"}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]);
    let volumes = json!([{"name": "own", "projected": {"sources": sources}}]);
    node.run(container, json!({"serviceAccountName": "robot", "volumes": volumes})).await;
    let status: Value = node.status(is_over).await;
    let log = node.log("m").await;
    assert_eq!(status["phase"], "Succeeded", "{log}");
    let [token, read, denied] = log.lines().collect::<Vec<_>>()[..] else { panic!("{log}") };
    assert_eq!(read, "configmap/kube-root-ca.crt");
    assert!(
        denied.contains(r#"User "system:serviceaccount:default:robot" cannot list resource "secrets""#),
        "{denied}"
    );

    let bearer = format!("--token={token}");
    let ask = ["get", "configmap", "kube-root-ca.crt", &bearer];
    node.pods.delete("p", &DeleteParams::default().grace_period(0)).await.unwrap();
    let refusal = node.cluster.kubectl_fails(&ask);
    assert!(refusal.contains("Unauthorized"), "{refusal}");
}
