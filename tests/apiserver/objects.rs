//! Creating and replacing objects.

use super::*;
use machine_os_builder::api::{Kind, Object};

#[tokio::test(start_paused = true)]
async fn a_new_object_gets_what_only_the_server_sets() {
    let world = World::new();
    let given = json!({"metadata": {"name": "a", "uid": "x", "generation": 9, "creationTimestamp": "2000-01-01T00:00:00Z",
        "deletionTimestamp": "2000-01-01T00:00:00Z", "managedFields": [{}]}, "more": 1});
    let object = world.made(CONFIG_MAPS, given).await;
    let metadata = &object["metadata"];
    assert_eq!((object["kind"].as_str(), object["apiVersion"].as_str()), (Some("ConfigMap"), Some("v1")));
    assert_eq!(metadata["namespace"], "default");
    assert_eq!(metadata["creationTimestamp"], "2026-01-02T03:04:05Z");
    assert_eq!(metadata["uid"].as_str().unwrap().len(), 36);
    assert_eq!(object["more"], 1);
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
    let other = World::with(Options { seed: 8, ..options() }).made(CONFIG_MAPS, body).await;
    assert_ne!(object["metadata"]["uid"], other["metadata"]["uid"]);
}

#[tokio::test(start_paused = true)]
async fn a_generated_name_is_the_base_and_five_characters() {
    let world = World::new();
    let body = json!({"metadata": {"generateName": "base-"}});
    let (one, two) = (world.made(CONFIG_MAPS, body.clone()).await, world.made(CONFIG_MAPS, body).await);
    let suffix = one["metadata"]["name"].as_str().unwrap().strip_prefix("base-").unwrap();
    assert!(suffix.len() == 5 && suffix.chars().all(|c| "bcdfghjklmnpqrstvwxz2456789".contains(c)), "{suffix}");
    assert_ne!(one["metadata"]["name"], two["metadata"]["name"]);
    assert_eq!(one["metadata"]["generateName"], "base-");
}

#[tokio::test(start_paused = true)]
async fn a_second_object_of_one_name_is_refused() {
    let world = World::new();
    world.made(CONFIG_MAPS, named("a")).await;
    let (code, status) = world.post(CONFIG_MAPS, &named("a")).await;
    assert_eq!((code, status["reason"].as_str()), (409, Some("AlreadyExists")));
    assert_eq!(status["message"], "configmaps \"a\" already exists");
    assert_eq!(status["details"], json!({"name": "a", "kind": "configmaps"}));
}

