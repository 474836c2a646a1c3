//! Objects as rows of tables.

use super::harness::*;

fn titles(table: &Value) -> Vec<&str> {
    table["columnDefinitions"].as_array().unwrap().iter().map(|column| text(column, "/name")).collect()
}

#[test]
fn a_list_can_be_a_table() {
    case(async |world| {
        let body =
            json!({"metadata": {"name": "a", "labels": {"app": "x"}}, "data": {"x": "1"}, "binaryData": {"y": "AA=="}});
        world.made(body).await;
        let table = world.get_as(&format!("{}?labelSelector=app", world.maps()), TABLE).await.ok();
        assert_eq!((text(&table, "/kind"), text(&table, "/apiVersion")), ("Table", "meta.k8s.io/v1"));
        assert_eq!(titles(&table), ["Name", "Data", "Age"]);
        assert_eq!(table["columnDefinitions"][0]["format"], "name");
        let cells = &table["rows"][0]["cells"];
        assert_eq!((&cells[0], &cells[1]), (&json!("a"), &json!(2)));
        assert!(!version(&table).is_empty());
    });
}

#[test]
fn an_object_can_be_a_table() {
    case_of(named("a"), async |world, _| {
        let table = world.get_as(&world.map("a"), TABLE).await.ok();
        assert_eq!((text(&table, "/kind"), &table["rows"][0]["cells"][0]), ("Table", &json!("a")));
    });
}

#[test]
fn a_row_comes_with_as_much_of_its_object_as_is_asked_for() {
    case_of(with_data("a", json!({"x": "1"})), async |world, _| {
        let row = async |query: &str| {
            let mut table = world.get_as(&format!("{}{query}", world.map("a")), TABLE).await.ok();
            table["rows"][0]["object"].take()
        };
        let part = row("").await;
        assert_eq!((text(&part, "/kind"), text(&part, "/metadata/name")), ("PartialObjectMetadata", "a"));
        assert_eq!(row("?includeObject=Object").await["data"]["x"], "1");
        assert!(row("?includeObject=None").await.is_null());
    });
}

#[test]
fn a_pod_is_shown_as_waiting() {
    case_of_pod(pod("a"), async |world, _| {
        let table = world.get_as(&world.pod("a"), TABLE).await.ok();
        assert_eq!(titles(&table)[..5], ["Name", "Ready", "Status", "Restarts", "Age"]);
        assert_eq!(table["rows"][0]["cells"].as_array().unwrap()[..3], [json!("a"), json!("0/1"), json!("Pending")]);
    });
}

#[test]
fn a_custom_resource_is_shown_in_the_columns_of_its_definition() {
    case(async |world| {
        let spec = json!({"type": "object", "properties": {"size": {"type": "integer"}, "color": {"type": "string"}}});
        let mut definition = world.widgets(&spec);
        definition["spec"]["versions"][0]["additionalPrinterColumns"] = json!([
            {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
            {"name": "Color", "type": "string", "jsonPath": ".spec.color", "priority": 1},
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        ]);
        let widgets = world.define(&definition).await;
        world.post(&widgets, &world.widget("a", json!({"size": 3, "color": "red"}))).await.ok();
        let table = world.get_as(&widgets, TABLE).await.ok();
        assert_eq!(titles(&table), ["Name", "Size", "Color", "Age"]);
        assert_eq!(table["columnDefinitions"][2]["priority"], 1);
        assert_eq!(table["rows"][0]["cells"].as_array().unwrap()[..3], [json!("a"), json!(3), json!("red")]);
    });
}

#[test]
fn a_custom_resource_without_columns_shows_its_age() {
    case(async |world| {
        let widgets = world.define(&world.widgets(&json!({"type": "object"}))).await;
        world.post(&widgets, &world.widget("a", json!({}))).await.ok();
        assert_eq!(titles(&world.get_as(&widgets, TABLE).await.ok()), ["Name", "Age"]);
    });
}
