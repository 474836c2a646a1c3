//! Watches.

use futures::StreamExt;
use kube::runtime::watcher;
use machine_os_builder::api::{Kind, Object};
use std::time::Duration;
use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_watch_from_before_the_window_has_expired() {
    let world = World::with(ServerOptions { event_window: 2, ..options() });
    let first = world.made(CONFIG_MAPS, named("a")).await;
    for name in ["b", "c", "d"] {
        world.made(CONFIG_MAPS, named(name)).await;
    }
    let mut watching = world.watch(&format!("{CONFIG_MAPS}?resourceVersion={}", version(&first))).await;
    let event = watching.next().await.unwrap();
    assert_eq!(event["type"], "ERROR");
    assert_eq!((&event["object"]["code"], &event["object"]["reason"]), (&json!(410), &json!("Expired")));
    let message = format!("too old resource version: {} ({})", version(&first), version(&first) + 1);
    assert_eq!(event["object"]["message"], message);
    assert!(watching.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_watch_of_a_quiet_kind_does_not_expire_by_changes_of_others() {
    let world = World::with(ServerOptions { event_window: 2, ..options() });
    let pool = world.made(POOLS, named("p")).await;
    for name in ["a", "b", "c", "d"] {
        world.made(CONFIG_MAPS, named(name)).await;
    }
    let mut watching = world.watch(&format!("{POOLS}?resourceVersion={}", version(&pool))).await;
    watching.is_silent().await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_at_its_timeout_with_a_bookmark() {
    let world = World::new();
    let before = Instant::now();
    let mut watching = world.watch(&format!("{CONFIG_MAPS}?timeoutSeconds=60&allowWatchBookmarks=true")).await;
    let pool = world.made(POOLS, named("p")).await;
    let metadata = json!({"resourceVersion": version(&pool).to_string(), "creationTimestamp": null, "annotations": {}});
    let object = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata});
    assert_eq!(watching.next().await, Some(json!({"type": "BOOKMARK", "object": object})));
    assert!(watching.next().await.is_none());
    assert_eq!(before.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_watch_is_told_each_minute_how_far_it_has_come_if_it_asks_for_that() {
    let world = World::new();
    let before = Instant::now();
    let mut watching = world.watch(&format!("{CONFIG_MAPS}?timeoutSeconds=290&allowWatchBookmarks=true")).await;
    for minute in 1..=4 {
        let pool = world.made(POOLS, named(&format!("p-{minute}"))).await;
        let event = watching.next().await.unwrap();
        assert_eq!((&event["type"], version(&event["object"])), (&json!("BOOKMARK"), version(&pool)));
        assert_eq!(before.elapsed().as_secs(), minute * 60);
        world.made(CONFIG_MAPS, named(&format!("m-{minute}"))).await;
        assert_eq!(watching.seen().await, seen("ADDED", &format!("m-{minute}")));
        watching.is_silent().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_without_a_timeout_or_bookmarks_ends_silently_in_half_an_hour() {
    let world = World::new();
    let before = Instant::now();
    assert!(world.watch(CONFIG_MAPS).await.next().await.is_none());
    assert_eq!(before.elapsed().as_secs(), 1800);
}

#[tokio::test(start_paused = true)]
async fn many_changes_come_in_order_to_every_watch() {
    let world = World::new();
    let mut watches = [world.watch(CONFIG_MAPS).await, world.watch(CONFIG_MAPS).await];
    let expected: Vec<String> = (0..200).map(|number| format!("m-{number:03}")).collect();
    for name in &expected {
        world.made(CONFIG_MAPS, named(name)).await;
    }
    for watching in &mut watches {
        for name in &expected {
            assert_eq!(watching.seen().await, seen("ADDED", name));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_falls_behind_the_window_has_expired() {
    let world = World::with(ServerOptions { event_window: 3, ..options() });
    let mut watching = world.watch(CONFIG_MAPS).await;
    for number in 0..10 {
        world.made(CONFIG_MAPS, named(&format!("m-{number}"))).await;
    }
    assert_eq!(watching.next().await.unwrap()["type"], "ERROR");
}

#[tokio::test(start_paused = true)]
async fn kubes_watcher_lives_through_timeouts_and_expiry() {
    let world = World::with(ServerOptions { event_window: 3, ..options() });
    let resource = Kind::ConfigMap.resource();
    let api: kube::Api<Object> = kube::Api::namespaced_with(world.client.clone(), "default", &resource);
    world.made(CONFIG_MAPS, named("a")).await;
    let mut events = std::pin::pin!(watcher(api, watcher::Config::default()));
    let mut listed = Vec::new();
    while let Some(event) = events.next().await {
        match event.unwrap() {
            watcher::Event::InitApply(object) => listed.push(object.metadata.name.unwrap()),
            watcher::Event::InitDone => break,
            _ => {}
        }
    }
    assert_eq!(listed, ["a"]);
    let waited = tokio::time::timeout(Duration::from_secs(1_000), events.next()).await;
    assert!(waited.is_err());
    for number in 0..10 {
        world.made(POOLS, named(&format!("p-{number}"))).await;
    }
    world.made(CONFIG_MAPS, named("b")).await;
    let Some(Ok(watcher::Event::Apply(object))) = events.next().await else { panic!("not told") };
    assert_eq!(object.metadata.name.as_deref(), Some("b"));
}
