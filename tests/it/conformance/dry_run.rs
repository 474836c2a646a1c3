//! Dry runs.

use super::harness::*;

#[test]
fn a_creation_that_is_tried_stores_nothing() {
    case(async |world| {
        let told = world.post(&format!("{}?dryRun=All", world.maps()), &named("a")).await;
        assert_eq!(told.code, 201);
        assert!(!uid(&told.ok()).is_empty());
        world.get(&world.map("a")).await.refused(404, "NotFound");
    });
}

#[test]
fn a_creation_that_is_tried_is_checked() {
    case(async |world| {
        let path = format!("{}?dryRun=All", world.maps());
        world.post(&path, &named("A")).await.refused(422, "Invalid");
        world.made(named("a")).await;
        world.post(&path, &named("a")).await.refused(409, "AlreadyExists");
    });
}

#[test]
fn an_update_that_is_tried_changes_nothing() {
    case_of(named("a"), async |world, made| {
        let path = format!("{}?dryRun=All", world.map("a"));
        let tried = world.put(&path, &with_data("a", json!({"k": "v"}))).await.ok();
        assert_eq!(tried["data"]["k"], "v");
        assert_eq!(world.get(&world.map("a")).await.ok(), made);
    });
}

#[test]
fn a_patch_that_is_tried_changes_nothing() {
    case_of(named("a"), async |world, made| {
        let tried = world.merge(&format!("{}?dryRun=All", world.map("a")), &json!({"data": {"k": "v"}})).await.ok();
        assert_eq!(tried["data"]["k"], "v");
        assert_eq!(world.get(&world.map("a")).await.ok(), made);
    });
}

#[test]
fn a_deletion_that_is_tried_removes_nothing() {
    case_of(named("a"), async |world, _| {
        world.delete_by_query(&format!("{}?dryRun=All", world.map("a"))).await.ok();
        world.delete(&world.map("a"), &json!({"dryRun": ["All"]})).await.ok();
        world.get(&world.map("a")).await.ok();
    });
}

#[test]
fn a_try_of_another_sort_is_refused() {
    case(async |world| {
        let told = world.post(&format!("{}?dryRun=Some", world.maps()), &named("a")).await;
        told.invalid("dryRun", "FieldValueNotSupported");
    });
}
