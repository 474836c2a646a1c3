//! Deletion: at once, graceful, held back, and of what belongs together.

use super::*;

fn owned(name: &str, owners: &[&Value]) -> Value {
    let owners: Vec<Value> = owners
        .iter()
        .map(|owner| {
            json!({"apiVersion": owner["apiVersion"], "kind": owner["kind"],
                "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]})
        })
        .collect();
    json!({"metadata": {"name": name, "ownerReferences": owners}})
}

#[tokio::test(start_paused = true)]
async fn an_object_with_a_finalizer_stays_until_that_is_taken_off() {
    let world = World::new();
    let path = format!("{CONFIG_MAPS}/a");
    let made = world.made(CONFIG_MAPS, json!({"metadata": {"name": "a", "finalizers": ["x/y"]}})).await;
    let mut watching = world.watch(&format!("{CONFIG_MAPS}?resourceVersion={}", version(&made))).await;
    let (code, object) = world.delete(&path, &json!({})).await;
    assert_eq!((code, &object["metadata"]["deletionTimestamp"]), (200, &json!("2026-01-02T03:04:05Z")));
    assert_eq!(object["metadata"]["deletionGracePeriodSeconds"], 0);
    assert_eq!(world.delete(&path, &json!({})).await.1["metadata"], object["metadata"]);
    let more = json!({"metadata": {"finalizers": ["x/y", "x/z"]}});
    assert_eq!(world.patch(&path, MERGE_PATCH, &more).await.0, 422);
    assert_eq!(world.patch(&path, MERGE_PATCH, &json!({"metadata": {"finalizers": null}})).await.0, 200);
    assert_eq!(world.get(&path).await.0, 404);
    assert_eq!(watching.seen().await, seen("MODIFIED", "a"));
    assert_eq!(watching.seen().await, seen("DELETED", "a"));
}

#[tokio::test(start_paused = true)]
async fn a_pod_on_a_node_ends_gracefully() {
    let world = World::new();
    let made = world.made(PODS, pod("a", "n")).await;
    let mut watching = world.watch(&format!("{PODS}?resourceVersion={}", version(&made))).await;
    let path = format!("{PODS}/a");
    let (code, object) = world.delete(&path, &json!({})).await;
    assert_eq!((code, &object["metadata"]["deletionTimestamp"]), (200, &json!("2026-01-02T03:04:35Z")));
    assert_eq!(object["metadata"]["deletionGracePeriodSeconds"], 30);
    assert_eq!(watching.seen().await, seen("MODIFIED", "a"));
    watching.is_silent().await;
    assert_eq!(world.delete(&path, &json!({"gracePeriodSeconds": 0})).await.0, 200);
    assert_eq!(world.get(&path).await.0, 404);
    assert_eq!(watching.seen().await, seen("MODIFIED", "a"));
    assert_eq!(watching.seen().await, seen("DELETED", "a"));
}

#[tokio::test(start_paused = true)]
async fn a_grace_period_is_shortened_and_never_lengthened() {
    let world = World::new();
    world.made(PODS, pod("a", "n")).await;
    let ends =
        async |body: Value| world.delete(&format!("{PODS}/a"), &body).await.1["metadata"]["deletionTimestamp"].clone();
    assert_eq!(ends(json!({"gracePeriodSeconds": 20})).await, "2026-01-02T03:04:25Z");
    assert_eq!(ends(json!({"gracePeriodSeconds": 40})).await, "2026-01-02T03:04:25Z");
    assert_eq!(ends(json!({})).await, "2026-01-02T03:04:25Z");
    assert_eq!(ends(json!({"gracePeriodSeconds": 10})).await, "2026-01-02T03:04:15Z");
}

#[tokio::test(start_paused = true)]
async fn what_an_object_owned_goes_with_it() {
    let world = World::new();
    let pool = world.made(POOLS, named("p")).await;
    let map = world.made(CONFIG_MAPS, owned("child", &[&pool])).await;
    world.made(CONFIG_MAPS, owned("grandchild", &[&map])).await;
    world.made(CONFIG_MAPS, named("stranger")).await;
    world.delete(&format!("{POOLS}/p"), &json!({})).await;
    assert_eq!(names(&world.get(CONFIG_MAPS).await.1), ["stranger"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_owned_ends_gracefully_too() {
    let world = World::new();
    let pool = world.made(POOLS, named("p")).await;
    let mut child = pod("a", "n");
    child["metadata"] = owned("a", &[&pool])["metadata"].clone();
    world.made(PODS, child).await;
    world.delete(&format!("{POOLS}/p"), &json!({})).await;
    let (code, object) = world.get(&format!("{PODS}/a")).await;
    assert_eq!((code, &object["metadata"]["deletionGracePeriodSeconds"]), (200, &json!(30)));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_takes_along_what_lives_in_it() {
    let world = World::new();
    world.made("/api/v1/namespaces", named("n")).await;
    world.made("/api/v1/namespaces/n/configmaps", named("a")).await;
    assert_eq!(world.delete("/api/v1/namespaces/n", &json!({})).await.0, 200);
    assert!(names(&world.get("/api/v1/configmaps").await.1).is_empty());
    assert_eq!(world.delete("/api/v1/namespaces/default", &json!({})).await.0, 403);
}
