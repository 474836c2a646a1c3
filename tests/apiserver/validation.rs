//! What is not valid is not stored.

use super::*;

async fn refused(path: &str, body: &Value) -> Value {
    let (code, status) = World::new().post(path, body).await;
    assert_eq!((code, &status["reason"]), (422, &json!("Invalid")), "{body}");
    status
}

#[tokio::test(start_paused = true)]
async fn a_name_has_to_be_a_subdomain() {
    for name in ["A", "a_b", "-a", "a/b", "a..b", &"a".repeat(254)] {
        let status = refused(CONFIG_MAPS, &named(name)).await;
        assert_eq!(status["details"]["causes"][0]["field"], "metadata.name");
        let start = format!("ConfigMap \"{name}\" is invalid: metadata.name: Invalid value: ");
        assert!(status["message"].as_str().unwrap().starts_with(&start), "{status}");
    }
    let status = refused(POOLS, &json!({"metadata": {}})).await;
    assert_eq!(status["details"]["causes"][0]["reason"], "FieldValueRequired");
    assert_eq!(status["details"]["kind"], "MachineConfigPool");
}

#[tokio::test(start_paused = true)]
async fn labels_have_a_syntax() {
    for (key, value) in
        [("a b", ""), ("", ""), ("a/b/c", ""), ("/a", ""), ("a", "b c"), ("a", "-"), ("a", &"x".repeat(64))]
    {
        let labels = json!({"metadata": {"name": "a", "labels": {key: value}}});
        assert_eq!(refused(CONFIG_MAPS, &labels).await["details"]["causes"][0]["field"], "metadata.labels");
    }
    let labels = json!({"example.com/a": "b", "A_b.c": "", "x": "y".repeat(63)});
    World::new().made(CONFIG_MAPS, json!({"metadata": {"name": "a", "labels": labels}})).await;
}

#[tokio::test(start_paused = true)]
async fn annotations_hold_256_kibibytes() {
    let annotated = |bytes: usize| json!({"metadata": {"name": "a", "annotations": {"k": "x".repeat(bytes - 1)}}});
    World::new().made(CONFIG_MAPS, annotated(262_144)).await;
    let status = refused(CONFIG_MAPS, &annotated(262_145)).await;
    assert_eq!(status["details"]["causes"][0]["reason"], "FieldValueTooLong");
}

#[tokio::test(start_paused = true)]
async fn a_config_map_holds_a_mebibyte() {
    let filled = |bytes: usize| json!({"metadata": {"name": "a"}, "data": {"k": "x".repeat(bytes - 1)}});
    World::new().made(CONFIG_MAPS, filled(1 << 20)).await;
    refused(CONFIG_MAPS, &filled((1 << 20) + 1)).await;
}

#[tokio::test(start_paused = true)]
async fn keys_of_data_have_a_syntax() {
    for path in [CONFIG_MAPS, "/api/v1/namespaces/default/secrets"] {
        for key in ["a b", "a/b", ""] {
            refused(path, &json!({"metadata": {"name": "a"}, "data": {key: ""}})).await;
        }
        World::new().made(path, json!({"metadata": {"name": "a"}, "data": {"A-b_c.d": ""}})).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_needs_containers_with_name_and_image() {
    for containers in [json!([]), json!([{"name": "a"}]), json!([{"image": "a"}])] {
        refused(PODS, &json!({"metadata": {"name": "a"}, "spec": {"containers": containers}})).await;
    }
    refused(PODS, &named("a")).await;
}

#[tokio::test(start_paused = true)]
async fn a_pods_spec_stays_but_for_a_few_fields() {
    let world = World::new();
    let mut object = world.made(PODS, pod("a", "")).await;
    let path = format!("{PODS}/a");
    assert_eq!(world.patch(&path, MERGE_PATCH, &json!({"spec": {"nodeName": "n"}})).await.0, 422);
    let allowed = json!({"spec": {"activeDeadlineSeconds": 5}, "metadata": {"labels": {"a": "b"}}});
    assert_eq!(world.patch(&path, MERGE_PATCH, &allowed).await.0, 200);
    object["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    object["spec"]["containers"][0]["image"] = "j".into();
    assert_eq!(world.put(&path, &object).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn an_event_lives_where_its_object_does() {
    let event = |namespace: &str| json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "a", "namespace": namespace}});
    let path = |namespace: &str| format!("/api/v1/namespaces/{namespace}/events");
    refused(&path("kube-system"), &event("")).await;
    refused(&path("kube-system"), &event("default")).await;
    World::new().made(&path("default"), event("")).await;
    World::new().made(&path("kube-system"), event("kube-system")).await;
}

#[tokio::test(start_paused = true)]
async fn an_update_is_checked_like_a_creation() {
    let world = World::new();
    world.made(CONFIG_MAPS, named("a")).await;
    let patch = json!({"metadata": {"labels": {"a b": "c"}}});
    let (code, status) = world.patch(&format!("{CONFIG_MAPS}/a"), MERGE_PATCH, &patch).await;
    assert_eq!((code, &status["details"]["name"]), (422, &json!("a")));
}
