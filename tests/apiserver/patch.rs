//! Patches.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_merge_patch_sets_and_removes() {
    let world = World::new();
    world.made(CONFIG_MAPS, json!({"metadata": {"name": "a"}, "data": {"k": "1", "l": "2"}})).await;
    let patch = json!({"data": {"k": null, "m": "3"}});
    let (code, object) = world.patch(&format!("{CONFIG_MAPS}/a"), MERGE_PATCH, &patch).await;
    assert_eq!((code, &object["data"]), (200, &json!({"l": "2", "m": "3"})));
}

#[tokio::test(start_paused = true)]
async fn a_json_patch_whose_test_fails_is_refused() {
    let world = World::new();
    world.made(CONFIG_MAPS, json!({"metadata": {"name": "a"}, "data": {"k": "1"}})).await;
    let patch = |test: &str| json!([{"op": "test", "path": "/data/k", "value": test}, {"op": "replace", "path": "/data/k", "value": "2"}]);
    let path = format!("{CONFIG_MAPS}/a");
    let (code, status) = world.patch(&path, JSON_PATCH, &patch("9")).await;
    assert_eq!((code, status["reason"].as_str()), (422, Some("Invalid")));
    assert_eq!(status["message"], "the server rejected our request due to an error in our request");
    assert_eq!(world.patch(&path, JSON_PATCH, &patch("1")).await.1["data"]["k"], "2");
}

#[tokio::test(start_paused = true)]
async fn a_json_patch_of_what_is_not_there_is_refused() {
    let world = World::new();
    world.made(CONFIG_MAPS, named("a")).await;
    let patch = json!([{"op": "remove", "path": "/data/k"}]);
    assert_eq!(world.patch(&format!("{CONFIG_MAPS}/a"), JSON_PATCH, &patch).await.0, 422);
}

#[tokio::test(start_paused = true)]
async fn a_json_patch_of_the_status_sees_the_whole_object() {
    let world = World::new();
    let pool = world.made(POOLS, json!({"metadata": {"name": "p"}, "spec": {"a": 1}})).await;
    let patch = json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": version(&pool).to_string()},
        {"op": "test", "path": "/spec/a", "value": 1},
        {"op": "add", "path": "/spec/a", "value": 2},
        {"op": "add", "path": "/status", "value": {"b": 1}},
    ]);
    let (code, after) = world.patch(&format!("{POOLS}/p/status"), JSON_PATCH, &patch).await;
    assert_eq!((code, &after["spec"]["a"], &after["status"]["b"]), (200, &json!(1), &json!(1)));
    assert_eq!(world.patch(&format!("{POOLS}/p/status"), JSON_PATCH, &patch).await.0, 422);
}

#[tokio::test(start_paused = true)]
async fn a_patch_with_another_version_conflicts() {
    let world = World::new();
    let object = world.made(CONFIG_MAPS, named("a")).await;
    let patch = |version: u64| json!({"metadata": {"resourceVersion": version.to_string()}, "data": {"k": "1"}});
    let path = format!("{CONFIG_MAPS}/a");
    assert_eq!(world.patch(&path, MERGE_PATCH, &patch(1)).await.0, 409);
    assert_eq!(world.patch(&path, MERGE_PATCH, &patch(version(&object))).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_patch_cannot_change_who_an_object_is() {
    let world = World::new();
    let object = world.made(CONFIG_MAPS, named("a")).await;
    let path = format!("{CONFIG_MAPS}/a");
    assert_eq!(world.patch(&path, MERGE_PATCH, &json!({"metadata": {"name": "b"}})).await.0, 400);
    assert_eq!(world.patch(&path, MERGE_PATCH, &json!({"metadata": {"namespace": "b"}})).await.0, 400);
    let (code, status) = world.patch(&path, MERGE_PATCH, &json!({"metadata": {"uid": "u"}})).await;
    let uid = object["metadata"]["uid"].as_str().unwrap();
    let message = status["message"].as_str().unwrap();
    let why = format!("Precondition failed: UID in precondition: u, UID in object meta: {uid}");
    assert!(code == 409 && message.ends_with(&why), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_patch_of_the_rest_keeps_the_status() {
    let world = World::new();
    world.made(POOLS, named("p")).await;
    world.patch(&format!("{POOLS}/p/status"), MERGE_PATCH, &json!({"status": {"a": 1}})).await;
    let (_, pool) = world.patch(&format!("{POOLS}/p"), MERGE_PATCH, &json!({"status": null, "spec": {"b": 1}})).await;
    assert_eq!((&pool["status"]["a"], &pool["spec"]["b"]), (&json!(1), &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn a_strategic_patch_is_taken_where_it_means_a_merge_patch() {
    let world = World::new();
    world.made(PODS, pod("a", "")).await;
    world.made(POOLS, named("p")).await;
    let labels = json!({"metadata": {"labels": {"a": "b"}}});
    let path = format!("{PODS}/a");
    assert_eq!(world.patch(&path, STRATEGIC_PATCH, &labels).await.0, 200);
    for patch in [json!({"spec": {"containers": [{"name": "main"}]}}), json!({"spec": {"$patch": "delete"}})] {
        assert_eq!(world.patch(&path, STRATEGIC_PATCH, &patch).await.0, 415);
    }
    assert_eq!(world.patch(&format!("{POOLS}/p"), STRATEGIC_PATCH, &labels).await.0, 415);
    assert_eq!(world.patch(&path, "application/apply-patch+yaml", &labels).await.0, 415);
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_cannot_be_read_is_refused() {
    let world = World::new();
    world.made(CONFIG_MAPS, named("a")).await;
    let path = format!("{CONFIG_MAPS}/a");
    assert_eq!(world.patch(&path, JSON_PATCH, &json!({})).await.0, 400);
    assert_eq!(world.patch(&path, MERGE_PATCH, &json!([])).await.0, 400);
    assert_eq!(world.patch(&format!("{CONFIG_MAPS}/b"), MERGE_PATCH, &json!({})).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn a_json_patch_makes_no_monsters() {
    let world = World::new();
    world.made(CONFIG_MAPS, json!({"metadata": {"name": "a"}, "data": {"k": "v"}})).await;
    let path = format!("{CONFIG_MAPS}/a");
    let doubling: Vec<Value> =
        (0..40).map(|number| json!({"op": "copy", "from": "", "path": format!("/x{number}")})).collect();
    assert_eq!(world.patch(&path, JSON_PATCH, &json!(doubling)).await.0, 413);
    let many = vec![json!({"op": "test", "path": "/data/k", "value": "v"}); 10_001];
    assert_eq!(world.patch(&path, JSON_PATCH, &json!(many)).await.0, 413);
    let deep: Vec<Value> =
        (0..200).map(|depth| json!({"op": "add", "path": "/x".repeat(depth + 1), "value": {}})).collect();
    assert_eq!(world.patch(&path, JSON_PATCH, &json!(deep)).await.0, 422);
    assert_eq!(world.get(&path).await.1["data"], json!({"k": "v"}));
}
