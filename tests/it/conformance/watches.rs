//! Watches. Each selects by a label, because other clients may also write to the namespace.

use super::harness::*;

async fn watched(world: &World, query: &str) -> Watching {
    world.watch(&format!("{}?labelSelector=app&{query}", world.maps())).await
}

async fn relabel(world: &World, name: &str, label: &str) -> Value {
    world.merge(&world.map(name), &json!({"metadata": {"labels": {"app": label}}})).await.ok()
}

#[test]
fn a_watch_from_a_version_sees_what_came_after_it() {
    case_of(labelled("a", "x"), async |world, made| {
        world.made(labelled("b", "x")).await;
        let mut watching = watched(world, &format!("resourceVersion={}", version(&made))).await;
        watching.sees("ADDED", "b").await;
        relabel(world, "a", "y").await;
        watching.sees("MODIFIED", "a").await;
        world.delete(&world.map("a"), &json!({})).await.ok();
        watching.sees("DELETED", "a").await;
    });
}

#[test]
fn a_watch_from_no_version_begins_with_what_is_there() {
    case_of(labelled("a", "x"), async |world, _| {
        let mut watching = watched(world, "").await;
        watching.sees("ADDED", "a").await;
        world.made(labelled("b", "x")).await;
        watching.sees("ADDED", "b").await;
    });
}

#[test]
fn a_watch_from_any_version_begins_with_what_is_there() {
    case_of(labelled("a", "x"), async |world, _| {
        // Any version may be an older one, in which it is not there yet; then it comes.
        watched(world, "resourceVersion=0").await.sees("ADDED", "a").await;
    });
}

#[test]
fn a_watch_goes_on_from_a_list() {
    case_of(labelled("a", "x"), async |world, _| {
        let list = world.get(&world.maps()).await.ok();
        world.made(labelled("b", "x")).await;
        watched(world, &format!("resourceVersion={}", version(&list))).await.sees("ADDED", "b").await;
    });
}

#[test]
fn an_event_has_the_object_as_it_was_then() {
    case_of(labelled("a", "x"), async |world, made| {
        relabel(world, "a", "y").await;
        relabel(world, "a", "z").await;
        let mut watching = watched(world, &format!("resourceVersion={}", version(&made))).await;
        assert_eq!(watching.sees("MODIFIED", "a").await["metadata"]["labels"]["app"], "y");
        assert_eq!(watching.sees("MODIFIED", "a").await["metadata"]["labels"]["app"], "z");
    });
}

#[test]
fn an_event_names_the_kind_of_its_object() {
    case_of(labelled("a", "x"), async |world, _| {
        let object = watched(world, "").await.sees("ADDED", "a").await;
        assert_eq!((text(&object, "/kind"), text(&object, "/apiVersion")), ("ConfigMap", "v1"));
    });
}

#[test]
fn a_watch_is_of_one_namespace() {
    case(async |world| {
        let other = world.another().await;
        let mut watching = watched(world, "").await;
        other.made(labelled("a", "x")).await;
        world.made(labelled("b", "x")).await;
        watching.sees("ADDED", "b").await;
        other.clean_up().await;
    });
}

#[test]
fn a_watch_is_of_one_kind() {
    case(async |world| {
        let mut watching = watched(world, "").await;
        world.post(&world.core("secrets"), &labelled("a", "x")).await.ok();
        world.made(labelled("b", "x")).await;
        watching.sees("ADDED", "b").await;
    });
}

#[test]
fn a_watch_can_be_of_one_object() {
    case_of(labelled("a", "x"), async |world, _| {
        let mut watching = world.watch(&format!("{}?fieldSelector=metadata.name%3Db", world.maps())).await;
        world.made(labelled("b", "x")).await;
        watching.sees("ADDED", "b").await;
    });
}

#[test]
fn an_object_that_begins_to_match_is_added() {
    case_of(labelled("a", "y"), async |world, _| {
        let mut watching = world.watch(&format!("{}?labelSelector=app%3Dx", world.maps())).await;
        relabel(world, "a", "x").await;
        watching.sees("ADDED", "a").await;
    });
}

#[test]
fn an_object_that_stops_matching_is_deleted() {
    case_of(labelled("a", "x"), async |world, _| {
        let mut watching = world.watch(&format!("{}?labelSelector=app%3Dx", world.maps())).await;
        watching.sees("ADDED", "a").await;
        let now = relabel(world, "a", "z").await;
        let last = watching.sees("DELETED", "a").await;
        assert_eq!((text(&last, "/metadata/labels/app"), version(&last)), ("x", version(&now)));
    });
}

