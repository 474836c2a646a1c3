//! Definitions that the server once accepted wrongly, or whose deletion once removed too much.

use super::*;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/widgets";
const WIDGETS_DEFINITION: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com";

fn widgets() -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    json!({
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Cluster", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
        },
    })
}

#[tokio::test(start_paused = true)]
async fn a_definition_has_names_that_fit_into_paths_and_documents() {
    let world = World::new();
    for (pointer, odd) in [
        ("/spec/names/kind", json!("Wid\"get")),
        ("/spec/names/listKind", json!("Widget List")),
        ("/spec/names/singular", json!("Widget")),
        ("/spec/names/shortNames", json!(["w/x"])),
        ("/spec/versions/0/name", json!("v1/x")),
        ("/spec/versions/0/name", json!("1")),
    ] {
        let mut definition = widgets();
        definition["spec"]["names"]["listKind"] = "WidgetList".into();
        definition["spec"]["names"]["singular"] = "widget".into();
        definition["spec"]["names"]["shortNames"] = json!([]);
        *definition.pointer_mut(pointer).unwrap() = odd;
        let status = refused(world.post(DEFINITIONS, &definition).await, 422);
        assert_eq!(status["details"]["causes"][0]["reason"], "FieldValueInvalid", "{pointer}");
    }
    let mut twice = widgets();
    let mut version = twice["spec"]["versions"][0].clone();
    version["storage"] = false.into();
    twice["spec"]["versions"].as_array_mut().unwrap().push(version);
    refused(world.post(DEFINITIONS, &twice).await, 422);
    let mut flat = widgets();
    flat["metadata"]["name"] = "widgets.example".into();
    flat["spec"]["group"] = "example".into();
    refused(world.post(DEFINITIONS, &flat).await, 422);
}

#[tokio::test(start_paused = true)]
async fn a_definition_stays_about_the_same_objects() {
    let world = World::new();
    world.made(DEFINITIONS, widgets()).await;
    world.made(WIDGETS, named("w")).await;
    for patch in [json!({"spec": {"scope": "Namespaced"}}), json!({"spec": {"names": {"kind": "Gadget"}}})] {
        let status = refused(world.patch(WIDGETS_DEFINITION, MERGE_PATCH, &patch).await, 422);
        assert!(status["message"].as_str().unwrap().ends_with("field is immutable"), "{status}");
    }
    assert_eq!(world.get(&format!("{WIDGETS}/w")).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_definition_that_goes_with_its_owner_defines_nothing() {
    let world = World::new();
    let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    let role = world.made(roles, named("owner")).await;
    let mut definition = widgets();
    let (api_version, uid) = (&role["apiVersion"], &role["metadata"]["uid"]);
    definition["metadata"]["ownerReferences"] =
        json!([{"apiVersion": api_version, "kind": "ClusterRole", "name": "owner", "uid": uid}]);
    world.made(DEFINITIONS, definition).await;
    world.made(WIDGETS, named("w")).await;
    world.delete(&format!("{roles}/owner"), &json!({})).await;
    refused(world.get(WIDGETS).await, 404);
}

#[tokio::test(start_paused = true)]
async fn objects_outlive_a_time_in_which_they_are_not_served() {
    let world = World::new();
    world.made(DEFINITIONS, widgets()).await;
    world.made(WIDGETS, named("w")).await;
    let served = |is_served| json!([{"op": "replace", "path": "/spec/versions/0/served", "value": is_served}]);
    world.patch(WIDGETS_DEFINITION, JSON_PATCH, &served(false)).await;
    refused(world.get(WIDGETS).await, 404);
    world.patch(WIDGETS_DEFINITION, JSON_PATCH, &served(true)).await;
    assert_eq!(names(&world.get(WIDGETS).await.1), ["w"]);
    world.patch(WIDGETS_DEFINITION, JSON_PATCH, &served(false)).await;
    world.delete(WIDGETS_DEFINITION, &json!({})).await;
    world.made(DEFINITIONS, widgets()).await;
    assert!(names(&world.get(WIDGETS).await.1).is_empty());
}
