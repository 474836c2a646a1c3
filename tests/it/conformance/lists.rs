//! Lists, and the pages that they come in.

use super::harness::*;

async fn filled(world: &World) {
    for name in ["a", "b", "c"] {
        world.made(labelled(name, "x")).await;
    }
}

#[test]
fn a_list_names_its_kind_and_has_a_version() {
    case(async |world| {
        let list = world.get(&world.maps()).await.ok();
        assert_eq!((text(&list, "/kind"), text(&list, "/apiVersion")), ("ConfigMapList", "v1"));
        assert!(!version(&list).is_empty());
        assert!(list["items"].is_array());
    });
}

#[test]
fn a_list_is_in_the_order_of_the_names() {
    case(async |world| {
        for name in ["b", "a", "c"] {
            world.made(named(name)).await;
        }
        assert_eq!(names(&world.get(&world.maps()).await.ok()), ["a", "b", "c"]);
    });
}

#[test]
fn a_list_is_of_one_namespace_or_of_all() {
    case(async |world| {
        let other = World::another(world).await;
        let name = world.unique("a");
        world.made(named(&name)).await;
        other.made(named(&name)).await;
        assert_eq!(names(&world.get(&world.maps()).await.ok()), [name.as_str()]);
        let all = world.get(&format!("/api/v1/configmaps?fieldSelector=metadata.name%3D{name}")).await.ok();
        assert_eq!(names(&all).len(), 2);
        other.clean_up().await;
    });
}

#[test]
fn a_list_in_a_namespace_that_is_not_there_is_empty() {
    case(async |world| {
        let list = world.get(&format!("{NAMESPACES}/{}/configmaps", world.unique("missing"))).await.ok();
        assert!(names(&list).is_empty());
    });
}

#[test]
fn items_of_built_in_kinds_do_not_name_their_kind() {
    case_of(named("a"), async |world, _| {
        let list = world.get(&world.maps()).await.ok();
        assert!(list["items"][0].get("kind").is_none(), "{list}");
    });
}

#[test]
fn items_of_custom_kinds_name_their_kind() {
    case(async |world| {
        let widgets = world.define(&world.widgets(&json!({"type": "object"}))).await;
        world.post(&widgets, &world.widget("a", json!({}))).await.ok();
        let list = world.get(&widgets).await.ok();
        assert_eq!((text(&list, "/kind"), text(&list, "/items/0/kind")), ("WidgetList", "Widget"));
    });
}

#[test]
fn a_page_has_as_many_items_as_asked_for_and_says_how_many_more_there_are() {
    case(async |world| {
        filled(world).await;
        let secrets = world.core("secrets");
        for name in ["a", "b", "c"] {
            world.post(&secrets, &named(name)).await.ok();
        }
        let page = world.get(&format!("{secrets}?limit=2")).await.ok();
        assert_eq!((names(&page), &page["metadata"]["remainingItemCount"]), (vec!["a", "b"], &json!(1)));
        assert!(!text(&page, "/metadata/continue").is_empty());
    });
}

#[test]
fn pages_are_of_one_version() {
    case(async |world| {
        filled(world).await;
        let path = format!("{}?labelSelector=app%3Dx&limit=2", world.maps());
        let first = world.get(&path).await.ok();
        assert_eq!(names(&first), ["a", "b"]);
        world.made(labelled("d", "x")).await;
        world.delete(&world.map("c"), &json!({})).await.ok();
        let token = text(&first, "/metadata/continue");
        let second = world.get(&format!("{path}&continue={token}")).await.ok();
        assert_eq!((names(&second), version(&second)), (vec!["c"], version(&first)));
    });
}

#[test]
fn the_last_page_has_nothing_after_it() {
    case(async |world| {
        filled(world).await;
        let path = format!("{}?labelSelector=app%3Dx&limit=2", world.maps());
        let first = world.get(&path).await.ok();
        let second = world.get(&format!("{path}&continue={}", text(&first, "/metadata/continue"))).await.ok();
        assert_eq!(text(&second, "/metadata/continue"), "", "{second}");
    });
}

#[test]
fn a_page_by_selector_does_not_count_what_is_left() {
    case(async |world| {
        filled(world).await;
        let page = world.get(&format!("{}?labelSelector=app%3Dx&limit=1", world.maps())).await.ok();
        assert!(page["metadata"].get("remainingItemCount").is_none(), "{page}");
        assert!(!text(&page, "/metadata/continue").is_empty());
    });
}

#[test]
fn a_limit_that_is_not_reached_makes_no_pages() {
    case(async |world| {
        filled(world).await;
        let list = world.get(&format!("{}?limit=500", world.maps())).await.ok();
        assert_eq!((names(&list).len(), text(&list, "/metadata/continue")), (3, ""));
    });
}

#[test]
fn a_token_that_nobody_gave_is_a_bad_request() {
    case(async |world| {
        let status = world.get(&format!("{}?limit=1&continue=nonsense", world.maps())).await.refused(400, "BadRequest");
        assert!(text(&status, "/message").contains("continue"), "{status}");
    });
}

#[test]
fn a_token_goes_without_a_version() {
    case(async |world| {
        filled(world).await;
        let path = format!("{}?labelSelector=app%3Dx&limit=2", world.maps());
        let first = world.get(&path).await.ok();
        let both =
            format!("{path}&continue={}&resourceVersion={}", text(&first, "/metadata/continue"), version(&first));
        world.get(&both).await.refused(400, "BadRequest");
    });
}

#[test]
fn a_limit_that_is_no_number_is_a_bad_request() {
    case(async |world| {
        world.get(&format!("{}?limit=x", world.maps())).await.refused(400, "BadRequest");
    });
}

#[test]
fn what_is_not_there_is_not_found() {
    case(async |world| {
        let status = world.get(&world.map("a")).await.refused(404, "NotFound");
        assert_eq!(status["message"], "configmaps \"a\" not found");
        assert_eq!(status["details"], json!({"name": "a", "kind": "configmaps"}));
    });
}
