//! Label and field selectors.

use super::harness::*;

async fn selected(world: &World, path: &str, parameter: &str, selector: &str) -> Told {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair(parameter, selector).finish();
    world.get(&format!("{path}?{query}")).await
}

/// Makes sure that each selector finds these of four ConfigMaps.
async fn labels_select(world: &World, cases: &[(&str, &[&str])]) {
    for (name, label) in [("a", "x"), ("b", "y"), ("c", "x")] {
        world.made(labelled(name, label)).await;
    }
    world.made(named("d")).await;
    for (selector, expected) in cases {
        let list = selected(world, &world.maps(), "labelSelector", selector).await.ok();
        assert_eq!(&names(&list), expected, "{selector}");
    }
}

#[test]
fn labels_select_by_equality() {
    case(async |world| {
        let cases: [(&str, &[&str]); 3] = [("app=x", &["a", "c"]), ("app==y", &["b"]), ("app!=x", &["b", "d"])];
        labels_select(world, &cases).await;
    });
}

#[test]
fn labels_select_by_sets() {
    case(async |world| {
        let cases: [(&str, &[&str]); 3] =
            [("app in (x, y)", &["a", "b", "c"]), ("app notin (x)", &["b", "d"]), ("app in (x,y),app!=y", &["a", "c"])];
        labels_select(world, &cases).await;
    });
}

#[test]
fn labels_select_by_being_there() {
    case(async |world| {
        let cases: [(&str, &[&str]); 3] = [("app", &["a", "b", "c"]), ("!app", &["d"]), ("", &["a", "b", "c", "d"])];
        labels_select(world, &cases).await;
    });
}

#[test]
fn a_label_selector_that_makes_no_sense_is_a_bad_request() {
    case(async |world| {
        for selector in ["a b c", "a in (", "a in x", "=x", "a=b=c", "a/b/c=d"] {
            selected(world, &world.maps(), "labelSelector", selector).await.refused(400, "BadRequest");
        }
    });
}

#[test]
fn names_select() {
    case(async |world| {
        for name in ["a", "b"] {
            world.made(named(name)).await;
        }
        let list = selected(world, &world.maps(), "fieldSelector", "metadata.name=b").await.ok();
        assert_eq!(names(&list), ["b"]);
        let list = selected(world, &world.maps(), "fieldSelector", "metadata.name!=b").await.ok();
        assert_eq!(names(&list), ["a"]);
    });
}

#[test]
fn namespaces_select() {
    case_of(named("a"), async |world, _| {
        let selector = format!("metadata.namespace={}", world.namespace);
        let list = selected(world, "/api/v1/configmaps", "fieldSelector", &selector).await.ok();
        assert_eq!(names(&list), ["a"]);
    });
}

#[test]
fn a_field_that_does_not_select_is_a_bad_request() {
    case(async |world| {
        for resource in [world.maps(), world.pods()] {
            let status = selected(world, &resource, "fieldSelector", "data=1").await.refused(400, "BadRequest");
            assert!(text(&status, "/message").contains("data"), "{status}");
        }
    });
}

#[test]
fn a_field_selector_that_makes_no_sense_is_a_bad_request() {
    case(async |world| {
        selected(world, &world.maps(), "fieldSelector", "nonsense").await.refused(400, "BadRequest");
    });
}

#[test]
fn pods_are_selected_by_phase_and_node() {
    case_of_pod(pod("a"), async |world, _| {
        world.made_pod(bound("b")).await;
        for (selector, expected) in [
            ("spec.nodeName=nowhere", vec!["b"]),
            ("spec.nodeName=", vec!["a"]),
            ("status.phase=Pending", vec!["a", "b"]),
            ("status.phase=Running", vec![]),
            ("spec.restartPolicy=Always,metadata.name=a", vec!["a"]),
        ] {
            let list = selected(world, &world.pods(), "fieldSelector", selector).await.ok();
            assert_eq!(names(&list), expected, "{selector}");
        }
    });
}

#[test]
fn secrets_are_selected_by_type() {
    case(async |world| {
        let secrets = world.core("secrets");
        world.post(&secrets, &named("a")).await.ok();
        world.post(&secrets, &json!({"metadata": {"name": "b"}, "type": "example.com/t"})).await.ok();
        let list = selected(world, &secrets, "fieldSelector", "type=example.com/t").await.ok();
        assert_eq!(names(&list), ["b"]);
    });
}

#[test]
fn events_are_selected_by_what_they_are_about() {
    case(async |world| {
        let events = world.core("events");
        for name in ["a", "b"] {
            let about = json!({"kind": "ConfigMap", "name": name, "namespace": world.namespace});
            let event = json!({"metadata": {"name": name}, "involvedObject": about, "reason": name});
            world.post(&events, &event).await.ok();
        }
        for selector in ["involvedObject.kind=ConfigMap,involvedObject.name=b", "reason=b"] {
            let list = selected(world, &events, "fieldSelector", selector).await.ok();
            assert_eq!(names(&list), ["b"], "{selector}");
        }
    });
}

#[test]
fn custom_resources_are_selected_by_the_fields_that_their_definition_names() {
    case(async |world| {
        let spec = json!({"type": "object", "properties": {"color": {"type": "string"}, "size": {"type": "string"}}});
        let mut definition = world.widgets(&spec);
        definition["spec"]["versions"][0]["selectableFields"] = json!([{"jsonPath": ".spec.color"}]);
        let widgets = world.define(&definition).await;
        for (name, color) in [("a", "red"), ("b", "blue")] {
            world.post(&widgets, &world.widget(name, json!({"color": color}))).await.ok();
        }
        let list = selected(world, &widgets, "fieldSelector", "spec.color=blue").await.ok();
        assert_eq!(names(&list), ["b"]);
        selected(world, &widgets, "fieldSelector", "spec.size=1").await.refused(400, "BadRequest");
    });
}

#[test]
fn labels_select_by_number() {
    case(async |world| {
        for (name, label) in [("a", "1"), ("b", "2"), ("c", "x")] {
            world.made(labelled(name, label)).await;
        }
        for (selector, expected) in [("app>1", vec!["b"]), ("app<2", vec!["a"]), ("app>0,app<9", vec!["a", "b"])] {
            let list = selected(world, &world.maps(), "labelSelector", selector).await.ok();
            assert_eq!(names(&list), expected, "{selector}");
        }
        selected(world, &world.maps(), "labelSelector", "app>x").await.refused(400, "BadRequest");
    });
}

#[test]
fn pods_are_selected_by_who_is_to_schedule_them() {
    case_of_pod(pod("a"), async |world, _| {
        let list = selected(world, &world.pods(), "fieldSelector", "spec.schedulerName=nobody").await.ok();
        assert_eq!(names(&list), ["a"]);
        let list = selected(world, &world.pods(), "fieldSelector", "spec.schedulerName!=nobody").await.ok();
        assert!(names(&list).is_empty(), "{list}");
    });
}
