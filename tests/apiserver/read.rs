//! Reading: lists, selectors, and metadata alone.

use super::*;

async fn filled() -> World {
    let world = World::new();
    for (name, label) in [("a", "x"), ("b", "y"), ("c", "x")] {
        world.made(CONFIG_MAPS, labelled(name, label)).await;
    }
    world.made("/api/v1/namespaces/kube-system/configmaps", named("d")).await;
    world
}

#[tokio::test(start_paused = true)]
async fn a_list_is_of_one_namespace_or_of_all() {
    let world = filled().await;
    let (code, list) = world.get(CONFIG_MAPS).await;
    assert_eq!((code, names(&list)), (200, vec!["a", "b", "c"]));
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("ConfigMapList"), &json!("v1")));
    assert_eq!(names(&world.get("/api/v1/configmaps").await.1), ["a", "b", "c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_has_the_newest_version_of_all() {
    let world = filled().await;
    let pool = world.made(POOLS, named("p")).await;
    assert_eq!(version(&world.get(CONFIG_MAPS).await.1), version(&pool));
}

#[tokio::test(start_paused = true)]
async fn items_name_their_kind_only_where_it_is_a_custom_one() {
    let world = filled().await;
    world.made(POOLS, named("p")).await;
    assert!(world.get(CONFIG_MAPS).await.1["items"][0].get("kind").is_none());
    assert_eq!(world.get(POOLS).await.1["items"][0]["kind"], "MachineConfigPool");
}

#[tokio::test(start_paused = true)]
async fn labels_select() {
    let world = filled().await;
    for (selector, expected) in [
        ("app=x", vec!["a", "c"]),
        ("app==y", vec!["b"]),
        ("app!=x", vec!["b", "d"]),
        ("app in (x, y)", vec!["a", "b", "c"]),
        ("app notin (x)", vec!["b", "d"]),
        ("app", vec!["a", "b", "c"]),
        ("!app", vec!["d"]),
        ("app in (x,y),app!=y", vec!["a", "c"]),
        ("", vec!["a", "b", "c", "d"]),
    ] {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("labelSelector", selector).finish();
        let (_, list) = world.get(&format!("/api/v1/configmaps?{query}")).await;
        assert_eq!(names(&list), expected, "{selector}");
    }
    assert_eq!(world.get(&format!("{CONFIG_MAPS}?labelSelector=a%20b%20c")).await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn fields_select() {
    let world = filled().await;
    for (selector, expected) in [
        ("metadata.name=b", vec!["b"]),
        ("metadata.name!=b", vec!["a", "c", "d"]),
        ("metadata.namespace=kube-system", vec!["d"]),
    ] {
        assert_eq!(names(&world.get(&format!("/api/v1/configmaps?fieldSelector={selector}")).await.1), expected);
    }
    let (code, status) = world.get(&format!("{CONFIG_MAPS}?fieldSelector=data=1")).await;
    assert!(code == 400 && status["message"].as_str().unwrap().ends_with("field label not supported: data"));
    world.made(PODS, pod("p", "")).await;
    assert_eq!(names(&world.get(&format!("{PODS}?fieldSelector=status.phase=Pending")).await.1), ["p"]);
    assert!(names(&world.get(&format!("{PODS}?fieldSelector=status.phase=Running")).await.1).is_empty());
}

#[tokio::test(start_paused = true)]
async fn events_are_found_by_what_they_are_about() {
    let world = World::new();
    let events = "/api/v1/namespaces/default/events";
    for name in ["a", "b"] {
        let event = json!({"metadata": {"name": name}, "involvedObject": {"kind": "MachineConfigPool", "name": name}});
        world.made(events, event).await;
    }
    let selector = "involvedObject.kind=MachineConfigPool,involvedObject.name=b";
    assert_eq!(names(&world.get(&format!("{events}?fieldSelector={selector}")).await.1), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_comes_in_pages_of_one_version() {
    let world = filled().await;
    let (_, first) = world.get(&format!("{CONFIG_MAPS}?limit=2")).await;
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["a", "b"], &json!(1)));
    let token = first["metadata"]["continue"].as_str().unwrap();
    world.made(CONFIG_MAPS, named("e")).await;
    world.delete(&format!("{CONFIG_MAPS}/c"), &json!({})).await;
    let (_, second) = world.get(&format!("{CONFIG_MAPS}?limit=2&continue={token}")).await;
    assert_eq!(names(&second), ["c"]);
    assert_eq!(version(&second), version(&first));
    assert!(second["metadata"].get("continue").is_none());
    assert_eq!(world.get(&format!("{CONFIG_MAPS}?continue=!")).await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_a_version_that_is_forgotten_has_expired() {
    let world = World::with(Options { event_window: 2, ..options() });
    for name in ["a", "b"] {
        world.made(CONFIG_MAPS, named(name)).await;
    }
    let (_, first) = world.get(&format!("{CONFIG_MAPS}?limit=1")).await;
    for name in ["c", "d", "e"] {
        world.made(CONFIG_MAPS, named(name)).await;
    }
    let token = first["metadata"]["continue"].as_str().unwrap();
    let (code, status) = world.get(&format!("{CONFIG_MAPS}?limit=1&continue={token}")).await;
    assert_eq!((code, &status["reason"]), (410, &json!("Expired")));
}

#[tokio::test(start_paused = true)]
async fn a_list_can_be_of_an_older_version_and_not_of_a_later_one() {
    let world = filled().await;
    let (_, list) = world.get(CONFIG_MAPS).await;
    world.made(CONFIG_MAPS, named("e")).await;
    let at = |version: u64, how: &str| format!("{CONFIG_MAPS}?resourceVersion={version}&resourceVersionMatch={how}");
    assert_eq!(names(&world.get(&at(version(&list), "Exact")).await.1), ["a", "b", "c"]);
    assert_eq!(names(&world.get(&at(version(&list), "NotOlderThan")).await.1), ["a", "b", "c", "e"]);
    let (code, status) = world.get(&at(1_000, "NotOlderThan")).await;
    assert_eq!((code, &status["reason"]), (504, &json!("Timeout")));
}

#[tokio::test(start_paused = true)]
async fn metadata_can_be_read_alone() {
    let world = filled().await;
    let (_, object) = world.get_as(&format!("{CONFIG_MAPS}/a"), PARTIAL).await;
    assert_eq!((&object["kind"], &object["apiVersion"]), (&json!("PartialObjectMetadata"), &json!("meta.k8s.io/v1")));
    assert_eq!((object.as_object().unwrap().len(), &object["metadata"]["name"]), (3, &json!("a")));
    let (_, list) = world.get_as(CONFIG_MAPS, PARTIAL_LIST).await;
    assert_eq!((&list["kind"], &list["items"][0]["kind"]), (&json!("PartialObjectMetadataList"), &object["kind"]));
    let mut watching = world.watch_as(CONFIG_MAPS, PARTIAL).await;
    assert_eq!(watching.next().await.unwrap(), json!({"type": "ADDED", "object": object}));
}

#[tokio::test(start_paused = true)]
async fn a_form_that_is_not_served_falls_back_or_is_refused() {
    let world = filled().await;
    let table = "application/json;as=Table;v=v1beta1;g=meta.k8s.io";
    assert_eq!(world.get_as(CONFIG_MAPS, &format!("{table},application/json")).await.1["kind"], "ConfigMapList");
    assert_eq!(world.get_as(CONFIG_MAPS, table).await.0, 406);
    assert_eq!(world.get_as(CONFIG_MAPS, "application/cbor").await.0, 406);
}
