//! Deleting objects.

use super::harness::*;

#[test]
fn what_nothing_holds_back_goes_at_once() {
    case_of(named("a"), async |world, object| {
        let status = world.delete(&world.map("a"), &json!({})).await.ok();
        assert_eq!((text(&status, "/kind"), text(&status, "/status")), ("Status", "Success"));
        assert_eq!(status["details"], json!({"name": "a", "kind": "configmaps", "uid": uid(&object)}));
        world.get(&world.map("a")).await.refused(404, "NotFound");
    });
}

#[test]
fn a_deletion_needs_no_body() {
    case_of(named("a"), async |world, _| {
        world.delete_by_query(&world.map("a")).await.ok();
    });
}

#[test]
fn what_is_not_there_cannot_be_deleted() {
    case(async |world| {
        let status = world.delete(&world.map("a"), &json!({})).await.refused(404, "NotFound");
        assert_eq!(status["message"], "configmaps \"a\" not found");
    });
}

#[test]
fn what_was_made_again_under_one_name_is_another_object() {
    case_of(named("a"), async |world, one| {
        world.delete(&world.map("a"), &json!({})).await.ok();
        assert_ne!(uid(&world.made(named("a")).await), uid(&one));
    });
}

#[test]
fn a_deletion_of_another_uid_conflicts() {
    case_of(named("a"), async |world, object| {
        let told = world.delete(&world.map("a"), &json!({"preconditions": {"uid": "u"}})).await;
        let status = told.refused(409, "Conflict");
        let why = format!("the UID in the precondition (u) does not match the UID in record ({})", uid(&object));
        assert!(text(&status, "/message").contains(&why), "{status}");
        world.delete(&world.map("a"), &json!({"preconditions": {"uid": uid(&object)}})).await.ok();
    });
}

#[test]
fn a_deletion_of_another_version_conflicts() {
    case_of(named("a"), async |world, object| {
        let newer = world.merge(&world.map("a"), &json!({"data": {"k": "v"}})).await.ok();
        let of = |object: &Value| json!({"preconditions": {"resourceVersion": version(object)}});
        let status = world.delete(&world.map("a"), &of(&object)).await.refused(409, "Conflict");
        assert!(text(&status, "/message").contains("the ResourceVersion in the precondition"), "{status}");
        world.delete(&world.map("a"), &of(&newer)).await.ok();
    });
}

#[test]
fn options_that_cannot_be_read_delete_nothing() {
    case_of(named("a"), async |world, _| {
        let told = world.send(http::Method::DELETE, &world.map("a"), JSON, "{").await;
        // The real server blames itself.
        assert!(told.code >= 400 && told.body["kind"] == "Status", "{told:?}");
        world.get(&world.map("a")).await.ok();
    });
}

#[test]
fn options_in_the_query_count_only_without_a_body() {
    case_of(named("a"), async |world, _| {
        world.delete(&format!("{}?dryRun=All", world.map("a")), &json!({})).await.ok();
        world.get(&world.map("a")).await.refused(404, "NotFound");
    });
}

#[test]
fn a_policy_that_nobody_knows_is_refused() {
    case_of(named("a"), async |world, _| {
        world.delete(&world.map("a"), &json!({"propagationPolicy": "Somehow"})).await.refused(422, "Invalid");
    });
}

#[test]
fn a_collection_is_deleted_by_selector() {
    case(async |world| {
        for (name, label) in [("a", "x"), ("b", "y"), ("c", "x")] {
            world.made(labelled(name, label)).await;
        }
        world.delete(&format!("{}?labelSelector=app%3Dx", world.maps()), &json!({})).await.ok();
        assert_eq!(names(&world.get(&world.maps()).await.ok()), ["b"]);
    });
}

#[test]
fn a_collection_of_all_namespaces_cannot_be_deleted() {
    case(async |world| {
        world.delete("/api/v1/configmaps", &json!({})).await.refused(405, "MethodNotAllowed");
    });
}

#[test]
fn a_namespace_that_every_cluster_needs_stays() {
    case(async |world| {
        world.delete(&format!("{NAMESPACES}/default"), &json!({})).await.refused(403, "Forbidden");
    });
}
