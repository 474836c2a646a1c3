//! CustomResourceDefinitions, and what they define.

use super::*;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

fn definition() -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let version = json!({"name": "v1", "served": true, "storage": true, "schema": schema});
    json!({
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [version],
        },
    })
}

#[tokio::test(start_paused = true)]
async fn what_is_defined_is_served_at_once_and_no_more_once_it_is_not() {
    let world = World::new();
    assert_eq!(world.get(WIDGETS).await.0, 404);
    world.made(DEFINITIONS, definition()).await;
    world.made(WIDGETS, named("w")).await;
    let mut watching = world.watch(WIDGETS).await;
    assert_eq!(watching.seen().await, seen("ADDED", "w"));
    assert_eq!(world.delete(&format!("{DEFINITIONS}/widgets.example.com"), &json!({})).await.0, 200);
    assert_eq!(watching.seen().await, seen("DELETED", "w"));
    assert!(watching.next().await.is_none());
    assert_eq!(world.get(WIDGETS).await.0, 404);
    world.made(DEFINITIONS, definition()).await;
    assert!(names(&world.get(WIDGETS).await.1).is_empty());
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
