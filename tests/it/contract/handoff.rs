//! How the digest gets from the build pod to the pool.

use http::Request;
use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::{DEFAULT_NAMESPACE, Kind, keys};
use machine_os_builder::reconcile::inputs::build_settings::DigestHandoff;
use serde_json::{Value, json};

use crate::harness::cluster::{Cluster, POD, R1, config_map, digest_of, exited, image_on};

fn termination_message() -> ActorSettings {
    let mut settings = ActorSettings::default();
    settings.build.digest_handoff = DigestHandoff::TerminationMessage;
    settings
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn without_a_helper_the_pod_has_two_containers_and_no_token() {
    let cluster = Cluster::new().await;
    let _daemon = cluster.daemon_with(termination_message(), None).await;
    cluster.start_build("worker", R1).await;
    let pod = cluster.raw(Kind::Pod, POD).await.unwrap();
    let spec = &pod["spec"];
    assert_eq!(names(&spec["containers"]), ["image-build", "image-push"]);
    let (of_build, of_push) = (["dockerfile", "machineconfig", "base-image-pull-creds"], ["final-image-push-creds"]);
    assert_eq!(names(&spec["volumes"]), [&of_build[..], &of_push, &["image-layout"]].concat());
    let mounts = |container: usize| names(&spec["containers"][container]["volumeMounts"]);
    assert_eq!(mounts(0), [&of_build[..], &["image-layout"]].concat());
    assert_eq!(mounts(1), [&of_push[..], &["image-layout"]].concat());
    assert_eq!(spec["automountServiceAccountToken"], false);
    assert_ne!(spec["containers"][0]["image"], "registry.test/release/os:9", "the base image is not pulled to run it");

    let ended = [exited("image-build", 0, ""), exited("image-push", 0, &digest_of(R1))];
    let built = json!({"phase": "Succeeded", "containerStatuses": ended});
    cluster.set_pod(POD, built).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert!(image_on(&cluster.pool("worker").await).unwrap().ends_with(&digest_of(R1)));
}

#[tokio::test(start_paused = true)]
async fn with_a_helper_its_token_is_in_its_container_alone() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let pod = cluster.raw(Kind::Pod, POD).await.unwrap();
    let spec = &pod["spec"];
    assert_eq!(names(&spec["containers"]), ["image-build", "image-push", "wait-for-done"]);
    assert_eq!(spec["automountServiceAccountToken"], false);
    let holders: Vec<&str> = spec["containers"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|container| container["volumeMounts"].to_string().contains("/var/run/secrets/kubernetes.io"))
        .map(|container| container["name"].as_str().unwrap())
        .collect();
    assert_eq!(holders, ["wait-for-done"]);
}

#[tokio::test(start_paused = true)]
async fn the_setting_is_no_reason_to_build_again() {
    let (cluster, daemon) = Cluster::with_image().await;
    let image = image_on(&cluster.pool("worker").await);
    daemon.stop().await;
    let _daemon = cluster.daemon_with(termination_message(), None).await;
    cluster.rest(std::time::Duration::from_secs(600)).await;
    assert_eq!(image_on(&cluster.pool("worker").await), image);
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildSucceeded"]);
}

/// Times are in whole seconds: a digest of the pod before this one may look as new as this pod's own.
#[tokio::test(start_paused = true)]
async fn l50_a_digest_that_a_build_of_other_inputs_left_is_not_believed() {
    let (cluster, _daemon) = Cluster::with_build().await;
    let mut digest = config_map("digest-rendered-worker-1", json!({"digest": digest_of("other")}));
    digest["metadata"]["annotations"] = json!({keys::INPUT_HASH: "another"});
    // Both at once: no time for the daemon to remove what it does not believe.
    let core = format!("/api/v1/namespaces/{DEFAULT_NAMESPACE}");
    let create = Request::post(format!("{core}/configmaps"));
    assert_eq!(cluster.server.handle(create.body(digest.to_string().into()).unwrap()).status(), 201);
    let end =
        Request::patch(format!("{core}/pods/{POD}/status")).header("content-type", "application/merge-patch+json");
    let succeeded = json!({"status": {"phase": "Succeeded"}}).to_string();
    assert_eq!(cluster.server.handle(end.body(succeeded.into()).unwrap()).status(), 200);
    cluster.shows("worker", "BuildPending", "BuildRetrying").await;
    assert_eq!(image_on(&cluster.pool("worker").await), None);
}