#[tokio::test(start_paused = true)]
async fn an_object_in_a_namespace_that_is_not_there_is_refused() {
    let (code, status) = World::new().post("/api/v1/namespaces/nope/configmaps", &named("a")).await;
    assert_eq!((code, status["message"].as_str()), (404, Some("namespaces \"nope\" not found")));
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
async fn a_pod_starts_pending_and_with_defaults() {
    let mut given = pod("a", "");
    given["status"] = json!({"phase": "Running"});
    let object = World::new().made(PODS, given).await;
    assert_eq!(object["status"], json!({"phase": "Pending"}));
    assert_eq!(object["spec"]["restartPolicy"], "Always");
    assert_eq!(object["spec"]["terminationGracePeriodSeconds"], 30);
}

#[tokio::test(start_paused = true)]
async fn a_pool_starts_without_status_and_counts_generations() {
    let world = World::new();
    let path = format!("{POOLS}/p");
    let pool = json!({"metadata": {"name": "p"}, "spec": {"paused": false}, "status": {"x": 1}});
    let made = world.made(POOLS, pool).await;
    assert!(made.get("status").is_none());
    assert_eq!(made["metadata"]["generation"], 1);
    let (_, labelled) = world.patch(&path, MERGE_PATCH, &json!({"metadata": {"labels": {"a": "b"}}})).await;
    assert_eq!(labelled["metadata"]["generation"], 1);
    let (_, paused) = world.patch(&path, MERGE_PATCH, &json!({"spec": {"paused": true}})).await;
    assert_eq!(paused["metadata"]["generation"], 2);
    let (_, shown) = world.patch(&format!("{path}/status"), MERGE_PATCH, &json!({"status": {"y": 1}})).await;
    assert_eq!((&shown["metadata"]["generation"], &shown["status"]), (&json!(2), &json!({"y": 1})));
}

#[tokio::test(start_paused = true)]
async fn an_update_from_an_old_version_conflicts() {
    let world = World::new();
    let path = format!("{CONFIG_MAPS}/a");
    let mut object = world.made(CONFIG_MAPS, named("a")).await;
    object["data"] = json!({"k": "1"});
    let (code, updated) = world.put(&path, &object).await;
    assert_eq!(code, 200);
    assert!(version(&updated) > version(&object));
    let (code, status) = world.put(&path, &object).await;
    assert_eq!((code, status["reason"].as_str()), (409, Some("Conflict")));
    assert_eq!(
        status["message"],
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; \
         please apply your changes to the latest version and try again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_may_be_left_out_only_where_the_real_server_lets_it() {
    let world = World::new();
    world.made(CONFIG_MAPS, named("a")).await;
    world.made(POOLS, named("p")).await;
    assert_eq!(world.put(&format!("{CONFIG_MAPS}/a"), &named("a")).await.0, 200);
    let (code, status) = world.put(&format!("{POOLS}/p"), &named("p")).await;
    assert_eq!((code, status["reason"].as_str()), (422, Some("Invalid")));
}

#[tokio::test(start_paused = true)]
async fn an_update_of_nothing_creates_a_lease_and_no_config_map() {
    let world = World::new();
    let leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases/a";
    assert_eq!(world.put(leases, &named("a")).await.0, 201);
    assert_eq!(world.put(&format!("{CONFIG_MAPS}/a"), &named("a")).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_changes_nothing_makes_no_version_and_no_event() {
    let world = World::new();
    let path = format!("{CONFIG_MAPS}/a");
    let object = world.made(CONFIG_MAPS, labelled("a", "x")).await;
    let mut watching = world.watch(&format!("{CONFIG_MAPS}?resourceVersion={}", version(&object))).await;
    assert_eq!(world.put(&path, &object).await, (200, object.clone()));
    assert_eq!(world.patch(&path, MERGE_PATCH, &json!({"metadata": {"annotations": {}}})).await, (200, object));
    watching.is_silent().await;
}

#[tokio::test(start_paused = true)]
async fn the_status_and_the_rest_are_written_apart() {
    let world = World::new();
    let mut pool = world.made(POOLS, json!({"metadata": {"name": "p"}, "spec": {"a": 1}})).await;
    pool["spec"]["a"] = 2.into();
    pool["status"] = json!({"b": 1});
    pool["metadata"]["labels"] = json!({"l": "m"});
    let (code, mut after) = world.put(&format!("{POOLS}/p/status"), &pool).await;
    assert_eq!(code, 200);
    assert_eq!((&after["spec"]["a"], &after["status"]["b"]), (&json!(1), &json!(1)));
    assert!(after["metadata"].get("labels").is_none());
    after["spec"]["a"] = 3.into();
    after["status"]["b"] = 3.into();
    let (_, after) = world.put(&format!("{POOLS}/p"), &after).await;
    assert_eq!((&after["spec"]["a"], &after["status"]["b"]), (&json!(3), &json!(1)));
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
    let world = World::with(Options { serve_builds: false, ..options() });
    let (code, status) = world.get("/apis/build.openshift.io/v1/namespaces/default/builds").await;
    assert_eq!((code, &status["details"]), (404, &json!({})));
    assert_eq!(status["message"], "the server could not find the requested resource");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_checks_and_stores_nothing() {
    let world = World::new();
    let path = format!("{CONFIG_MAPS}?dryRun=All");
    assert_eq!(world.post(&path, &named("a")).await.0, 201);
    assert_eq!(world.post(&path, &named("A")).await.0, 422);
    assert_eq!(world.get(&format!("{CONFIG_MAPS}/a")).await.0, 404);
    world.made(CONFIG_MAPS, named("a")).await;
    assert_eq!(world.delete(&format!("{CONFIG_MAPS}/a?dryRun=All"), &json!({})).await.0, 200);
    assert_eq!(world.get(&format!("{CONFIG_MAPS}/a")).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_secrets_strings_are_stored_encoded() {
    let secret = json!({"metadata": {"name": "s"}, "stringData": {"k": "hello"}});
    let stored = World::new().made("/api/v1/namespaces/default/secrets", secret).await;
    assert_eq!((&stored["data"], &stored["type"]), (&json!({"k": "aGVsbG8="}), &json!("Opaque")));
    assert!(stored.get("stringData").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_bound_to_one_node_once() {
    let world = World::new();
    world.made(PODS, pod("a", "")).await;
    let binding = json!({"apiVersion": "v1", "kind": "Binding", "target": {"kind": "Node", "name": "n"}});
    assert_eq!(world.post(&format!("{PODS}/a/binding"), &binding).await.0, 201);
    assert_eq!(world.get(&format!("{PODS}/a")).await.1["spec"]["nodeName"], "n");
    assert_eq!(world.post(&format!("{PODS}/a/binding"), &binding).await.0, 409);
}

#[tokio::test(start_paused = true)]
async fn a_status_of_an_odd_type_is_lived_with() {
    let world = World::new();
    world.made(PODS, pod("a", "")).await;
    let odd = json!({"status": "odd"});
    assert_eq!(world.patch(&format!("{PODS}/a/status"), MERGE_PATCH, &odd).await.0, 200);
    let binding = json!({"target": {"name": "n"}});
    assert_eq!(world.post(&format!("{PODS}/a/binding"), &binding).await.0, 201);
    assert_eq!(world.delete(&format!("{PODS}/a"), &json!({})).await.0, 200);
}