#[test]
fn a_change_of_what_does_not_match_is_not_seen() {
    case_of(labelled("a", "y"), async |world, _| {
        let mut watching = world.watch(&format!("{}?labelSelector=app%3Dx", world.maps())).await;
        relabel(world, "a", "z").await;
        world.delete(&world.map("a"), &json!({})).await.ok();
        world.made(labelled("b", "x")).await;
        watching.sees("ADDED", "b").await;
    });
}

#[test]
fn a_watch_of_a_field_follows_its_changes() {
    case_of_pod(pod("a"), async |world, _| {
        let mut watching = world.watch(&format!("{}?fieldSelector=status.phase%3DRunning", world.pods())).await;
        let status = format!("{}/status", world.pod("a"));
        world.merge(&status, &json!({"status": {"phase": "Running"}})).await.ok();
        watching.sees("ADDED", "a").await;
        world.merge(&status, &json!({"status": {"phase": "Succeeded"}})).await.ok();
        watching.sees("DELETED", "a").await;
    });
}

#[test]
fn an_update_that_changes_nothing_is_not_seen() {
    case_of(labelled("a", "x"), async |world, made| {
        let mut watching = watched(world, &format!("resourceVersion={}", version(&made))).await;
        world.put(&world.map("a"), &made).await.ok();
        world.made(labelled("b", "x")).await;
        watching.sees("ADDED", "b").await;
    });
}

#[test]
fn a_watch_from_before_what_is_kept_has_expired() {
    case(async |world| {
        let widgets = world.define(&world.widgets(&json!({"type": "object"}))).await;
        // The kind was not served at that version, so the server has no changes from then.
        let event = world.watch(&format!("{widgets}?resourceVersion=1")).await.next().await.unwrap();
        assert_eq!(event["type"], "ERROR", "{event}");
        let status = &event["object"];
        assert_eq!((text(status, "/kind"), text(status, "/status")), ("Status", "Failure"));
        assert_eq!((&status["code"], text(status, "/reason")), (&json!(410), "Expired"));
        assert!(text(status, "/message").starts_with("too old resource version: 1 ("), "{status}");
    });
}

#[test]
fn a_watch_ends_at_its_timeout() {
    case(async |world| {
        let mut watching = watched(world, "timeoutSeconds=1").await;
        assert!(watching.next().await.is_none());
    });
}

#[test]
fn initial_events_end_with_a_bookmark_that_says_so() {
    case_of(labelled("a", "x"), async |world, made| {
        let query = "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
        let mut watching = watched(world, query).await;
        watching.sees("ADDED", "a").await;
        let event = watching.next().await.unwrap();
        assert_eq!(event["type"], "BOOKMARK", "{event}");
        let bookmark = &event["object"];
        assert_eq!(bookmark["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
        assert_eq!((text(bookmark, "/kind"), text(bookmark, "/apiVersion")), ("ConfigMap", "v1"));
        assert!(version(bookmark).parse::<u64>().unwrap() >= version(&made).parse().unwrap());
        world.made(labelled("b", "x")).await;
        watching.sees("ADDED", "b").await;
    });
}

#[test]
fn a_watch_goes_on_from_a_bookmark() {
    case_of(labelled("a", "x"), async |world, _| {
        let query = "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
        let mut watching = watched(world, query).await;
        watching.sees("ADDED", "a").await;
        let bookmark = watching.next().await.unwrap();
        world.made(labelled("b", "x")).await;
        let query = format!("resourceVersion={}", version(&bookmark["object"]));
        watched(world, &query).await.sees("ADDED", "b").await;
    });
}

#[test]
fn initial_events_need_a_rule_for_versions() {
    case(async |world| {
        let path = format!("{}?watch=true&sendInitialEvents=true", world.maps());
        world.get(&path).await.invalid("resourceVersionMatch", "FieldValueForbidden");
    });
}

#[test]
fn a_watch_with_a_selector_that_makes_no_sense_is_a_bad_request() {
    case(async |world| {
        world.get(&format!("{}?watch=true&labelSelector=a%20in%20(", world.maps())).await.refused(400, "BadRequest");
    });
}

#[test]
fn many_changes_come_in_order_to_every_watch() {
    case(async |world| {
        let mut watches = [watched(world, "").await, watched(world, "").await];
        let expected: Vec<String> = (0..50).map(|number| format!("m-{number:03}")).collect();
        for name in &expected {
            world.made(labelled(name, "x")).await;
        }
        for watching in &mut watches {
            for name in &expected {
                watching.sees("ADDED", name).await;
            }
        }
    });
}

#[test]
fn one_object_is_read_and_not_watched() {
    case_of(named("a"), async |world, made| {
        assert_eq!(world.get(&format!("{}?watch=true", world.map("a"))).await.ok(), made);
    });
}
