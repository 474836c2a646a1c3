//! CustomResourceDefinitions.

use super::harness::*;

fn plain() -> Value {
    json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

fn has(definition: &Value, condition: &str) -> bool {
    let conditions = definition["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|c| c["type"] == condition && c["status"] == "True")
}

#[test]
fn a_definition_is_accepted_and_established() {
    case(async |world| {
        let definition = world.widgets(&plain());
        world.define(&definition).await;
        let path = format!("{DEFINITIONS}/{}", text(&definition, "/metadata/name"));
        let made = world
            .eventually("it is established", async || {
                let made = world.get(&path).await.ok();
                (has(&made, "Established") && has(&made, "NamesAccepted")).then_some(made)
            })
            .await;
        assert_eq!(made["status"]["acceptedNames"]["kind"], "Widget");
        assert_eq!(made["status"]["storedVersions"], json!(["v1"]));
    });
}

#[test]
fn names_that_are_left_out_follow_from_the_kind() {
    case(async |world| {
        let mut definition = world.widgets(&plain());
        definition["spec"]["names"] = json!({"plural": "widgets", "kind": "Widget"});
        world.define(&definition).await;
        let made = world.get(&format!("{DEFINITIONS}/{}", text(&definition, "/metadata/name"))).await.ok();
        assert_eq!(made["spec"]["names"]["listKind"], "WidgetList");
        assert_eq!(made["spec"]["names"]["singular"], "widget");
    });
}

#[test]
fn what_is_not_defined_is_not_served() {
    case(async |world| {
        let definition = world.widgets(&plain());
        let widgets = world.define(&definition).await;
        assert_eq!(world.get(&widgets.replace("widgets", "gadgets")).await.code, 404);
        assert_eq!(world.get(&widgets.replace("/v1/", "/v2/")).await.code, 404);
    });
}

#[test]
fn what_is_no_longer_defined_is_not_served() {
    case(async |world| {
        let definition = world.widgets(&plain());
        let widgets = world.define(&definition).await;
        world.delete(&format!("{DEFINITIONS}/{}", text(&definition, "/metadata/name")), &json!({})).await.ok();
        world.gone(&widgets).await;
    });
}

#[test]
fn objects_go_with_their_definition() {
    case(async |world| {
        let definition = world.widgets(&plain());
        let widgets = world.define(&definition).await;
        world.post(&widgets, &world.widget("a", json!({}))).await.ok();
        let path = format!("{DEFINITIONS}/{}", text(&definition, "/metadata/name"));
        world.delete(&path, &json!({})).await.ok();
        world.gone(&path).await;
        world.gone(&widgets).await;
        world.define(&definition).await;
        assert!(names(&world.get(&widgets).await.ok()).is_empty());
    });
}

#[test]
fn an_object_is_the_same_in_every_version() {
    case(async |world| {
        let mut definition = world.widgets(&plain());
        let mut older = definition["spec"]["versions"][0].clone();
        older["name"] = "v1beta1".into();
        older["storage"] = false.into();
        definition["spec"]["versions"].as_array_mut().unwrap().push(older);
        let widgets = world.define(&definition).await;
        let older = widgets.replace("/v1/", "/v1beta1/");
        world.post(&widgets, &world.widget("a", json!({"size": 1}))).await.ok();
        let widget = world.get(&format!("{older}/a")).await.ok();
        assert!(text(&widget, "/apiVersion").ends_with("/v1beta1"), "{widget}");
        assert_eq!(widget["spec"]["size"], 1);
        world.merge(&format!("{older}/a"), &json!({"spec": {"size": 2}})).await.ok();
        assert_eq!(world.get(&format!("{widgets}/a")).await.ok()["spec"]["size"], 2);
    });
}

#[test]
fn a_version_that_is_not_served_is_not_found() {
    case(async |world| {
        let mut definition = world.widgets(&plain());
        let mut older = definition["spec"]["versions"][0].clone();
        older["name"] = "v1alpha1".into();
        older["storage"] = false.into();
        older["served"] = false.into();
        definition["spec"]["versions"].as_array_mut().unwrap().push(older);
        let widgets = world.define(&definition).await;
        assert_eq!(world.get(&widgets.replace("/v1/", "/v1alpha1/")).await.code, 404);
    });
}

#[test]
fn a_definition_is_called_after_its_plural_and_group() {
    case(async |world| {
        let mut definition = world.widgets(&plain());
        definition["metadata"]["name"] = format!("gadgets.{}", text(&definition, "/spec/group")).into();
        world.post(DEFINITIONS, &definition).await.invalid("metadata.name", "FieldValueInvalid");
    });
}

#[test]
fn a_definition_has_a_group_a_scope_and_names() {
    case(async |world| {
        for (pointer, field, reason) in [
            ("/spec/names/kind", "spec.names.kind", "FieldValueRequired"),
            ("/spec/names/plural", "spec.names.plural", "FieldValueRequired"),
            ("/spec/group", "spec.group", "FieldValueRequired"),
        ] {
            let mut definition = world.widgets(&plain());
            *definition.pointer_mut(pointer).unwrap() = "".into();
            world.post(DEFINITIONS, &definition).await.invalid(field, reason);
        }
        let mut definition = world.widgets(&plain());
        definition["spec"]["scope"] = "Galaxy".into();
        world.post(DEFINITIONS, &definition).await.invalid("spec.scope", "FieldValueNotSupported");
    });
}

#[test]
fn a_definition_stores_one_version() {
    case(async |world| {
        let mut definition = world.widgets(&plain());
        definition["spec"]["versions"][0]["storage"] = false.into();
        world.post(DEFINITIONS, &definition).await.invalid("spec.versions", "FieldValueInvalid");
    });
}

#[test]
fn a_version_has_a_schema() {
    case(async |world| {
        let mut definition = world.widgets(&plain());
        definition["spec"]["versions"][0].as_object_mut().unwrap().remove("schema");
        let told = world.post(DEFINITIONS, &definition).await;
        told.invalid("spec.versions[0].schema.openAPIV3Schema", "FieldValueRequired");
    });
}

#[test]
fn every_field_of_a_schema_has_a_type() {
    case(async |world| {
        let definition = world.widgets(&json!({"type": "object", "properties": {"size": {"minimum": 1}}}));
        let status = world.post(DEFINITIONS, &definition).await.refused(422, "Invalid");
        let cause = &status["details"]["causes"][0];
        // The schemas of all versions are told of as one where they are the same.
        assert!(text(cause, "/field").ends_with("openAPIV3Schema.properties[spec].properties[size].type"), "{status}");
        assert_eq!(text(cause, "/message"), "Required value: must not be empty for specified object fields");
    });
}

#[test]
fn a_definition_of_another_shape_is_a_bad_request() {
    case(async |world| {
        let mut definition = world.widgets(&plain());
        definition["spec"] = json!(7);
        world.post(DEFINITIONS, &definition).await.refused(400, "BadRequest");
    });
}

#[test]
fn a_kind_of_the_whole_cluster_has_no_namespace() {
    case(async |world| {
        let mut definition = world.widgets(&plain());
        definition["spec"]["scope"] = "Cluster".into();
        let widgets = world.define(&definition).await;
        let widget = world.post(&widgets, &world.widget("a", json!({}))).await.ok();
        assert!(widget["metadata"].get("namespace").is_none(), "{widget}");
        let inside = widgets.replace("/v1/", &format!("/v1/namespaces/{}/", world.namespace));
        assert_eq!(world.get(&inside).await.code, 404);
    });
}

#[test]
fn what_says_where_objects_are_stays() {
    case(async |world| {
        let definition = world.widgets(&plain());
        world.define(&definition).await;
        let path = format!("{DEFINITIONS}/{}", text(&definition, "/metadata/name"));
        let patch = json!({"spec": {"scope": "Cluster"}});
        world.merge(&path, &patch).await.invalid("spec.scope", "FieldValueInvalid");
        let patch = json!({"spec": {"names": {"kind": "Gadget"}}});
        world.merge(&path, &patch).await.invalid("spec.names.kind", "FieldValueInvalid");
    });
}

#[test]
fn a_definition_stays_until_its_objects_are_gone() {
    case(async |world| {
        let definition = world.widgets(&plain());
        let widgets = world.define(&definition).await;
        let mut widget = world.widget("a", json!({}));
        widget["metadata"]["finalizers"] = json!(["example.com/hold"]);
        world.post(&widgets, &widget).await.ok();
        world.post(&widgets, &world.widget("b", json!({}))).await.ok();
        let path = format!("{DEFINITIONS}/{}", text(&definition, "/metadata/name"));
        let going = world.delete(&path, &json!({})).await.ok();
        assert_eq!(text(&going, "/kind"), "CustomResourceDefinition", "{going}");
        world.gone(&format!("{widgets}/b")).await;
        let told = world
            .eventually("it takes nothing new", async || {
                let told = world.post(&widgets, &world.widget("c", json!({}))).await;
                (told.code >= 300).then_some(told)
            })
            .await;
        let status = told.refused(403, "Forbidden");
        let why = "is forbidden: create not allowed while custom resource definition is terminating";
        assert!(text(&status, "/message").ends_with(why), "{status}");
        world.get(&path).await.ok();
        assert!(!text(&world.get(&format!("{widgets}/a")).await.ok(), "/metadata/deletionTimestamp").is_empty());
        world.merge(&format!("{widgets}/a"), &json!({"metadata": {"finalizers": null}})).await.ok();
        world.gone(&path).await;
        world.gone(&widgets).await;
    });
}
