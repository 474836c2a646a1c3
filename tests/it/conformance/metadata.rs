//! Names, labels, annotations, and who owns whom.

use super::harness::*;

async fn refused(world: &World, metadata: Value, field: &str, reason: &str) -> String {
    world.post(&world.maps(), &json!({ "metadata": metadata })).await.invalid(field, reason)
}

#[test]
fn a_name_has_to_be_a_subdomain() {
    case(async |world| {
        for name in ["A", "a_b", "-a", "a-", "a..b", "a b", &"a".repeat(254)] {
            refused(world, json!({"name": name}), "metadata.name", "FieldValueInvalid").await;
        }
        world.made(named(&"a".repeat(253))).await;
    });
}

#[test]
fn the_refusal_of_a_name_says_what_a_name_is() {
    case(async |world| {
        let status = world.post(&world.maps(), &named("A_b")).await.refused(422, "Invalid");
        let start =
            "ConfigMap \"A_b\" is invalid: metadata.name: Invalid value: \"A_b\": a lowercase RFC 1123 subdomain";
        assert!(text(&status, "/message").starts_with(start), "{status}");
        assert_eq!((text(&status, "/details/kind"), text(&status, "/details/name")), ("ConfigMap", "A_b"));
    });
}

#[test]
fn a_generated_name_has_to_be_a_name_too() {
    case(async |world| {
        world.post(&world.maps(), &json!({"metadata": {"generateName": "A_"}})).await.refused(422, "Invalid");
    });
}

#[test]
fn the_key_of_a_label_has_a_syntax() {
    case(async |world| {
        for key in ["a b", "-a", "a/b/c", "/a", "a/", &"x".repeat(64)] {
            let metadata = json!({"name": "a", "labels": {key: "v"}});
            refused(world, metadata, "metadata.labels", "FieldValueInvalid").await;
        }
    });
}

#[test]
fn the_value_of_a_label_has_a_syntax() {
    case(async |world| {
        for value in ["b c", "-", "a-", "a/b", &"x".repeat(64)] {
            let metadata = json!({"name": "a", "labels": {"k": value}});
            refused(world, metadata, "metadata.labels", "FieldValueInvalid").await;
        }
    });
}

#[test]
fn labels_within_the_syntax_are_kept() {
    case(async |world| {
        let labels = json!({"example.com/a": "b", "A_b.c": "", "x": "y".repeat(63)});
        let object = world.made(json!({"metadata": {"name": "a", "labels": labels}})).await;
        assert_eq!(object["metadata"]["labels"], labels);
    });
}

#[test]
fn the_key_of_an_annotation_has_a_syntax() {
    case(async |world| {
        let metadata = json!({"name": "a", "annotations": {"a b": "v"}});
        refused(world, metadata, "metadata.annotations", "FieldValueInvalid").await;
        world.made(json!({"metadata": {"name": "a", "annotations": {"k": "any text: {}"}}})).await;
    });
}

#[test]
fn annotations_hold_256_kibibytes() {
    case(async |world| {
        let annotated = |bytes: usize| json!({"name": "a", "annotations": {"k": "x".repeat(bytes - 1)}});
        let message = refused(world, annotated(262_145), "metadata.annotations", "FieldValueTooLong").await;
        assert!(message.contains("262144"), "{message}");
        world.made(json!({"metadata": annotated(262_144)})).await;
    });
}

#[test]
fn a_label_that_is_no_text_is_a_bad_request() {
    case(async |world| {
        let body = json!({"metadata": {"name": "a", "labels": {"a": 1}}});
        world.post(&world.maps(), &body).await.refused(400, "BadRequest");
    });
}

#[test]
fn metadata_that_is_no_object_is_a_bad_request() {
    case(async |world| {
        world.post(&world.maps(), &json!({"metadata": "a"})).await.refused(400, "BadRequest");
    });
}

#[test]
fn an_owner_is_named_in_full() {
    case(async |world| {
        let full = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u"});
        for field in ["apiVersion", "kind", "name", "uid"] {
            let mut owner = full.clone();
            owner[field] = "".into();
            let metadata = json!({"name": "a", "ownerReferences": [owner]});
            let status = world.post(&world.maps(), &json!({ "metadata": metadata })).await.refused(422, "Invalid");
            let told = text(&status, "/details/causes/0/field");
            assert!(told.starts_with("metadata.ownerReferences") && told.ends_with(field), "{status}");
        }
    });
}

#[test]
fn an_object_has_one_controller() {
    case(async |world| {
        let owner =
            |uid: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "name": uid, "uid": uid, "controller": true});
        let metadata = json!({"name": "a", "ownerReferences": [owner("one"), owner("two")]});
        refused(world, metadata, "metadata.ownerReferences", "FieldValueInvalid").await;
    });
}

#[test]
fn a_finalizer_has_a_qualified_name() {
    case(async |world| {
        let body = json!({"metadata": {"name": "a", "finalizers": ["not a name"]}});
        world.post(&world.maps(), &body).await.refused(422, "Invalid");
    });
}

#[test]
fn empty_labels_are_no_labels() {
    case_of(json!({"metadata": {"name": "a", "labels": {}, "annotations": null}}), async |_, object| {
        assert!(object["metadata"].get("labels").is_none(), "{object}");
        assert!(object["metadata"].get("annotations").is_none(), "{object}");
    });
}
