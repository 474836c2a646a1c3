//! Discovery.

use super::harness::*;

fn finds<'a>(document: &'a Value, list: &str, field: &str, name: &str) -> &'a Value {
    let items = document[list].as_array().unwrap_or_else(|| panic!("no {list}: {document}"));
    items.iter().find(|item| item[field] == name).unwrap_or_else(|| panic!("no {name}: {document}"))
}

#[test]
fn the_core_resources_are_listed() {
    case(async |world| {
        let document = world.get("/api/v1").await.ok();
        assert_eq!((text(&document, "/kind"), text(&document, "/groupVersion")), ("APIResourceList", "v1"));
        let pods = finds(&document, "resources", "name", "pods");
        assert_eq!((text(pods, "/kind"), &pods["namespaced"]), ("Pod", &json!(true)));
        assert!(pods["shortNames"].as_array().unwrap().contains(&json!("po")), "{pods}");
        for verb in ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] {
            assert!(pods["verbs"].as_array().unwrap().contains(&json!(verb)), "{pods}");
        }
        finds(&document, "resources", "name", "pods/status");
        assert_eq!(finds(&document, "resources", "name", "namespaces")["namespaced"], false);
    });
}

#[test]
fn the_groups_are_listed() {
    case(async |world| {
        let document = world.get("/apis").await.ok();
        assert_eq!(document["kind"], "APIGroupList");
        for group in ["apiextensions.k8s.io", "coordination.k8s.io", "rbac.authorization.k8s.io"] {
            let group = finds(&document, "groups", "name", group);
            assert_eq!(text(group, "/preferredVersion/version"), "v1", "{group}");
        }
    });
}

#[test]
fn a_defined_kind_is_listed() {
    case(async |world| {
        let definition = world.widgets(&json!({"type": "object"}));
        world.define(&definition).await;
        let path = format!("/apis/{}/v1", text(&definition, "/spec/group"));
        let document = world
            .eventually("the group is listed", async || {
                let told = world.get(&path).await;
                (told.code == 200).then_some(told.body)
            })
            .await;
        let widgets = finds(&document, "resources", "name", "widgets");
        assert_eq!((text(widgets, "/kind"), text(widgets, "/singularName")), ("Widget", "widget"));
    });
}

#[test]
fn a_server_says_that_it_is_ready_and_what_it_is() {
    case(async |world| {
        let ready = world.get_as("/readyz", "*/*").await;
        assert_eq!((ready.code, ready.body.as_str()), (200, Some("ok")));
        assert_eq!(world.get("/version").await.ok()["major"], "1");
    });
}
