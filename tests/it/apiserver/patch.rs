//! Patches.

use super::*;

#[tokio::test(start_paused = true)]
async fn nobody_applies_on_this_server() {
    let world = World::new();
    world.made(CONFIG_MAPS, named("a")).await;
    let path = format!("{CONFIG_MAPS}/a");
    let (code, status) = world.patch(&path, "application/apply-patch+yaml", &named("a")).await;
    let accepted = format!("{JSON_PATCH}, {MERGE_PATCH}, {STRATEGIC_PATCH}");
    assert!(code == 415 && status["message"].as_str().unwrap().ends_with(&accepted), "{status}");
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
    assert_eq!(world.patch(&path, JSON_PATCH, &json!(deep)).await.0, 400);
    assert_eq!(world.get(&path).await.1["data"], json!({"k": "v"}));
}
