//! CustomResourceDefinitions, and what they define.

use super::*;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

fn definition() -> Value {
    json!({
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [
                {"name": "v1beta1", "served": true, "storage": false},
                {"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}},
                {"name": "v1alpha1", "served": false, "storage": false},
            ],
        },
    })
}

#[tokio::test(start_paused = true)]
async fn a_definition_is_established_and_served_until_it_goes() {
    let world = World::new();
    assert_eq!(world.get(WIDGETS).await.0, 404);
    let made = world.made(DEFINITIONS, definition()).await;
    assert_eq!(made["status"]["acceptedNames"]["listKind"], "WidgetList");
    assert_eq!(made["status"]["storedVersions"], json!(["v1"]));
    let conditions = made["status"]["conditions"].as_array().unwrap();
    assert!(conditions.iter().any(|condition| condition["type"] == "Established" && condition["status"] == "True"));

    let widget = world.made(WIDGETS, json!({"metadata": {"name": "w"}, "spec": {"size": 1}, "status": {"x": 1}})).await;
    assert_eq!((&widget["kind"], &widget["status"]), (&json!("Widget"), &Value::Null));
    let groups = world.client.list_api_groups().await.unwrap();
    let group = groups.groups.iter().find(|group| group.name == "example.com").unwrap();
    assert_eq!(group.versions.iter().map(|version| version.version.as_str()).collect::<Vec<_>>(), ["v1", "v1beta1"]);

    let mut watching = world.watch(WIDGETS).await;
    assert_eq!(watching.seen().await, seen("ADDED", "w"));
    assert_eq!(world.delete(&format!("{DEFINITIONS}/widgets.example.com"), &json!({})).await.0, 200);
    assert_eq!(watching.seen().await, seen("DELETED", "w"));
    assert_eq!(world.get(WIDGETS).await.0, 404);
    world.made(DEFINITIONS, definition()).await;
    assert!(names(&world.get(WIDGETS).await.1).is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_object_is_the_same_in_every_version() {
    let world = World::new();
    world.made(DEFINITIONS, definition()).await;
    let older = WIDGETS.replace("v1", "v1beta1");
    let widget = world.made(&older, json!({"metadata": {"name": "w"}, "spec": {"size": 1}})).await;
    assert_eq!(widget["apiVersion"], "example.com/v1beta1");
    let (_, newer) = world.get(&format!("{WIDGETS}/w")).await;
    assert_eq!((&newer["apiVersion"], &newer["spec"]), (&json!("example.com/v1"), &widget["spec"]));
    let (code, patched) = world.patch(&format!("{WIDGETS}/w"), MERGE_PATCH, &json!({"spec": {"size": 2}})).await;
    assert_eq!((code, &patched["metadata"]["generation"]), (200, &json!(2)));
    let (_, list) = world.get(&older).await;
    assert_eq!(list["items"][0]["apiVersion"], "example.com/v1beta1");
    assert_eq!(world.get(&WIDGETS.replace("v1", "v1alpha1")).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn a_definition_that_is_not_valid_is_refused() {
    let world = World::new();
    for (pointer, value, field) in [
        ("/spec/group", json!(""), "spec.group"),
        ("/spec/scope", json!("Global"), "spec.scope"),
        ("/spec/names/kind", json!(""), "spec.names.kind"),
        ("/spec/versions", json!([]), "spec.versions"),
        ("/spec", json!(7), "spec.scope"),
        ("/metadata/name", json!("gadgets.example.com"), "metadata.name"),
    ] {
        let mut body = definition();
        *body.pointer_mut(pointer).unwrap() = value;
        let (code, status) = world.post(DEFINITIONS, &body).await;
        assert_eq!(code, 422, "{pointer} {status}");
        let causes = status["details"]["causes"].as_array().unwrap();
        assert!(causes.iter().any(|cause| cause["field"] == field), "{field} {status}");
    }
    assert_eq!(world.get(WIDGETS).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn what_is_served_from_the_start_is_defined_as_everything_else_is() {
    let world = World::new();
    let (_, definitions) = world.get(DEFINITIONS).await;
    let group = "machineconfiguration.openshift.io";
    let pools = format!("machineconfigpools.{group}");
    let expected = ["builds.build.openshift.io", &pools, &format!("machineconfigs.{group}")];
    assert_eq!(names(&definitions), expected);
    world.made(POOLS, named("worker")).await;

    let columns = |definition: &Value| definition["spec"]["versions"][0]["additionalPrinterColumns"].clone();
    let (_, mut definition) = world.get(&format!("{DEFINITIONS}/{pools}")).await;
    assert_eq!(
        columns(&definition)[0],
        json!({"name": "Config", "type": "string", "jsonPath": ".status.configuration.name"})
    );
    let other = json!([{"name": "Paused", "type": "boolean", "jsonPath": ".spec.paused"}]);
    definition["spec"]["versions"][0]["additionalPrinterColumns"] = other;
    assert_eq!(world.put(&format!("{DEFINITIONS}/{pools}"), &definition).await.0, 200);
    let (_, table) = world.get_as(POOLS, "application/json;as=Table;v=v1;g=meta.k8s.io").await;
    assert_eq!(table["columnDefinitions"][1]["name"], "Paused");
    assert_eq!(names(&world.get(POOLS).await.1), ["worker"]);

    assert_eq!(world.delete(&format!("{DEFINITIONS}/{pools}"), &json!({})).await.0, 200);
    assert_eq!(world.get(POOLS).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn rules_are_patched_as_a_whole() {
    let world = World::new();
    let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    let rule = |verb: &str| json!({"verbs": [verb], "apiGroups": [""], "resources": ["pods"]});
    world.made(roles, json!({"metadata": {"name": "system:readers"}, "rules": [rule("get"), rule("list")]})).await;
    let patch = json!({"rules": [rule("watch")]});
    let (code, role) = world.patch(&format!("{roles}/system:readers"), STRATEGIC_PATCH, &patch).await;
    assert_eq!((code, &role["rules"]), (200, &patch["rules"]));
    let (code, status) = world.post(roles, &named("a%b")).await;
    assert_eq!((code, &status["reason"]), (422, &json!("Invalid")));
}
