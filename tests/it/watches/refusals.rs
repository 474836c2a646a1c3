//! Watches that are refused, or answered with an error.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;
use std::time::Duration;

use machine_os_builder::api::Kind;
use serde_json::json;

use super::line::{Fault, Line, asks_for, readiness, show, stale};
use crate::harness::cluster::{Cluster, R1, modern_secret, shown};

thread_local! {
    /// The log of this thread. Each test has a thread of its own, and all its tasks run on it.
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The log of the test that asks.
struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Logs, for all tests from here on: a subscriber of one test's own would miss what another test said first.
    fn start() -> Self {
        static STARTED: Once = Once::new();
        STARTED.call_once(|| tracing_subscriber::fmt().with_ansi(false).with_writer(|| Log).init());
        Self
    }

    fn lines(&self, part: &str) -> Vec<String> {
        let text = String::from_utf8(LOGGED.with_borrow(Clone::clone)).unwrap();
        text.lines().filter(|line| line.contains(part)).map(str::to_owned).collect()
    }
}

/// Refuses to list or watch the Secret `push`.
fn refuse_push(line: &Line) {
    line.fails(|request| {
        let is_push = request.uri().query().is_some_and(|query| query.contains("metadata.name%3Dpush&"));
        (asks_for(request, "/secrets") && is_push).then_some(Fault::Answer(403))
    });
}

#[tokio::test(start_paused = true)]
async fn l40_a_secret_that_may_not_be_watched_is_named_with_the_verb_and_not_asked_for_in_a_hurry() {
    let log = Log::start();
    let (cluster, line) = (Cluster::new().await, Line::default());
    refuse_push(&line);
    let (daemon, admin) = line.daemon(&cluster).await;
    cluster.create_pool("worker", R1).await;
    cluster.rest(Duration::from_secs(600)).await;
    assert!(shown(&cluster.pool("worker").await).is_empty());
    let (code, text) = readiness(&admin).await;
    assert_eq!(code, 503);
    for part in ["\nSecret push for ", "403 Forbidden", "the verb list on secrets"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(stale(&daemon).await, ["Secret push"]);
    let refused = log.lines("refused to watch");
    assert!(refused[0].contains("Secret push") && refused[0].contains("list"), "{refused:?}");
    assert!(refused.len() < 10, "{refused:?}");
    let requests = line.requests().iter().filter(|request| request.contains("%3Dpush&")).count();
    assert!((20..60).contains(&requests), "{requests} in ten minutes");

    line.heals();
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    assert_eq!(readiness(&admin).await.0, 200);
    assert_eq!(log.lines("alive again").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn l40_a_watch_that_is_not_wanted_any_more_is_not_missed() {
    let (cluster, line) = (Cluster::new().await, Line::default());
    refuse_push(&line);
    let (daemon, admin) = line.daemon(&cluster).await;
    cluster.create_pool("worker", R1).await;
    cluster.rest(Duration::from_secs(60)).await;
    assert_eq!(stale(&daemon).await, ["Secret push"]);
    cluster.create(modern_secret("other")).await;
    let data = json!({"data": {"finalImagePushSecretName": "other"}});
    cluster.merge(Kind::ConfigMap, "on-cluster-build-config", data).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    assert_eq!(readiness(&admin).await.0, 200);
    cluster.rest(Duration::from_secs(600)).await;
    assert_eq!(stale(&daemon).await, [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn l40_a_watch_that_may_be_listed_and_not_watched_names_that_verb() {
    let (cluster, line) = (Cluster::new().await, Line::default());
    line.fails(|request| {
        let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        (asks_for(request, "/machineconfigs") && is_watch).then_some(Fault::Answer(403))
    });
    let (_daemon, admin) = line.daemon(&cluster).await;
    cluster.rest(Duration::from_secs(20)).await;
    assert_eq!(readiness(&admin).await, (200, "ok: leading\n".into()), "what was listed is not old yet");
    cluster.rest(Duration::from_secs(40)).await;
    let (code, text) = readiness(&admin).await;
    assert!(code == 503 && text.contains("\nMachineConfigs for "), "{text}");
    assert!(text.contains("the verb watch on machineconfigs"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn l40_a_server_that_fails_for_a_while_makes_the_daemon_unready_until_it_recovers() {
    let (cluster, line) = (Cluster::new().await, Line::default());
    let (daemon, admin) = line.daemon(&cluster).await;
    cluster.start_build("worker", R1).await;
    line.goes_silent("/pods");
    line.fails(|request| asks_for(request, "/pods").then_some(Fault::Answer(500)));
    cluster.succeed(R1).await;
    cluster.rest(Duration::from_secs(250)).await;
    let (code, text) = readiness(&admin).await;
    assert_eq!(code, 503);
    assert!(text.contains("\nPods for ") && text.contains("500 Internal Server Error"), "{text}");
    line.heals();
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(readiness(&admin).await, (200, "ok: leading\n".into()));
    assert_eq!(stale(&daemon).await, [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn l40_a_daemon_that_starts_while_the_server_fails_says_which_watches_it_lacks() {
    let (cluster, line) = (Cluster::new().await, Line::default());
    line.fails(|request| asks_for(request, "/machineconfigpools").then_some(Fault::Answer(500)));
    let (_daemon, admin) = line.daemon(&cluster).await;
    cluster.rest(Duration::from_secs(10)).await;
    assert_eq!(readiness(&admin).await, (503, "not every watch is listed yet\n".into()));
    cluster.rest(Duration::from_secs(50)).await;
    assert!(readiness(&admin).await.1.contains("\nMachineConfigPools for "));
    line.heals();
    cluster.rest(Duration::from_secs(60)).await;
    assert_eq!(readiness(&admin).await, (200, "ok: leading\n".into()));
}

#[tokio::test(start_paused = true)]
async fn l40_builds_that_the_cluster_does_not_serve_are_no_stale_watch() {
    let (cluster, line) = (Cluster::without_builds().await, Line::default());
    let (_daemon, admin) = line.daemon(&cluster).await;
    cluster.rest(Duration::from_secs(1)).await;
    for _ in 0..360 {
        assert_eq!(readiness(&admin).await, (200, "ok: leading\n".into()));
        cluster.rest(Duration::from_secs(10)).await;
    }
    assert!(show(&admin, "/metrics").await.1.contains("machine_os_builder_stale_watches 0\n"));
}
