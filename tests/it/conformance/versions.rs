//! One count of versions for all objects.

use super::harness::*;

fn number(object: &Value) -> u64 {
    version(object).parse().unwrap()
}

/// Runs a case in which the server refuses a list for this field of its query.
fn no_list_can_be_asked_for_with(query: &str, field: &str, reason: &str) {
    case(async |world| {
        world.get(&format!("{}?{query}", world.maps())).await.invalid(field, reason);
    });
}

#[test]
fn versions_of_all_kinds_are_counted_together() {
    case_of(named("a"), async |world, map| {
        let secret = world.post(&world.core("secrets"), &named("a")).await.ok();
        let lease = world.post(&world.of("coordination.k8s.io", "leases"), &named("a")).await.ok();
        assert!(number(&map) < number(&secret) && number(&secret) < number(&lease));
    });
}

#[test]
fn a_list_is_not_older_than_what_was_written_before_it() {
    case_of(named("a"), async |world, map| {
        let secret = world.post(&world.core("secrets"), &named("a")).await.ok();
        let list = world.get(&world.maps()).await.ok();
        assert!(number(&list) >= number(&secret) && number(&list) > number(&map), "{list}");
    });
}

#[test]
fn the_event_of_a_deletion_has_a_version_of_its_own() {
    case(async |world| {
        let mut body = labelled("a", "x");
        body["data"] = json!({"k": "1"});
        let made = world.made(body).await;
        let query = format!("labelSelector=app&resourceVersion={}", version(&made));
        let mut watching = world.watch(&format!("{}?{query}", world.maps())).await;
        world.delete(&world.map("a"), &json!({})).await.ok();
        let object = watching.sees("DELETED", "a").await;
        assert_eq!(object["data"]["k"], "1");
        assert!(number(&object) > number(&made));
    });
}

#[test]
fn a_list_can_be_of_an_older_version() {
    case_of(named("a"), async |world, _| {
        let list = world.get(&world.maps()).await.ok();
        world.made(named("b")).await;
        let at =
            |rule: &str| format!("{}?resourceVersion={}&resourceVersionMatch={rule}", world.maps(), version(&list));
        assert_eq!(names(&world.get(&at("Exact")).await.ok()), ["a"]);
        let newer = world.get(&at("NotOlderThan")).await.ok();
        assert!(number(&newer) >= number(&list) && names(&newer).contains(&"a"), "{newer}");
    });
}

#[test]
fn a_list_of_a_version_that_is_not_there_yet_times_out() {
    case(async |world| {
        let list = world.get(&world.maps()).await.ok();
        let later = number(&list) + 1_000_000;
        let path = format!("{}?resourceVersion={later}&resourceVersionMatch=NotOlderThan", world.maps());
        let status = world.get(&path).await.refused(504, "Timeout");
        assert_eq!(status["details"]["causes"][0]["reason"], "ResourceVersionTooLarge", "{status}");
    });
}

#[test]
fn a_list_of_any_version_is_answered() {
    case_of(named("a"), async |world, _| {
        let list = world.get(&format!("{}?resourceVersion=0", world.maps())).await.ok();
        assert_eq!(list["kind"], "ConfigMapList");
    });
}

#[test]
fn a_rule_for_versions_needs_a_version() {
    no_list_can_be_asked_for_with("resourceVersionMatch=Exact", "resourceVersionMatch", "FieldValueForbidden");
}

#[test]
fn exactly_any_version_makes_no_sense() {
    no_list_can_be_asked_for_with(
        "resourceVersion=0&resourceVersionMatch=Exact",
        "resourceVersionMatch",
        "FieldValueForbidden",
    );
}

#[test]
fn a_rule_for_versions_that_nobody_knows_is_refused() {
    no_list_can_be_asked_for_with(
        "resourceVersion=1&resourceVersionMatch=Somehow",
        "resourceVersionMatch",
        "FieldValueNotSupported",
    );
}

#[test]
fn a_custom_resource_counts_changes_of_its_spec() {
    case(async |world| {
        let spec = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let mut definition = world.widgets(&spec);
        definition["spec"]["versions"][0]["subresources"] = json!({"status": {}});
        let widgets = world.define(&definition).await;
        let generation = |object: Value| object["metadata"]["generation"].as_i64();
        assert_eq!(generation(world.post(&widgets, &world.widget("a", json!({"size": 1}))).await.ok()), Some(1));
        let path = format!("{widgets}/a");
        let labels = json!({"metadata": {"labels": {"a": "b"}}});
        assert_eq!(generation(world.merge(&path, &labels).await.ok()), Some(1));
        assert_eq!(generation(world.merge(&path, &json!({"spec": {"size": 2}})).await.ok()), Some(2));
        let status = json!({"status": {"x": 1}});
        assert_eq!(generation(world.merge(&format!("{path}/status"), &status).await.ok()), Some(2));
    });
}

#[test]
fn an_object_of_a_version_that_is_not_there_yet_times_out() {
    case_of(named("a"), async |world, made| {
        assert_eq!(world.get(&format!("{}?resourceVersion=0", world.map("a"))).await.ok()["kind"], "ConfigMap");
        let path = format!("{}?resourceVersion={}", world.map("a"), number(&made) + 1_000_000);
        let status = world.get(&path).await.refused(504, "Timeout");
        assert_eq!(status["details"]["causes"][0]["reason"], "ResourceVersionTooLarge", "{status}");
    });
}

#[test]
fn pages_of_a_version_are_of_that_version() {
    case(async |world| {
        for name in ["a", "b"] {
            world.made(named(name)).await;
        }
        let list = world.get(&world.maps()).await.ok();
        world.delete(&world.map("a"), &json!({})).await.ok();
        let path = format!("{}?limit=500&resourceVersion={}", world.maps(), version(&list));
        let page = world.get(&path).await.ok();
        assert_eq!((names(&page), version(&page)), (vec!["a", "b"], version(&list)));
    });
}

#[test]
fn initial_events_are_for_watches() {
    no_list_can_be_asked_for_with("sendInitialEvents=true", "sendInitialEvents", "FieldValueForbidden");
}

#[test]
fn a_pod_counts_changes_of_its_spec() {
    case(async |world| {
        let generation = |object: &Value| object["metadata"]["generation"].as_i64();
        assert_eq!(generation(&world.made_pod(bound("a")).await), Some(1));
        let labels = json!({"metadata": {"labels": {"a": "b"}}});
        assert_eq!(generation(&world.merge(&world.pod("a"), &labels).await.ok()), Some(1));
        let status = json!({"status": {"message": "hello"}});
        assert_eq!(generation(&world.merge(&format!("{}/status", world.pod("a")), &status).await.ok()), Some(1));
        let patch = json!([{"op": "replace", "path": "/spec/containers/0/image", "value": "j"}]);
        assert_eq!(generation(&world.patch(&world.pod("a"), JSON_PATCH, &patch).await.ok()), Some(2));
    });
}

#[test]
fn a_definition_counts_changes_of_its_spec() {
    case(async |world| {
        let definition = world.widgets(&json!({"type": "object"}));
        world.define(&definition).await;
        let path = format!("{DEFINITIONS}/{}", text(&definition, "/metadata/name"));
        let generation = |object: Value| object["metadata"]["generation"].as_i64();
        assert_eq!(generation(world.get(&path).await.ok()), Some(1));
        let patch = json!({"spec": {"names": {"shortNames": [world.unique("w")]}}});
        assert_eq!(generation(world.merge(&path, &patch).await.ok()), Some(2));
    });
}
