//! A cluster that is restored from a backup: its versions run backwards, and the daemon's cache is of a history that no
//! longer exists.

use std::time::Duration;

use machine_os_builder::api::Kind;
use machine_os_builder::apiserver::{ApiServer, Backup, ServerOptions};
use machine_os_builder::daemon::Daemon;
use machine_os_builder::daemon::admin::Admin;
use machine_os_builder::simulation::checks::invariants::Invariants;
use machine_os_builder::simulation::people::registry::FakeRegistry;
use serde_json::json;

use super::line::{Fault, Line, asks_for, readiness};
use crate::harness::cluster::{Cluster, R1, R2, image_on};

/// How long a daemon may take to see what happens after a restoration.
const BOUND: Duration = Duration::from_secs(30);

/// A cluster whose history is not checked: it runs backwards.
async fn restorable() -> Cluster {
    let mut cluster = Cluster::new().await;
    let elsewhere = ApiServer::new(ServerOptions::new(cluster.clock, 7));
    cluster.invariants = Invariants::attach(&elsewhere, &FakeRegistry::default());
    cluster
}

/// A cluster with a pool that is built, and more that happens after the backup that it is restored from.
async fn with_history(line: &Line) -> (Cluster, Backup, Running) {
    let mut cluster = restorable().await;
    cluster.patience = BOUND;
    let running = line.daemon(&cluster).await;
    cluster.build("worker", R1).await;
    let backup = cluster.server.back_up();
    for number in 0..200 {
        cluster.annotate("worker", "example.com/edited", &number.to_string()).await;
    }
    (cluster, backup, running)
}

type Running = (Daemon, Admin);

/// Waits until the daemon sees again, during which it must not say that it is ready while it has not seen the change.
async fn builds_again(cluster: &Cluster, admin: &Admin) {
    cluster.roll_out("worker", R2).await;
    cluster.exists(Kind::Pod, "build-rendered-worker-2").await;
    cluster.publish("worker", R2).await;
    assert!(image_on(&cluster.pool("worker").await).is_some());
    assert_eq!(readiness(admin).await, (200, "ok: leading\n".into()));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_restored_is_seen_again_where_watches_just_end() {
    for wait in [0, 1, 60, 288, 289, 291, 600] {
        println!("after {wait} s");
        let line = Line::default();
        let (mut cluster, backup, (_daemon, admin)) = with_history(&line).await;
        if wait == 289 {
            // All watches have just come to their end, as they do in their time: only that nothing arrives tells.
            cluster.patience = Duration::from_secs(100);
        }
        cluster.rest(Duration::from_secs(wait)).await;
        cluster.server.restore(&backup);
        builds_again(&cluster, &admin).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_restored_is_seen_again_where_watches_have_expired() {
    let line = Line::default();
    let (cluster, backup, (_daemon, admin)) = with_history(&line).await;
    // A server that knows that it has no such version says so, until it is listed.
    let mut listed = std::collections::BTreeSet::new();
    line.fails(move |request| {
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default();
        let scope = format!("{path} {}", query.split('&').find(|pair| pair.starts_with("fieldSelector")).unwrap_or(""));
        if !query.contains("watch=true") {
            listed.insert(scope);
            return None;
        }
        (!listed.contains(&scope)).then_some(Fault::Answer(410))
    });
    cluster.server.restore(&backup);
    builds_again(&cluster, &admin).await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_restored_while_it_was_out_of_reach_is_seen_again() {
    let line = Line::default();
    let (cluster, backup, (_daemon, admin)) = with_history(&line).await;
    line.fails(|_| Some(Fault::Answer(503)));
    cluster.server.restore(&backup);
    cluster.rest(Duration::from_secs(45)).await;
    assert_eq!(readiness(&admin).await.0, 503, "it is blind");
    line.heals();
    cluster.rest(Duration::from_secs(30)).await;
    builds_again(&cluster, &admin).await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_is_published_no_more_is_built_again() {
    let line = Line::default();
    let mut cluster = restorable().await;
    let (_daemon, admin) = line.daemon(&cluster).await;
    cluster.patience = BOUND;
    cluster.create_pool("worker", R1).await;
    let backup = cluster.server.back_up();
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.publish("worker", R1).await;
    for number in 0..50 {
        cluster.annotate("worker", "example.com/edited", &number.to_string()).await;
    }
    cluster.server.restore(&backup);
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.publish("worker", R1).await;
    assert_eq!(readiness(&admin).await.0, 200);
}

/// Watches that are cut, and servers that are restarted, are no reason to begin anew, nor to list.
#[tokio::test(start_paused = true)]
async fn a_history_that_goes_on_is_not_doubted_for_long() {
    let (cluster, line) = (Cluster::new().await, Line::default());
    let (_daemon, admin) = line.daemon(&cluster).await;
    cluster.start_build("worker", R1).await;
    line.requests();
    for plural in ["/pods", "/machineconfigpools", "/configmaps"] {
        line.goes_silent(plural);
        cluster.rest(Duration::from_secs(160)).await;
        line.heals();
        cluster.rest(Duration::from_secs(20)).await;
    }
    let lists = line.requests().into_iter().filter(|request| !request.contains("watch=true"));
    let lists: Vec<String> = lists.collect();
    assert!(lists.iter().all(|list| list.starts_with("GET") && list.contains("limit=1")), "{lists:?}");
    cluster.set_pod("build-rendered-worker-1", json!({"phase": "Running"})).await;
    cluster.shows("worker", "Building", "BuildRunning").await;
    assert_eq!(readiness(&admin).await.0, 200);
    line.fails(|request| asks_for(request, "/pods").then_some(Fault::Answer(500)));
    cluster.rest(Duration::from_secs(1)).await;
    line.heals();
}
