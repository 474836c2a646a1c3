//! A client that may create objects in the namespace of builds can give them any name, label and annotation. The daemon
//! neither trusts such objects nor changes them.

use std::time::Duration;

use machine_os_builder::api::{DEFAULT_NAMESPACE, Kind, Object, keys};
use serde_json::{Value, json};

use crate::harness::cluster::{Cluster, POD, R1, config_map, digest_of, exited, image_on, modern_secret, secret};

/// The metadata of a build's object, as a client that can read it would copy it.
async fn copied(cluster: &Cluster, kind: Kind, name: &str) -> Value {
    let object = cluster.exists(kind, name).await;
    json!({"labels": object.metadata.labels, "annotations": object.metadata.annotations})
}

/// An object of this name that says of itself that it has pushed an image.
fn liar(kind: Kind, name: &str, copied: &Value) -> Value {
    let mut object = json!({"apiVersion": kind.api_version(), "kind": kind.name(), "metadata": copied});
    object["metadata"]["name"] = name.into();
    object["metadata"]["namespace"] = DEFAULT_NAMESPACE.into();
    match kind {
        Kind::Pod => object["spec"] = json!({"containers": [{"name": "image-build", "image": "evil"}]}),
        _ => {
            object["spec"] = json!({"strategy": {"type": "Docker", "dockerStrategy": {}}});
            object["status"] = json!({"phase": "Complete", "output": {"to": {"imageDigest": digest_of("forged")}}});
        }
    }
    object
}

async fn put_liar(cluster: &Cluster, kind: Kind, name: &str, copied: &Value) -> Object {
    let object = cluster.create(liar(kind, name, copied)).await;
    if kind == Kind::Pod {
        let containers = ["image-build", "image-push"].map(|container| exited(container, 0, &digest_of("forged")));
        cluster.set_pod(name, json!({"phase": "Succeeded", "containerStatuses": containers})).await;
    }
    object
}

async fn publishes_only_what_was_pushed(cluster: &Cluster) {
    let of_ours = digest_of(R1);
    let image = cluster.eventually("an image is published", async || image_on(&cluster.pool("worker").await)).await;
    assert!(image.ends_with(&of_ours), "{image}");
}

#[tokio::test(start_paused = true)]
async fn a_pod_of_a_name_of_its_own_is_neither_published_nor_deleted() {
    let (cluster, daemon) = Cluster::with_build().await;
    let copied = copied(&cluster, Kind::Pod, POD).await;
    for name in ["build-forged", "forged", "mc-rendered-worker-1"] {
        put_liar(&cluster, Kind::Pod, name, &copied).await;
    }
    cluster.rest(Duration::from_secs(300)).await;
    assert_eq!(image_on(&cluster.pool("worker").await), None);
    cluster.succeed(R1).await;
    publishes_only_what_was_pushed(&cluster).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    cluster.rest(Duration::from_secs(300)).await;
    for name in ["build-forged", "forged", "mc-rendered-worker-1"] {
        assert!(cluster.get(Kind::Pod, name).await.is_some(), "{name} is another's");
    }
    daemon.stop().await;
}

