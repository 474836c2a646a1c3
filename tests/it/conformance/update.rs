//! Replacing objects.

use super::harness::*;

const MODIFIED: &str = "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply \
    your changes to the latest version and try again";

#[test]
fn an_update_makes_a_new_version() {
    case_of(named("a"), async |world, mut object| {
        let before = version(&object);
        object["data"] = json!({"k": "v"});
        let after = world.put(&world.map("a"), &object).await.ok();
        assert_ne!(version(&after), before);
        assert_eq!((uid(&after), &after["data"]), (uid(&object), &object["data"]));
    });
}

#[test]
fn an_update_from_an_old_version_conflicts() {
    case_of(named("a"), async |world, mut object| {
        object["data"] = json!({"k": "1"});
        world.put(&world.map("a"), &object).await.ok();
        object["data"] = json!({"k": "2"});
        let status = world.put(&world.map("a"), &object).await.refused(409, "Conflict");
        assert_eq!(status["message"], MODIFIED);
        assert_eq!(status["details"], json!({"name": "a", "kind": "configmaps"}));
    });
}

#[test]
fn an_update_that_changes_nothing_makes_no_version() {
    case_of(labelled("a", "x"), async |world, object| {
        let after = world.put(&world.map("a"), &object).await.ok();
        assert_eq!(version(&after), version(&object));
    });
}

#[test]
fn an_update_replaces_all_of_the_data() {
    case_of(with_data("a", json!({"k": "1", "l": "2"})), async |world, _| {
        let after = world.put(&world.map("a"), &with_data("a", json!({"m": "3"}))).await.ok();
        assert_eq!(after["data"], json!({"m": "3"}));
    });
}

#[test]
fn an_update_of_a_config_map_may_leave_out_its_version() {
    case_of(named("a"), async |world, _| {
        world.put(&world.map("a"), &with_data("a", json!({"k": "v"}))).await.ok();
    });
}

#[test]
fn an_update_of_a_custom_resource_names_its_version() {
    case(async |world| {
        let widgets = world.define(&world.widgets(&json!({"type": "object"}))).await;
        let widget = world.widget("a", json!({}));
        world.post(&widgets, &widget).await.ok();
        let told = world.put(&format!("{widgets}/a"), &widget).await;
        let message = told.invalid("metadata.resourceVersion", "FieldValueInvalid");
        assert!(message.ends_with("must be specified for an update"), "{message}");
    });
}

#[test]
fn an_update_of_a_lease_names_its_version() {
    case(async |world| {
        let leases = world.of("coordination.k8s.io", "leases");
        world.post(&leases, &named("a")).await.ok();
        let told = world.put(&format!("{leases}/a"), &named("a")).await;
        told.invalid("metadata.resourceVersion", "FieldValueInvalid");
    });
}

#[test]
fn an_update_of_nothing_is_not_found() {
    case(async |world| {
        let status = world.put(&world.map("a"), &named("a")).await.refused(404, "NotFound");
        assert_eq!(status["message"], "configmaps \"a\" not found");
        assert_eq!(status["details"], json!({"name": "a", "kind": "configmaps"}));
    });
}

#[test]
fn an_update_of_nothing_creates_a_lease() {
    case(async |world| {
        let told = world.put(&world.of("coordination.k8s.io", "leases/a"), &named("a")).await;
        assert_eq!(told.code, 201);
        assert_eq!(text(&told.ok(), "/metadata/name"), "a");
    });
}

#[test]
fn the_name_in_the_body_is_that_in_the_path() {
    case_of(named("a"), async |world, _| {
        world.put(&world.map("a"), &named("b")).await.refused(400, "BadRequest");
    });
}

#[test]
fn another_uid_is_a_conflict() {
    case_of(named("a"), async |world, object| {
        let status = world.put(&world.map("a"), &json!({"metadata": {"name": "a", "uid": "u"}})).await;
        let status = status.refused(409, "Conflict");
        let why = format!("Precondition failed: UID in precondition: u, UID in object meta: {}", uid(&object));
        assert!(text(&status, "/message").ends_with(&why), "{status}");
    });
}

#[test]
fn an_update_is_checked_like_a_creation() {
    case_of(named("a"), async |world, _| {
        let body = json!({"metadata": {"name": "a", "labels": {"a b": "c"}}});
        world.put(&world.map("a"), &body).await.invalid("metadata.labels", "FieldValueInvalid");
    });
}

#[test]
fn an_update_keeps_when_and_as_what_an_object_was_made() {
    case_of(named("a"), async |world, object| {
        let after = world.put(&world.map("a"), &with_data("a", json!({"k": "v"}))).await.ok();
        for field in ["uid", "creationTimestamp", "name", "namespace"] {
            assert_eq!(after["metadata"][field], object["metadata"][field], "{field}");
        }
    });
}
