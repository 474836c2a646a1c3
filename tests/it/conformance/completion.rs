//! Pruning and defaulting by a custom resource's schema.

use super::harness::*;

/// Where the widgets are whose spec has these fields.
async fn widgets(world: &World, fields: Value) -> String {
    world.define(&world.widgets(&json!({"type": "object", "properties": fields}))).await
}

/// Makes sure that a widget with this spec is taken.
async fn taken(world: &World, path: &str, spec: Value) -> Value {
    let mut widget = world.widget("a", spec);
    widget["metadata"] = json!({"generateName": "a-"});
    world.post(path, &widget).await.ok()
}

#[test]
fn an_unknown_field_is_dropped() {
    case(async |world| {
        let path = widgets(world, json!({"size": {"type": "integer"}})).await;
        let mut body = world.widget("a", json!({"size": 1, "more": {"x": 1}}));
        body["extra"] = 1.into();
        let widget = world.post(&path, &body).await.ok();
        assert_eq!((&widget["spec"], widget.get("extra")), (&json!({"size": 1}), None));
    });
}

#[test]
fn an_unknown_field_is_refused_who_asks_for_that() {
    case(async |world| {
        let path = widgets(world, json!({"size": {"type": "integer"}})).await;
        let told = world.post(&format!("{path}?fieldValidation=Strict"), &world.widget("a", json!({"more": 1}))).await;
        let status = told.refused(400, "BadRequest");
        assert!(text(&status, "/message").contains("unknown field \"spec.more\""), "{status}");
    });
}

#[test]
fn an_unknown_field_is_kept_where_the_schema_says_so() {
    case(async |world| {
        let known = json!({"type": "object", "properties": {"x": {"type": "integer"}}});
        let free = json!({
            "type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"known": known},
        });
        let path = widgets(world, json!({ "free": free })).await;
        let widget = taken(world, &path, json!({"free": {"any": {"thing": 1}, "known": {"x": 1, "y": 2}}})).await;
        assert_eq!(widget["spec"]["free"], json!({"any": {"thing": 1}, "known": {"x": 1}}));
    });
}

#[test]
fn an_embedded_resource_keeps_its_types_and_metadata() {
    case(async |world| {
        let template = json!({
            "type": "object", "x-kubernetes-embedded-resource": true,
            "properties": {"data": {"type": "object", "additionalProperties": {"type": "string"}}},
        });
        let path = widgets(world, json!({ "template": template })).await;
        let template = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"k": "v"}});
        let mut given = template.clone();
        given["more"] = 1.into();
        let stored = taken(world, &path, json!({ "template": given })).await["spec"]["template"].take();
        for field in ["apiVersion", "kind", "data"] {
            assert_eq!(stored[field], template[field], "{field}");
        }
        assert_eq!((text(&stored, "/metadata/name"), stored.get("more")), ("x", None));
        let told = world.post(&path, &world.widget("a", json!({"template": {"metadata": {"name": "x"}}}))).await;
        told.refused(422, "Invalid");
    });
}

#[test]
fn what_is_left_out_gets_its_default() {
    case(async |world| {
        let inner = json!({"type": "object", "properties": {"mode": {"type": "string", "default": "slow"}}});
        let fields = json!({"size": {"type": "integer", "default": 5}, "inner": inner});
        let path = widgets(world, fields).await;
        assert_eq!(taken(world, &path, json!({})).await["spec"], json!({"size": 5}));
        let widget = taken(world, &path, json!({"size": 1, "inner": {}})).await;
        assert_eq!(widget["spec"], json!({"size": 1, "inner": {"mode": "slow"}}));
        assert_eq!(taken(world, &path, json!({"size": null})).await["spec"]["size"], 5);
    });
}

#[test]
fn a_default_that_came_later_shows_when_an_object_is_read() {
    case(async |world| {
        let mut definition = world.widgets(&json!({"type": "object", "properties": {"size": {"type": "integer"}}}));
        let path = world.define(&definition).await;
        world.post(&path, &world.widget("a", json!({}))).await.ok();
        let size = json!({"type": "integer", "default": 5});
        let pointer = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size";
        *definition.pointer_mut(pointer).unwrap() = size.clone();
        let patch = json!([{"op": "replace", "path": pointer, "value": size}]);
        let name = text(&definition, "/metadata/name");
        world.patch(&format!("{DEFINITIONS}/{name}"), JSON_PATCH, &patch).await.ok();
        world
            .eventually("the default shows", async || {
                let told = world.get(&format!("{path}/a")).await;
                (told.code == 200 && told.body["spec"]["size"] == 5).then_some(())
            })
            .await;
    });
}