/// The object that was made for an attempt before bears everything but the claim of the one that is made now.
#[tokio::test(start_paused = true)]
async fn an_object_with_the_claim_of_an_earlier_attempt_is_replaced_and_never_published() {
    for (builder, kind) in [("custom-pod-builder", Kind::Pod), ("openshift-image-builder", Kind::Build)] {
        let cluster = Cluster::new().await;
        cluster.use_builder(builder).await;
        let daemon = cluster.daemon_with_build().await;
        let copied = copied(&cluster, kind, POD).await;
        cluster.opt_out("worker").await;
        cluster.is_gone(kind, POD).await;
        // While it runs, whatever is left of a pool that is not opted in is removed.
        daemon.stop().await;
        let forged = put_liar(&cluster, kind, POD, &copied).await;
        let labels = json!({"metadata": {"labels": {keys::LAYERING_ENABLED: ""}}});
        cluster.merge(Kind::MachineConfigPool, "worker", labels).await;
        let daemon = cluster.daemon().await;
        let made = cluster
            .eventually("the build's own object is there", async || {
                let there = cluster.get(kind, POD).await?;
                (there.metadata.uid != forged.metadata.uid).then_some(there)
            })
            .await;
        assert_ne!(made.metadata.uid, forged.metadata.uid);
        cluster.rest(Duration::from_secs(60)).await;
        assert_eq!(image_on(&cluster.pool("worker").await), None, "{builder}");
        match kind {
            Kind::Pod => cluster.succeed(R1).await,
            _ => {
                let status = json!({"phase": "Complete", "output": {"to": {"imageDigest": digest_of(R1)}}});
                cluster.set_build(POD, status).await;
            }
        }
        publishes_only_what_was_pushed(&cluster).await;
        daemon.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_digest_that_others_leave_while_the_build_runs_is_not_published() {
    for is_labelled in [false, true] {
        let (cluster, daemon) = Cluster::with_build().await;
        let mut copied = copied(&cluster, Kind::Pod, POD).await;
        cluster.run(POD).await;
        cluster.rest(Duration::from_secs(5)).await;
        let mut digest = config_map(&format!("digest-{R1}"), json!({"digest": digest_of("forged")}));
        if is_labelled {
            // All of it but the claim, which is another's.
            for (key, value) in copied["annotations"].as_object_mut().unwrap() {
                if key.ends_with("/build-claim") {
                    *value = "of-another-attempt".into();
                }
            }
            copied["name"] = digest["metadata"]["name"].clone();
            copied["namespace"] = DEFAULT_NAMESPACE.into();
            digest["metadata"] = copied;
        }
        cluster.create(digest).await;
        if is_labelled {
            cluster.set_phase(POD, "Succeeded").await;
        } else {
            // A kubelet reports on each container. A digest without any mark is read only where none is reported on.
            let containers = ["image-build", "image-push", "wait-for-done"].map(|name| exited(name, 0, ""));
            cluster.set_pod(POD, json!({"phase": "Succeeded", "containerStatuses": containers})).await;
        }
        cluster.shows("worker", "BuildPending", "BuildRetrying").await;
        assert_eq!(image_on(&cluster.pool("worker").await), None);
        daemon.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn config_maps_of_others_stay_whichever_of_our_labels_they_bear() {
    let (cluster, daemon) = Cluster::with_daemon().await;
    let labels = [keys::BUILD_POD, keys::TARGET_POOL, keys::DESIRED_CONFIG];
    let mut others = Vec::new();
    for (number, name) in ["digest-of-something", "mc-x", "a-name-of-its-own", "dockerfile-x"].into_iter().enumerate() {
        let mut other = config_map(name, json!({"a": "b"}));
        for key in &labels[..number.min(2)] {
            let value = if *key == keys::TARGET_POOL { "worker" } else { "" };
            other["metadata"]["labels"][key] = value.into();
        }
        others.push(cluster.create(other).await);
    }
    let mut labelled = config_map("digest-list", json!({"a": "b"}));
    labelled["metadata"]["labels"] = json!({keys::BUILD_POD: ""});
    others.push(cluster.create(labelled).await);
    cluster.build("worker", R1).await;
    cluster.opt_out("worker").await;
    cluster.rest(Duration::from_secs(120)).await;
    for other in others {
        let name = other.metadata.name.clone().unwrap();
        let there = cluster.get(Kind::ConfigMap, &name).await;
        assert_eq!(there.map(|there| there.metadata.resource_version), Some(other.metadata.resource_version), "{name}");
    }
    daemon.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_with_the_label_of_a_canonical_one_and_another_owner_or_none_is_not_written() {
    for owner in [Value::Null, json!([{"apiVersion": "v1", "kind": "Secret", "name": "else", "uid": "else"}])] {
        let cluster = Cluster::new().await;
        let legacy = json!({"registry.test": {"auth": "dTpw"}});
        cluster.delete(Kind::Secret, "push").await;
        cluster.create(secret("push", "kubernetes.io/dockercfg", ".dockercfg", &legacy)).await;
        let mut others = modern_secret("push-canonical");
        others["metadata"]["labels"] = json!({keys::CANONICALIZED_SECRET: ""});
        others["metadata"]["ownerReferences"] = owner.clone();
        let others = cluster.create(others).await;
        let daemon = cluster.daemon_with_pool().await;
        cluster.shows("worker", "BuildFailed", "NameConflict").await;
        let there = cluster.get(Kind::Secret, "push-canonical").await.unwrap();
        assert_eq!(there.metadata.resource_version, others.metadata.resource_version, "{owner}");
        daemon.stop().await;
    }
}
