//! Merge patches and JSON patches.

use http::Method;

use super::harness::*;

const REJECTED: &str = "the server rejected our request due to an error in our request";

#[test]
fn a_merge_patch_sets_and_removes() {
    case_of(with_data("a", json!({"k": "1", "l": "2"})), async |world, _| {
        let object = world.merge(&world.map("a"), &json!({"data": {"k": null, "m": "3"}})).await.ok();
        assert_eq!(object["data"], json!({"l": "2", "m": "3"}));
    });
}

#[test]
fn a_merge_patch_replaces_lists() {
    case_of(json!({"metadata": {"name": "a", "finalizers": ["example.com/one"]}}), async |world, _| {
        let patch = json!({"metadata": {"finalizers": ["example.com/two"]}});
        let object = world.merge(&world.map("a"), &patch).await.ok();
        assert_eq!(object["metadata"]["finalizers"], json!(["example.com/two"]));
        world.merge(&world.map("a"), &json!({"metadata": {"finalizers": null}})).await.ok();
    });
}

#[test]
fn a_patch_that_changes_nothing_makes_no_version() {
    case_of(with_data("a", json!({"k": "1"})), async |world, made| {
        let after = world.merge(&world.map("a"), &json!({"data": {"k": "1"}})).await.ok();
        assert_eq!(version(&after), version(&made));
    });
}

#[test]
fn a_patch_from_an_old_version_conflicts() {
    case_of(named("a"), async |world, made| {
        let newer = world.merge(&world.map("a"), &json!({"data": {"k": "1"}})).await.ok();
        let patch = |object: &Value| json!({"metadata": {"resourceVersion": version(object)}, "data": {"k": "2"}});
        let status = world.merge(&world.map("a"), &patch(&made)).await.refused(409, "Conflict");
        assert!(text(&status, "/message").contains("the object has been modified"), "{status}");
        world.merge(&world.map("a"), &patch(&newer)).await.ok();
    });
}

#[test]
fn a_patch_of_another_uid_is_refused() {
    case_of(named("a"), async |world, _| {
        let told = world.merge(&world.map("a"), &json!({"metadata": {"uid": "u"}})).await;
        assert_eq!(told.invalid("metadata.uid", "FieldValueInvalid"), "Invalid value: \"u\": field is immutable");
    });
}

#[test]
fn a_patch_cannot_rename() {
    case_of(named("a"), async |world, _| {
        world.merge(&world.map("a"), &json!({"metadata": {"name": "b"}})).await.refused(400, "BadRequest");
        world.merge(&world.map("a"), &json!({"metadata": {"namespace": "b"}})).await.refused(400, "BadRequest");
    });
}

#[test]
fn a_patch_of_nothing_is_not_found() {
    case(async |world| {
        world.merge(&world.map("a"), &json!({})).await.refused(404, "NotFound");
    });
}

#[test]
fn a_patch_is_checked_like_an_update() {
    case_of(named("a"), async |world, _| {
        let patch = json!({"metadata": {"labels": {"a b": "c"}}});
        world.merge(&world.map("a"), &patch).await.invalid("metadata.labels", "FieldValueInvalid");
    });
}

#[test]
fn a_patch_that_cannot_be_read_is_a_bad_request() {
    case_of(named("a"), async |world, _| {
        for media_type in [JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH] {
            world.send(Method::PATCH, &world.map("a"), media_type, "{").await.refused(400, "BadRequest");
        }
    });
}

#[test]
fn a_patch_of_another_type_is_not_supported() {
    case_of(named("a"), async |world, _| {
        for media_type in [JSON, "text/plain", "nonsense"] {
            let told = world.patch(&world.map("a"), media_type, &json!({})).await;
            told.refused(415, "UnsupportedMediaType");
        }
    });
}

#[test]
fn a_json_patch_follows_its_operations() {
    case_of(with_data("a", json!({"k": "1", "l": "2"})), async |world, _| {
        let patch = json!([
            {"op": "test", "path": "/data/k", "value": "1"},
            {"op": "replace", "path": "/data/k", "value": "9"},
            {"op": "add", "path": "/data/m", "value": "3"},
            {"op": "copy", "from": "/data/m", "path": "/data/n"},
            {"op": "move", "from": "/data/l", "path": "/data/o"},
        ]);
        let object = world.patch(&world.map("a"), JSON_PATCH, &patch).await.ok();
        assert_eq!(object["data"], json!({"k": "9", "m": "3", "n": "3", "o": "2"}));
    });
}

#[test]
fn a_json_patch_finds_keys_with_slashes() {
    case_of(json!({"metadata": {"name": "a", "annotations": {"example.com/k": "1"}}}), async |world, _| {
        let patch = json!([{"op": "replace", "path": "/metadata/annotations/example.com~1k", "value": "2"}]);
        let object = world.patch(&world.map("a"), JSON_PATCH, &patch).await.ok();
        assert_eq!(object["metadata"]["annotations"]["example.com/k"], "2");
    });
}

#[test]
fn a_json_patch_whose_test_fails_changes_nothing() {
    case_of(with_data("a", json!({"k": "1"})), async |world, made| {
        let patch = json!([
            {"op": "replace", "path": "/data/k", "value": "2"},
            {"op": "test", "path": "/data/k", "value": "9"},
        ]);
        let status = world.patch(&world.map("a"), JSON_PATCH, &patch).await.refused(422, "Invalid");
        assert_eq!(status["message"], REJECTED);
        assert_eq!(world.get(&world.map("a")).await.ok(), made);
    });
}

#[test]
fn a_json_patch_of_what_is_not_there_is_refused() {
    case_of(named("a"), async |world, _| {
        for operation in [
            json!({"op": "remove", "path": "/data/k"}),
            json!({"op": "replace", "path": "/data/k", "value": "v"}),
            json!({"op": "add", "path": "/data/k/l", "value": "v"}),
        ] {
            world.patch(&world.map("a"), JSON_PATCH, &json!([operation])).await.refused(422, "Invalid");
        }
    });
}

#[test]
fn a_json_patch_has_no_more_than_ten_thousand_operations() {
    case_of(with_data("a", json!({"k": "v"})), async |world, _| {
        let many = vec![json!({"op": "test", "path": "/data/k", "value": "v"}); 10_001];
        let told = world.patch(&world.map("a"), JSON_PATCH, &json!(many)).await;
        told.refused(413, "RequestEntityTooLarge");
    });
}

#[test]
fn a_json_patch_of_the_status_sees_the_whole_object() {
    case_of_pod(pod("a"), async |world, pod| {
        let patch = json!([
            {"op": "test", "path": "/metadata/uid", "value": uid(&pod)},
            {"op": "test", "path": "/spec/schedulerName", "value": "nobody"},
            {"op": "add", "path": "/status/message", "value": "hello"},
        ]);
        let after = world.patch(&format!("{}/status", world.pod("a")), JSON_PATCH, &patch).await.ok();
        assert_eq!(after["status"]["message"], "hello");
    });
}
