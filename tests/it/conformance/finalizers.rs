//! Finalizers.

use super::harness::*;

fn held(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"app": "x"}, "finalizers": ["example.com/hold"]}})
}

#[test]
fn an_object_with_a_finalizer_stays_and_says_that_it_goes() {
    case_of(held("a"), async |world, _| {
        let object = world.delete(&world.map("a"), &json!({})).await.ok();
        assert_eq!(text(&object, "/metadata/name"), "a", "{object}");
        let object = world.get(&world.map("a")).await.ok();
        assert!(!text(&object, "/metadata/deletionTimestamp").is_empty(), "{object}");
        assert_eq!(object["metadata"]["deletionGracePeriodSeconds"], 0);
    });
}

#[test]
fn it_goes_with_its_last_finalizer() {
    case_of(held("a"), async |world, _| {
        world.delete(&world.map("a"), &json!({})).await.ok();
        let last = world.merge(&world.map("a"), &json!({"metadata": {"finalizers": null}})).await.ok();
        assert!(last["metadata"].get("finalizers").is_none(), "{last}");
        world.get(&world.map("a")).await.refused(404, "NotFound");
    });
}

#[test]
fn a_second_deletion_changes_nothing() {
    case_of(held("a"), async |world, _| {
        let one = world.delete(&world.map("a"), &json!({})).await.ok();
        let two = world.delete(&world.map("a"), &json!({})).await.ok();
        assert_eq!(one["metadata"]["deletionTimestamp"], two["metadata"]["deletionTimestamp"]);
        assert_eq!(version(&one), version(&two));
    });
}

#[test]
fn what_goes_takes_no_new_finalizers() {
    case_of(held("a"), async |world, _| {
        world.delete(&world.map("a"), &json!({})).await.ok();
        let more = json!({"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}});
        world.merge(&world.map("a"), &more).await.invalid("metadata.finalizers", "FieldValueForbidden");
    });
}

#[test]
fn what_goes_can_still_be_changed() {
    case_of(held("a"), async |world, _| {
        world.delete(&world.map("a"), &json!({})).await.ok();
        let object = world.merge(&world.map("a"), &json!({"data": {"k": "v"}})).await.ok();
        assert_eq!(object["data"]["k"], "v");
    });
}

#[test]
fn a_name_is_taken_until_its_object_is_gone() {
    case_of(held("a"), async |world, _| {
        world.delete(&world.map("a"), &json!({})).await.ok();
        let status = world.post(&world.maps(), &named("a")).await.refused(409, "AlreadyExists");
        assert_eq!(status["message"], "object is being deleted: configmaps \"a\" already exists");
    });
}

#[test]
fn a_watch_sees_it_change_and_then_go() {
    case_of(held("a"), async |world, made| {
        let query = format!("labelSelector=app&resourceVersion={}", version(&made));
        let mut watching = world.watch(&format!("{}?{query}", world.maps())).await;
        world.delete(&world.map("a"), &json!({})).await.ok();
        let object = watching.sees("MODIFIED", "a").await;
        assert!(!text(&object, "/metadata/deletionTimestamp").is_empty(), "{object}");
        world.merge(&world.map("a"), &json!({"metadata": {"finalizers": null}})).await.ok();
        watching.sees("DELETED", "a").await;
    });
}

#[test]
fn finalizers_can_be_taken_off_one_by_one() {
    case(async |world| {
        let mut body = held("a");
        body["metadata"]["finalizers"] = json!(["example.com/one", "example.com/two"]);
        world.made(body).await;
        world.delete(&world.map("a"), &json!({})).await.ok();
        let patch = json!([{"op": "remove", "path": "/metadata/finalizers/0"}]);
        let object = world.patch(&world.map("a"), JSON_PATCH, &patch).await.ok();
        assert_eq!(object["metadata"]["finalizers"], json!(["example.com/two"]));
        world.patch(&world.map("a"), JSON_PATCH, &patch).await.ok();
        world.get(&world.map("a")).await.refused(404, "NotFound");
    });
}

#[test]
fn a_namespace_that_goes_takes_nothing_new() {
    case(async |world| {
        let doomed = world.another().await;
        doomed.made(held("a")).await;
        let namespace = world.delete(&format!("{NAMESPACES}/{}", doomed.namespace), &json!({})).await.ok();
        assert_eq!(namespace["status"]["phase"], "Terminating", "{namespace}");
        let told = doomed
            .eventually("it takes nothing new", async || {
                let told = doomed.post(&doomed.maps(), &json!({"metadata": {"generateName": "b-"}})).await;
                (told.code >= 300).then_some(told)
            })
            .await;
        let bare = json!({"metadata": {"name": doomed.namespace, "labels": {"a": "b"}}});
        let namespace = world.put(&format!("{NAMESPACES}/{}", doomed.namespace), &bare).await.ok();
        assert_eq!(namespace["metadata"]["labels"]["kubernetes.io/metadata.name"], doomed.namespace.as_str());
        doomed.get(&doomed.map("a")).await.ok();
        let status = told.refused(403, "Forbidden");
        let why =
            format!("unable to create new content in namespace {} because it is being terminated", doomed.namespace);
        assert!(text(&status, "/message").ends_with(&why), "{status}");
        assert_eq!(status["details"]["causes"][0]["reason"], "NamespaceTerminating", "{status}");
        doomed.merge(&doomed.map("a"), &json!({"metadata": {"finalizers": null}})).await.ok();
    });
}
