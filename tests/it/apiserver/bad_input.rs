//! Bad input that the server once accepted, or that did harm.

use super::*;

#[tokio::test(start_paused = true)]
async fn options_of_a_deletion_that_make_no_sense_delete_nothing() {
    let world = World::new();
    let path = format!("{CONFIG_MAPS}/a");
    world.made(CONFIG_MAPS, named("a")).await;
    for (options, code) in [
        (json!({"dryRun": ["Some"]}), 422),
        (json!({"propagationPolicy": "Orphan", "orphanDependents": true}), 422),
        (json!({"preconditions": {"uid": 7}}), 400),
        (json!({"preconditions": ["x"]}), 400),
        (json!([]), 400),
        (json!("All"), 400),
    ] {
        refused(world.delete(&path, &options).await, code);
        refused(world.delete(CONFIG_MAPS, &options).await, code);
    }
    assert_eq!(world.get(&path).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn of_a_collection_all_is_deleted_or_nothing() {
    let world = World::new();
    for name in ["a", "b", "c"] {
        world.made(CONFIG_MAPS, named(name)).await;
    }
    let uid = world.get(&format!("{CONFIG_MAPS}/a")).await.1["metadata"]["uid"].clone();
    refused(world.delete(CONFIG_MAPS, &json!({"preconditions": {"uid": uid}})).await, 409);
    assert_eq!(names(&world.get(CONFIG_MAPS).await.1), ["a", "b", "c"]);
    assert_eq!(names(&world.delete(&format!("{CONFIG_MAPS}?limit=2"), &json!({})).await.1), ["a", "b"]);
    assert_eq!(names(&world.get(CONFIG_MAPS).await.1), ["c"]);
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_owners_may_be_long() {
    let world = World::new();
    let mut owner = world.made(CONFIG_MAPS, named("a")).await;
    for number in 0..5_000 {
        let reference = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]});
        let object = json!({"metadata": {"name": format!("a-{number}"), "ownerReferences": [reference]}});
        owner = world.made(CONFIG_MAPS, object).await;
    }
    assert_eq!(world.delete(&format!("{CONFIG_MAPS}/a"), &json!({})).await.0, 200);
    assert!(names(&world.get(CONFIG_MAPS).await.1).is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_objects_may_own_each_other() {
    let world = World::new();
    let reference = |owner: &Value| {
        json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"], "blockOwnerDeletion": true}])
    };
    let held = |name: &str| json!({"metadata": {"name": name, "finalizers": ["x/y"]}});
    let one = world.made(CONFIG_MAPS, held("one")).await;
    let other = world.made(CONFIG_MAPS, held("other")).await;
    for (owner, owned) in [(&one, "other"), (&other, "one")] {
        let patch = json!({"metadata": {"ownerReferences": reference(owner)}});
        assert_eq!(world.patch(&format!("{CONFIG_MAPS}/{owned}"), MERGE_PATCH, &patch).await.0, 200);
    }
    for name in ["one", "other", "one"] {
        let path = format!("{CONFIG_MAPS}/{name}");
        assert_eq!(world.delete(&path, &json!({"propagationPolicy": "Foreground"})).await.0, 200);
    }
    for name in ["one", "other"] {
        world.patch(&format!("{CONFIG_MAPS}/{name}"), MERGE_PATCH, &json!({"metadata": {"finalizers": null}})).await;
    }
    assert!(names(&world.get(CONFIG_MAPS).await.1).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_document_is_only_read() {
    let world = World::new();
    for path in ["/apis", "/api/v1", "/version", "/openapi/v2"] {
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let status = refused(world.raw(method, path, JSON, "{}").await, 405);
            assert_eq!(status["reason"], "MethodNotAllowed");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_is_found_by_a_name_that_its_path_escapes() {
    let world = World::new();
    let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    world.made(roles, named("system:ä b")).await;
    assert_eq!(world.get(&format!("{roles}/system%3A%C3%A4%20b")).await.0, 200);
    assert_eq!(world.delete(&format!("{roles}/system:%C3%A4%20b"), &json!({})).await.0, 200);
    refused(world.get(&format!("{roles}/%FF")).await, 404);
}

#[tokio::test(start_paused = true)]
async fn an_object_is_no_deeper_than_clients_read() {
    let world = World::new();
    let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!({"a": inner}));
    let pool = |name: &str, depth| json!({"metadata": {"name": name}, "spec": nested(depth)});
    world.made(POOLS, pool("deep", 118)).await;
    refused(world.post(POOLS, &pool("deeper", 119)).await, 400);
    let flow = format!("{{metadata: {{name: a}}, spec: {}1{}}}", "{a: ".repeat(150), "}".repeat(150));
    refused(world.raw(Method::POST, POOLS, "application/yaml", flow).await, 400);
    let tables = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let (_, table) = world.get_as(&format!("{POOLS}?includeObject=Object"), tables).await;
    assert_eq!(table["rows"][0]["object"]["metadata"]["name"], "deep");
    assert_eq!(names(&world.get(POOLS).await.1), ["deep"]);
}

#[tokio::test(start_paused = true)]
async fn the_metadata_of_a_custom_resource_has_the_types_of_all_metadata() {
    let world = World::new();
    let owner = json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", "controller": "yes"});
    for odd in [json!([owner]), json!([{"uid": 7}])] {
        refused(world.post(POOLS, &json!({"metadata": {"name": "a", "ownerReferences": odd}})).await, 400);
    }
}

#[tokio::test(start_paused = true)]
async fn parameters_of_a_write_that_make_no_sense_write_nothing() {
    let world = World::new();
    for query in
        ["dryRun=All&dryRun=", "dryRun=&dryRun=All", "dryRun=", "dryRun=All&dryRun=Some", "fieldValidation=Some"]
    {
        refused(world.post(&format!("{CONFIG_MAPS}?{query}"), &named("a")).await, 422);
    }
    refused(world.get(&format!("{CONFIG_MAPS}/a")).await, 404);
    refused(world.get(&format!("{CONFIG_MAPS}?limit=x&limit=1")).await, 400);
}

#[tokio::test(start_paused = true)]
async fn a_label_selector_has_nothing_empty_in_it() {
    let world = World::new();
    for selector in ["a,", ",a", "a,,b", "a%20in%20()", "a%20notin%20(%20)"] {
        refused(world.get(&format!("{CONFIG_MAPS}?labelSelector={selector}")).await, 400);
    }
    assert_eq!(world.get(&format!("{CONFIG_MAPS}?labelSelector=%20")).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_of_one_object_has_the_right_types() {
    let world = World::new();
    world.made(PODS, pod("p", "")).await;
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    world.made(accounts, named("a")).await;
    let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    for (path, body) in [
        (format!("{PODS}/p/binding"), json!({"target": {"name": "n", "uid": 7}})),
        (format!("{PODS}/p/binding"), json!([])),
        (format!("{accounts}/a/token"), json!({"spec": {"audiences": [7]}})),
        (format!("{accounts}/a/token"), json!({"spec": {"expirationSeconds": "x"}})),
        (reviews.to_owned(), json!({"spec": {"resourceAttributes": {"verb": 7}}})),
        (reviews.to_owned(), json!({"spec": 7})),
    ] {
        refused(world.post(&path, &body).await, 400);
    }
    assert_eq!(world.get(&format!("{PODS}/p")).await.1["spec"].get("nodeName"), None);
}
