//! The status subresource.

use super::harness::*;

/// Where the widgets are whose status is apart, and one of them.
async fn widget(world: &World) -> (String, Value) {
    let spec = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let mut definition = world.widgets(&spec);
    definition["spec"]["versions"][0]["subresources"] = json!({"status": {}});
    let widgets = world.define(&definition).await;
    let mut body = world.widget("a", json!({"size": 1}));
    body["status"] = json!({"early": true});
    let widget = world.post(&widgets, &body).await.ok();
    (format!("{widgets}/a"), widget)
}

#[test]
fn a_new_object_has_no_status_of_its_clients() {
    case(async |world| {
        let (_, widget) = widget(world).await;
        assert!(widget.get("status").is_none(), "{widget}");
    });
}

#[test]
fn an_update_of_the_rest_keeps_the_status() {
    case(async |world| {
        let (path, _) = widget(world).await;
        let mut widget = world.merge(&format!("{path}/status"), &json!({"status": {"x": 1}})).await.ok();
        widget["status"]["x"] = 2.into();
        widget["spec"]["size"] = 2.into();
        let after = world.put(&path, &widget).await.ok();
        assert_eq!((&after["status"]["x"], &after["spec"]["size"]), (&json!(1), &json!(2)));
    });
}

#[test]
fn a_patch_of_the_rest_keeps_the_status() {
    case(async |world| {
        let (path, _) = widget(world).await;
        world.merge(&format!("{path}/status"), &json!({"status": {"x": 1}})).await.ok();
        let after = world.merge(&path, &json!({"status": null, "spec": {"size": 2}})).await.ok();
        assert_eq!((&after["status"]["x"], &after["spec"]["size"]), (&json!(1), &json!(2)));
    });
}

#[test]
fn an_update_of_the_status_keeps_the_rest() {
    case(async |world| {
        let (path, mut widget) = widget(world).await;
        widget["spec"]["size"] = 2.into();
        widget["status"] = json!({"x": 1});
        widget["metadata"]["labels"] = json!({"a": "b"});
        let after = world.put(&format!("{path}/status"), &widget).await.ok();
        assert_eq!((&after["status"]["x"], &after["spec"]["size"]), (&json!(1), &json!(1)));
        assert!(after["metadata"].get("labels").is_none(), "{after}");
    });
}

#[test]
fn the_status_shows_the_whole_object() {
    case(async |world| {
        let (path, widget) = widget(world).await;
        assert_eq!(world.get(&format!("{path}/status")).await.ok(), widget);
    });
}

#[test]
fn an_update_of_the_status_from_an_old_version_conflicts() {
    case(async |world| {
        let (path, mut widget) = widget(world).await;
        world.merge(&path, &json!({"spec": {"size": 2}})).await.ok();
        widget["status"] = json!({"x": 1});
        world.put(&format!("{path}/status"), &widget).await.refused(409, "Conflict");
    });
}

#[test]
fn the_status_cannot_be_created_or_deleted() {
    case(async |world| {
        let (path, widget) = widget(world).await;
        world.post(&format!("{path}/status"), &widget).await.refused(405, "MethodNotAllowed");
        world.delete(&format!("{path}/status"), &json!({})).await.refused(405, "MethodNotAllowed");
    });
}

#[test]
fn a_status_that_is_not_apart_is_written_with_the_rest() {
    case(async |world| {
        let widgets = world.define(&world.widgets(&json!({"type": "object"}))).await;
        let mut body = world.widget("a", json!({}));
        body["status"] = json!({"x": 1});
        assert_eq!(world.post(&widgets, &body).await.ok()["status"]["x"], 1);
        let path = format!("{widgets}/a");
        assert_eq!(world.merge(&path, &json!({"status": {"x": 2}})).await.ok()["status"]["x"], 2);
        world.merge(&format!("{path}/status"), &json!({})).await.refused(404, "NotFound");
    });
}

#[test]
fn a_pods_status_is_written_apart() {
    case_of_pod(pod("a"), async |world, _| {
        let patch = json!({"status": {"phase": "Running"}});
        assert_eq!(world.merge(&world.pod("a"), &patch).await.ok()["status"]["phase"], "Pending");
        let pod = world.merge(&format!("{}/status", world.pod("a")), &patch).await.ok();
        assert_eq!(pod["status"]["phase"], "Running");
    });
}

#[test]
fn the_status_of_a_pod_that_is_of_another_type_is_refused() {
    case_of_pod(pod("a"), async |world, _| {
        let told = world.merge(&format!("{}/status", world.pod("a")), &json!({"status": "odd"})).await;
        assert!((400..500).contains(&told.code) && told.body["kind"] == "Status", "{told:?}");
    });
}
