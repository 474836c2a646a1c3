//! The effects of a custom resource's schema on its objects.

use super::harness::*;

/// Where the widgets are whose spec has these fields.
async fn widgets(world: &World, fields: Value) -> String {
    world.define(&world.widgets(&json!({"type": "object", "properties": fields}))).await
}

/// Makes sure that a widget with this spec is refused, and gives the message about the field.
async fn refused(world: &World, path: &str, spec: Value, field: &str, reason: &str) -> String {
    world.post(path, &world.widget("a", spec)).await.invalid(field, reason)
}

/// Makes sure that a widget with this spec is taken.
async fn taken(world: &World, path: &str, spec: Value) -> Value {
    let mut widget = world.widget("a", spec);
    widget["metadata"] = json!({"generateName": "a-"});
    world.post(path, &widget).await.ok()
}

#[test]
fn a_field_that_is_required_has_to_be_there() {
    case(async |world| {
        let spec = json!({"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}}});
        let path = world.define(&world.widgets(&spec)).await;
        let message = refused(world, &path, json!({}), "spec.size", "FieldValueRequired").await;
        assert_eq!(message, "Required value");
        taken(world, &path, json!({"size": 1})).await;
    });
}

#[test]
fn a_field_has_its_type() {
    case(async |world| {
        let path = widgets(world, json!({"size": {"type": "integer"}, "name": {"type": "string"}})).await;
        let message = refused(world, &path, json!({"size": "x"}), "spec.size", "FieldValueTypeInvalid").await;
        assert_eq!(message, "Invalid value: \"string\": spec.size in body must be of type integer: \"string\"");
        let message = refused(world, &path, json!({"name": 1}), "spec.name", "FieldValueTypeInvalid").await;
        assert_eq!(message, "Invalid value: \"integer\": spec.name in body must be of type string: \"integer\"");
        taken(world, &path, json!({"size": 1, "name": "x"})).await;
    });
}

#[test]
fn a_refusal_names_the_object_and_the_field() {
    case(async |world| {
        let path = widgets(world, json!({"size": {"type": "integer", "minimum": 1}})).await;
        let status = world.post(&path, &world.widget("a", json!({"size": 0}))).await.refused(422, "Invalid");
        let group = format!("{}.example.com", world.namespace);
        let why = "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1";
        assert_eq!(status["message"], format!("Widget.{group} \"a\" is invalid: {why}"));
        let details = &status["details"];
        assert_eq!((text(details, "/name"), text(details, "/group")), ("a", group.as_str()));
        assert_eq!(text(details, "/kind"), "Widget");
    });
}

#[test]
fn a_field_is_one_of_its_values() {
    case(async |world| {
        let path = widgets(world, json!({"color": {"type": "string", "enum": ["red", "blue"]}})).await;
        let message = refused(world, &path, json!({"color": "green"}), "spec.color", "FieldValueNotSupported").await;
        assert_eq!(message, "Unsupported value: \"green\": supported values: \"red\", \"blue\"");
        taken(world, &path, json!({"color": "red"})).await;
    });
}

#[test]
fn a_text_matches_its_pattern() {
    case(async |world| {
        let path = widgets(world, json!({"name": {"type": "string", "pattern": "^[a-z]+$"}})).await;
        let message = refused(world, &path, json!({"name": "A"}), "spec.name", "FieldValueInvalid").await;
        assert_eq!(message, "Invalid value: \"A\": spec.name in body should match '^[a-z]+$'");
        taken(world, &path, json!({"name": "a"})).await;
    });
}

#[test]
fn a_number_is_within_its_bounds() {
    case(async |world| {
        let path = widgets(world, json!({"size": {"type": "integer", "minimum": 1, "maximum": 3}})).await;
        let message = refused(world, &path, json!({"size": 4}), "spec.size", "FieldValueInvalid").await;
        assert_eq!(message, "Invalid value: 4: spec.size in body should be less than or equal to 3");
        refused(world, &path, json!({"size": 0}), "spec.size", "FieldValueInvalid").await;
        for size in [1, 3] {
            taken(world, &path, json!({"size": size})).await;
        }
    });
}

#[test]
fn a_bound_may_be_out_of_bounds_itself() {
    case(async |world| {
        let size = json!({"type": "integer", "minimum": 1, "exclusiveMinimum": true});
        let path = widgets(world, json!({ "size": size })).await;
        refused(world, &path, json!({"size": 1}), "spec.size", "FieldValueInvalid").await;
        taken(world, &path, json!({"size": 2})).await;
    });
}

#[test]
fn a_text_is_as_long_as_it_may_be() {
    case(async |world| {
        let path = widgets(world, json!({"name": {"type": "string", "minLength": 2, "maxLength": 3}})).await;
        let message = refused(world, &path, json!({"name": "a"}), "spec.name", "FieldValueInvalid").await;
        assert_eq!(message, "Invalid value: \"a\": spec.name in body should be at least 2 chars long");
        refused(world, &path, json!({"name": "abcd"}), "spec.name", "FieldValueTooLong").await;
        taken(world, &path, json!({"name": "abc"})).await;
    });
}

#[test]
fn a_list_is_as_long_as_it_may_be() {
    case(async |world| {
        let list = json!({"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "integer"}});
        let path = widgets(world, json!({ "list": list })).await;
        let message = refused(world, &path, json!({"list": [1, 2, 3]}), "spec.list", "FieldValueTooMany").await;
        assert_eq!(message, "Too many: 3: must have at most 2 items");
        refused(world, &path, json!({"list": []}), "spec.list", "FieldValueInvalid").await;
        taken(world, &path, json!({"list": [1]})).await;
    });
}

#[test]
fn the_items_of_a_list_have_their_schema() {
    case(async |world| {
        let item = json!({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}});
        let path = widgets(world, json!({"list": {"type": "array", "items": item}})).await;
        let spec = json!({"list": [{"name": "a"}, {}]});
        refused(world, &path, spec, "spec.list[1].name", "FieldValueRequired").await;
    });
}

#[test]
fn the_values_of_a_map_have_their_schema() {
    case(async |world| {
        let map = json!({"type": "object", "additionalProperties": {"type": "integer"}});
        let path = widgets(world, json!({ "map": map })).await;
        refused(world, &path, json!({"map": {"k": "x"}}), "spec.map.k", "FieldValueTypeInvalid").await;
        assert_eq!(taken(world, &path, json!({"map": {"k": 1}})).await["spec"]["map"], json!({"k": 1}));
    });
}

#[test]
fn a_set_has_each_item_once() {
    case(async |world| {
        let list = json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}});
        let path = widgets(world, json!({ "list": list })).await;
        let message = refused(world, &path, json!({"list": ["a", "a"]}), "spec.list[1]", "FieldValueDuplicate").await;
        assert_eq!(message, "Duplicate value: \"a\"");
    });
}

