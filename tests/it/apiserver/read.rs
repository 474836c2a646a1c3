//! Reading: lists, selectors, and metadata alone.

use super::*;

async fn filled() -> World {
    let world = World::new();
    for (name, label) in [("a", "x"), ("b", "y"), ("c", "x")] {
        world.made(CONFIG_MAPS, labelled(name, label)).await;
    }
    world.made("/api/v1/namespaces/kube-system/configmaps", named("d")).await;
    world
}

#[tokio::test(start_paused = true)]
async fn a_page_of_a_version_that_is_forgotten_has_expired() {
    let world = World::with(ServerOptions { event_window: 2, ..options() });
    for name in ["a", "b"] {
        world.made(CONFIG_MAPS, named(name)).await;
    }
    let (_, first) = world.get(&format!("{CONFIG_MAPS}?limit=1")).await;
    for name in ["c", "d", "e"] {
        world.made(CONFIG_MAPS, named(name)).await;
    }
    let token = first["metadata"]["continue"].as_str().unwrap();
    let (code, status) = world.get(&format!("{CONFIG_MAPS}?limit=1&continue={token}")).await;
    assert_eq!((code, &status["reason"]), (410, &json!("Expired")));
}

#[tokio::test(start_paused = true)]
async fn a_form_that_is_not_served_falls_back_or_is_refused() {
    let world = filled().await;
    let table = "application/json;as=Table;v=v1beta1;g=meta.k8s.io";
    assert_eq!(world.get_as(CONFIG_MAPS, &format!("{table},application/json")).await.1["kind"], "ConfigMapList");
    assert_eq!(world.get_as(CONFIG_MAPS, table).await.0, 406);
    assert_eq!(world.get_as(CONFIG_MAPS, "application/cbor").await.0, 406);
}
