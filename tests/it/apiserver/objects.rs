//! Creating and replacing objects.

use machine_os_builder::api::{Kind, Object};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_new_object_gets_what_only_the_server_sets() {
    let world = World::new();
    let given = json!({"metadata": {"name": "a", "uid": "x", "generation": 9, "creationTimestamp": "2000-01-01T00:00:00Z",
        "deletionTimestamp": "2000-01-01T00:00:00Z", "managedFields": [{}]}});
    let object = world.made(CONFIG_MAPS, given).await;
    let metadata = &object["metadata"];
    assert_eq!((object["kind"].as_str(), object["apiVersion"].as_str()), (Some("ConfigMap"), Some("v1")));
    assert_eq!(metadata["namespace"], "default");
    assert_eq!(metadata["creationTimestamp"], "2026-01-02T03:04:05Z");
    assert_eq!(metadata["uid"].as_str().unwrap().len(), 36);
    for absent in ["deletionTimestamp", "managedFields", "generation"] {
        assert!(metadata.get(absent).is_none(), "{absent}");
    }
    assert_eq!(world.get(&format!("{CONFIG_MAPS}/a")).await, (200, object));
}

#[tokio::test(start_paused = true)]
async fn kubes_typed_calls_work() {
    let world = World::new();
    let resource = Kind::ConfigMap.resource();
    let api: kube::Api<Object> = kube::Api::namespaced_with(world.client.clone(), "default", &resource);
    let made = api.create(&Default::default(), &Object::new("a", &resource)).await.unwrap();
    assert_eq!(made.metadata.name.as_deref(), Some("a"));
    assert_eq!(api.list(&Default::default()).await.unwrap().items.len(), 1);
    assert!(api.get_metadata("a").await.unwrap().metadata.uid.is_some());
    assert!(api.delete("a", &Default::default()).await.unwrap().is_right());
    assert!(api.get_opt("a").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn the_same_requests_and_seed_give_the_same_answers() {
    let body = json!({"metadata": {"generateName": "a-"}});
    let (first, second) = (World::new(), World::new());
    let object = first.made(CONFIG_MAPS, body.clone()).await;
    assert_eq!(object, second.made(CONFIG_MAPS, body.clone()).await);
    let other = World::with(ServerOptions { seed: 8, ..options() }).made(CONFIG_MAPS, body).await;
    assert_ne!(object["metadata"]["uid"], other["metadata"]["uid"]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_contradicts_the_path_is_refused() {
    let world = World::new();
    for body in [
        json!({"kind": "Secret", "metadata": {"name": "a"}}),
        json!({"apiVersion": "v2", "metadata": {"name": "a"}}),
        json!({"metadata": {"name": "a", "namespace": "kube-system"}}),
        json!({"metadata": {"name": "a", "resourceVersion": "1"}}),
        json!({"metadata": {"name": "a", "labels": {"a": 1}}}),
        json!({"metadata": []}),
        json!([]),
    ] {
        let (code, status) = world.post(CONFIG_MAPS, &body).await;
        assert_eq!((code, status["reason"].as_str()), (400, Some("BadRequest")), "{body}");
    }
    world.made(CONFIG_MAPS, named("a")).await;
    assert_eq!(world.put(&format!("{CONFIG_MAPS}/a"), &named("b")).await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn a_builds_status_is_written_with_the_rest() {
    let world = World::new();
    let builds = "/apis/build.openshift.io/v1/namespaces/default/builds";
    let build = world.made(builds, json!({"metadata": {"name": "b"}, "status": {"phase": "New"}})).await;
    assert_eq!(build["status"]["phase"], "New");
    let patch = json!({"status": {"phase": "Running"}});
    assert_eq!(world.patch(&format!("{builds}/b"), MERGE_PATCH, &patch).await.1["status"]["phase"], "Running");
    assert_eq!(world.patch(&format!("{builds}/b/status"), MERGE_PATCH, &patch).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn builds_can_be_left_unserved() {
    let world = World::with(ServerOptions { serve_builds: false, ..options() });
    let (code, status) = world.get("/apis/build.openshift.io/v1/namespaces/default/builds").await;
    assert_eq!((code, &status["details"]), (404, &json!({})));
    assert_eq!(status["message"], "the server could not find the requested resource");
}