#[test]
fn a_map_in_the_form_of_a_list_has_each_key_once() {
    case(async |world| {
        let item = json!({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}});
        let list = json!({
            "type": "array", "items": item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
        });
        let path = widgets(world, json!({ "list": list })).await;
        let spec = json!({"list": [{"name": "a"}, {"name": "a"}]});
        refused(world, &path, spec, "spec.list[1]", "FieldValueDuplicate").await;
    });
}

#[test]
fn a_number_or_a_text_is_either() {
    case(async |world| {
        let path = widgets(world, json!({"port": {"x-kubernetes-int-or-string": true}})).await;
        refused(world, &path, json!({"port": true}), "spec.port", "FieldValueTypeInvalid").await;
        for port in [json!(80), json!("http")] {
            assert_eq!(taken(world, &path, json!({"port": port})).await["spec"]["port"], port);
        }
    });
}

#[test]
fn a_null_is_kept_where_it_may_be_and_is_dropped_elsewhere() {
    case(async |world| {
        let list = json!({"type": "array", "items": {"type": "string"}});
        let fields = json!({"size": {"type": "integer", "nullable": true}, "other": {"type": "integer"}, "list": list});
        let path = widgets(world, fields).await;
        let widget = taken(world, &path, json!({"size": null, "other": null})).await;
        assert_eq!(widget["spec"], json!({"size": null}));
        refused(world, &path, json!({"list": [null]}), "spec.list[0]", "FieldValueTypeInvalid").await;
    });
}

#[test]
fn a_time_is_written_as_one() {
    case(async |world| {
        let path = widgets(world, json!({"at": {"type": "string", "format": "date-time"}})).await;
        refused(world, &path, json!({"at": "soon"}), "spec.at", "FieldValueTypeInvalid").await;
        taken(world, &path, json!({"at": "2026-01-02T03:04:05Z"})).await;
    });
}

#[test]
fn one_of_several_schemas_fits() {
    case(async |world| {
        let spec = json!({
            "type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        });
        let path = world.define(&world.widgets(&spec)).await;
        for spec in [json!({}), json!({"a": "", "b": ""})] {
            world.post(&path, &world.widget("a", spec)).await.refused(422, "Invalid");
        }
        taken(world, &path, json!({"a": ""})).await;
    });
}

#[test]
fn an_update_is_checked_against_the_schema() {
    case(async |world| {
        let path = widgets(world, json!({"size": {"type": "integer", "minimum": 1}})).await;
        let mut widget = world.post(&path, &world.widget("a", json!({"size": 1}))).await.ok();
        widget["spec"]["size"] = 0.into();
        world.put(&format!("{path}/a"), &widget).await.invalid("spec.size", "FieldValueInvalid");
    });
}

#[test]
fn a_patch_is_checked_against_the_schema() {
    case(async |world| {
        let path = widgets(world, json!({"size": {"type": "integer", "minimum": 1}})).await;
        world.post(&path, &world.widget("a", json!({"size": 1}))).await.ok();
        let told = world.merge(&format!("{path}/a"), &json!({"spec": {"size": "x"}})).await;
        told.invalid("spec.size", "FieldValueTypeInvalid");
        let patch = json!([{"op": "replace", "path": "/spec/size", "value": 0}]);
        let told = world.patch(&format!("{path}/a"), JSON_PATCH, &patch).await;
        told.invalid("spec.size", "FieldValueInvalid");
    });
}

#[test]
fn a_status_is_checked_against_the_schema() {
    case(async |world| {
        let mut definition = world.widgets(&json!({"type": "object"}));
        let version = &mut definition["spec"]["versions"][0];
        version["subresources"] = json!({"status": {}});
        let status = json!({"type": "object", "properties": {"ready": {"type": "integer"}}});
        version["schema"]["openAPIV3Schema"]["properties"]["status"] = status;
        let path = world.define(&definition).await;
        world.post(&path, &world.widget("a", json!({}))).await.ok();
        let path = format!("{path}/a/status");
        world.merge(&path, &json!({"status": {"ready": "x"}})).await.invalid("status.ready", "FieldValueTypeInvalid");
        let widget = world.merge(&path, &json!({"status": {"ready": 1, "more": 2}})).await.ok();
        assert_eq!(widget["status"], json!({"ready": 1}));
    });
}
