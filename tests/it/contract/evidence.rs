//! The evidence of an attempt that ended without an image: its cause, in the condition, the Event and the record, and
//! the pod of the last attempt.

use std::time::Duration;

use kube::api::ListParams;
use machine_os_builder::api::{Kind, Pool, keys};
use serde_json::{Value, json};

use crate::harness::cluster::{Cluster, POD, R1, R2, exited, image_on, machine_config, message, references};

async fn record(cluster: &Cluster) -> Value {
    let pool = cluster.pool("worker").await;
    serde_json::from_str(Pool::new(&pool).annotation(keys::BUILD_RECORD).unwrap()).unwrap()
}

async fn event_messages(cluster: &Cluster, reason: &str) -> Vec<String> {
    let events = cluster.api(Kind::Event).list(&ListParams::default()).await.unwrap().items;
    let told = events.into_iter().filter(|event| event.data["reason"] == reason);
    told.map(|event| event.data["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_lost_attempt_keeps_its_cause_and_the_last_its_pod() {
    let words = [
        "Error: writing blob: name unknown: the repository with name org/os does not exist\nfailed to push x: gave up after 5 tries",
        "Error: pinging registry.test: dial tcp: lookup registry.test: no such host\nfailed to push x: gave up after 5 tries",
        "Error: received unexpected HTTP status: 502 Bad Gateway\nfailed to push x: gave up after 5 tries",
    ];
    let causes = ["name unknown", "no such host", "502 Bad Gateway"];
    let (cluster, _daemon) = Cluster::with_pool().await;
    for (n, words) in words.iter().enumerate() {
        cluster.exists(Kind::Pod, POD).await;
        cluster.shows("worker", "BuildPending", "BuildPending").await;
        let containers = [exited("image-build", 0, ""), exited("image-push", 40, words)];
        cluster.set_pod(POD, json!({"phase": "Failed", "containerStatuses": containers})).await;
        if n < 2 {
            let text = cluster.message("worker", "BuildPending", "BuildRetrying").await;
            assert!(text.starts_with("exit 40: ") && text.contains(causes[n]), "{text}");
            assert!(text.contains(&format!("attempt {} of 3", n + 2)), "{text}");
            cluster.is_gone(Kind::Pod, POD).await;
        }
    }
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    let pool = cluster.pool("worker").await;
    let text = message(&pool, "BuildFailed");
    assert!(causes.iter().all(|cause| text.contains(cause)) && text.len() <= 1024, "{text}");
    let told = event_messages(&cluster, "BuildRetrying").await;
    assert!(told.iter().any(|text| text.contains(causes[0])) && told.iter().any(|text| text.contains(causes[1])));
    let record = record(&cluster).await;
    for (n, cause) in causes.iter().enumerate() {
        let lost = &record["lost"][n];
        assert!(lost["number"] == n + 1 && lost["cause"].as_str().unwrap().contains(cause), "{record}");
        assert!(lost["cause"].as_str().unwrap().len() <= 200);
    }
    cluster.rest(Duration::from_secs(3600)).await;
    let kept = cluster.get(Kind::Pod, POD).await.expect("the pod of the last attempt is kept");
    let (spec, status) = references(&cluster.pool("worker").await);
    assert_eq!((&spec[0]["uid"], &status[0]["uid"]), (&json!(kept.metadata.uid), &json!(kept.metadata.uid)));
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_lost_attempt_is_read_before_its_pod_goes() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let uid = cluster.exists(Kind::Pod, POD).await.metadata.uid.unwrap();
    cluster.server.pod_logs().append(&uid, "image-push", "Error: the registry is being restored");
    let containers = [exited("image-build", 0, ""), exited("image-push", 40, "")];
    cluster.set_pod(POD, json!({"phase": "Failed", "containerStatuses": containers})).await;
    let text = cluster.message("worker", "BuildPending", "BuildRetrying").await;
    assert!(text.starts_with("exit 40: the registry is being restored"), "{text}");
    assert!(record(&cluster).await["lost"][0]["cause"].as_str().unwrap().contains("being restored"));
}

#[tokio::test(start_paused = true)]
async fn what_the_cluster_does_to_a_pod_is_no_failure_of_the_users() {
    for (reason, text) in [
        ("OutOfcpu", "Node did not have enough resource: cpu"),
        ("OutOfmemory", "Node did not have enough resource: memory"),
        ("NodeAffinity", "Predicate NodeAffinity failed"),
        ("TopologyAffinityError", "Resources cannot be allocated with Topology locality"),
        ("UnexpectedAdmissionError", "Allocate failed"),
    ] {
        let (cluster, _daemon) = Cluster::with_build().await;
        cluster.set_pod(POD, json!({"phase": "Failed", "reason": reason, "message": text})).await;
        cluster.shows("worker", "BuildPending", "BuildRetrying").await;
        let pool = cluster.pool("worker").await;
        assert!(message(&pool, "BuildPending").starts_with(&format!("{reason}: {text}")));
        assert!(!Pool::new(&pool).is_degraded_by_build());
    }
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_that_holds_an_earlier_pod_is_named_and_told_after_a_minute() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let held = json!({"metadata": {"finalizers": ["kueue.example.com/managed", "audit.example.com/hold"]}});
    cluster.merge(Kind::Pod, POD, held).await;
    cluster.roll_out("worker", R2).await;
    cluster
        .eventually("the finalizers are named", async || {
            let text = message(&cluster.pool("worker").await, "BuildPending");
            let are_named = text.contains("kueue.example.com/managed") && text.contains("audit.example.com/hold");
            (are_named && text.contains("; next: ")).then_some(())
        })
        .await;
    assert!(event_messages(&cluster, "CleanUpHeld").await.is_empty());
    cluster.rest(Duration::from_secs(90)).await;
    assert!(event_messages(&cluster, "CleanUpHeld").await[0].contains("kueue.example.com/managed"));
    cluster.rest(Duration::from_secs(600)).await;
    assert_eq!(event_messages(&cluster, "CleanUpHeld").await.len(), 1);
    cluster.merge(Kind::Pod, POD, json!({"metadata": {"finalizers": null}})).await;
    cluster.exists(Kind::Pod, "build-rendered-worker-2").await;
}

#[tokio::test(start_paused = true)]
async fn an_input_that_turns_bad_under_a_failed_build_is_shown_and_told() {
    for (data, reason) in [
        (json!({"finalImagePullspec": "typo"}), "PullspecInvalid"),
        (json!({"baseImagePullSecretName": "nosuch"}), "SecretMissing"),
        (json!({"imageBuilderType": "kaniko"}), "ValueInvalid"),
    ] {
        let (cluster, _daemon) = Cluster::with_build().await;
        cluster.set_pod(POD, json!({"phase": "Failed", "containerStatuses": [exited("image-build", 20, "no")]})).await;
        cluster.shows("worker", "BuildFailed", "BuildFailed").await;
        cluster.merge(Kind::ConfigMap, "on-cluster-build-config", json!({ "data": data })).await;
        cluster.shows("worker", "BuildFailed", reason).await;
        assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildFailed", "ConfigInvalid"]);
        cluster.annotate("worker", keys::REBUILD, "now").await;
        cluster
            .eventually("the request is taken in", async || {
                Pool::new(&cluster.pool("worker").await).annotation(keys::REBUILD).is_none().then_some(())
            })
            .await;
        cluster.shows("worker", "BuildFailed", reason).await;
    }
}

#[tokio::test(start_paused = true)]
async fn second_occurrences_are_told() {
    let (cluster, _daemon) = Cluster::with_pool().await;
    for name in [R1, R2, R1] {
        if name != R1 || image_on(&cluster.pool("worker").await).is_some() {
            let exists = cluster.get(Kind::MachineConfig, name).await.is_some();
            if !exists {
                cluster.create(machine_config(name)).await;
            }
            let patch = json!({"spec": {"configuration": {"name": name}}});
            cluster.merge(Kind::MachineConfigPool, "worker", patch).await;
        }
        cluster.exists(Kind::Pod, &format!("build-{name}")).await;
        if name == R1 {
            let pod = json!({"phase": "Failed", "containerStatuses": [exited("image-build", 20, "no")]});
            cluster.set_pod(POD, pod).await;
            cluster.shows("worker", "BuildFailed", "BuildFailed").await;
            if image_on(&cluster.pool("worker").await).is_none() {
                let exists = cluster.get(Kind::MachineConfig, R2).await.is_some();
                assert!(!exists);
                cluster.roll_out("worker", R2).await;
            }
        } else {
            cluster.publish("worker", name).await;
        }
    }
    let told = cluster.events("worker").await;
    let count = |reason: &str| told.iter().filter(|told| *told == reason).count();
    assert_eq!((count("BuildFailed"), count("BuildSucceeded"), count("BuildStarted")), (2, 1, 3), "{told:?}");
    let record = record(&cluster).await;
    assert_eq!(record["build"], 3);
    let results: Vec<_> = record["history"].as_array().unwrap().iter().map(|past| past["result"].clone()).collect();
    assert_eq!(results, ["failed", "succeeded", "failed"]);
}

#[tokio::test(start_paused = true)]
async fn an_opt_out_that_is_taken_back_at_once_counts_no_lost_attempt() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let first = cluster.exists(Kind::Pod, POD).await.metadata.uid;
    for pause in [0, 1, 5, 20, 40] {
        cluster.opt_out("worker").await;
        cluster.rest(Duration::from_millis(pause)).await;
        let label = json!({"metadata": {"labels": {keys::LAYERING_ENABLED: ""}}});
        cluster.merge(Kind::MachineConfigPool, "worker", label).await;
        cluster.shows("worker", "BuildPending", "BuildPending").await;
        let record = record(&cluster).await;
        assert_eq!((&record["attempt"]["number"], &record["lost"]), (&json!(1), &Value::Null), "{record}");
    }
    let _ = first;
    let told = cluster.events("worker").await;
    assert!(!told.contains(&"BuildRetrying".to_owned()), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn an_object_without_the_claim_is_not_believed() {
    let (cluster, daemon) = Cluster::with_build().await;
    let genuine = cluster.raw(Kind::Pod, POD).await.unwrap();
    assert_eq!(genuine["metadata"]["annotations"][keys::CLAIM], record(&cluster).await["attempt"]["claim"]);
    daemon.stop().await;
    cluster.delete(Kind::Pod, POD).await;
    // The same pod, made by another hand, with a digest that it never pushed.
    let mut forged = genuine.clone();
    for field in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"] {
        forged["metadata"].as_object_mut().unwrap().remove(field);
    }
    forged["metadata"]["annotations"].as_object_mut().unwrap().remove(keys::CLAIM);
    forged.as_object_mut().unwrap().remove("status");
    cluster.create(forged.clone()).await;
    let digest = format!("sha256:{}", "ff".repeat(32));
    cluster.set_pod(POD, json!({"phase": "Succeeded", "containerStatuses": [exited("image-build", 0, &digest)]})).await;
    let mut elsewhere = forged;
    elsewhere["metadata"]["name"] = json!("build-forged");
    elsewhere["metadata"]["annotations"][keys::CLAIM] = genuine["metadata"]["annotations"][keys::CLAIM].clone();
    cluster.create(elsewhere).await;
    cluster
        .set_pod(
            "build-forged",
            json!({"phase": "Succeeded", "containerStatuses": [exited("image-build", 0, &digest)]}),
        )
        .await;
    let _daemon = cluster.daemon().await;
    cluster.rest(Duration::from_secs(120)).await;
    assert_eq!(image_on(&cluster.pool("worker").await), None);
    assert!(cluster.get(Kind::Pod, "build-forged").await.is_some(), "what is not ours is left alone");
}
