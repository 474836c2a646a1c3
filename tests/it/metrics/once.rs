//! The daemon reports and counts each transition once, despite crashes, errors and retries.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use http::Method;
use kube::api::{DeleteParams, ListParams};
use machine_os_builder::api::{Kind, keys};
use serde_json::json;

use super::scrape::{Fate, Scraped};
use crate::harness::cluster::{Cluster, POD, R1, exited, foreign_pod, pool};

async fn fail(cluster: &Cluster) {
    cluster.set_pod(POD, json!({"phase": "Failed", "containerStatuses": [exited("image-build", 20, "no")]})).await;
}

/// The counts that match the Events of a pool.
async fn told(cluster: &Cluster) -> BTreeMap<String, f64> {
    let mut told = BTreeMap::new();
    for reason in cluster.events("worker").await {
        let name = match reason.as_str() {
            "BuildStarted" => "builds_started",
            "BuildSucceeded" => "builds_succeeded",
            "BuildFailed" => "builds_failed",
            "BuildRetrying" => "builds_retried",
            "BuildSuperseded" => "builds_superseded",
            "ConfigInvalid" => "invalid_inputs",
            "RebuildRequested" => "rebuild_requests",
            "OptedOut" => "opt_outs",
            _ => panic!("{reason} is not counted"),
        };
        *told.entry(name.to_owned()).or_default() += 1.0;
    }
    told
}

/// The same, summed up from the counts of several processes.
fn summed(counts: &[String]) -> BTreeMap<String, f64> {
    let mut sum = BTreeMap::new();
    for count in counts {
        let (name, number) = count.rsplit_once(' ').unwrap();
        *sum.entry(name.split('{').next().unwrap().to_owned()).or_default() += number.parse::<f64>().unwrap();
    }
    sum
}

/// The actions of users and the cluster in a story, 10 seconds for each step.
type Story = fn(&Cluster, u32) -> BoxFuture<'_, ()>;

/// A first attempt that is lost, and a second that succeeds.
fn lost_and_built(cluster: &Cluster, step: u32) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        match step {
            2 => drop(cluster.api(Kind::Pod).delete(POD, &DeleteParams::default()).await),
            12 => cluster.succeed(R1).await,
            _ => {}
        }
    })
}

/// A build is superseded twice, by another config and by a rebuild, before the pool is opted out.
fn superseded_and_left(cluster: &Cluster, step: u32) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        match step {
            3 => cluster.roll_out("worker", "rendered-worker-2").await,
            6 => cluster.annotate("worker", keys::REBUILD, "").await,
            9 => cluster.opt_out("worker").await,
            _ => {}
        }
    })
}

/// The counts of a process that `is_dead` at some time and of its successor; None if it lives on.
async fn counts_of_both(
    cluster: &Cluster,
    story: Story,
    first: Scraped,
    is_dead: impl Fn() -> bool,
) -> Option<Vec<String>> {
    let (mut first, mut second, mut counts) = (Some(first), None, Vec::new());
    cluster.create_pool("worker", R1).await;
    for step in 0..16 {
        cluster.rest(Duration::from_secs(10)).await;
        if let Some(dead) = first.take_if(|_| is_dead()) {
            counts = dead.counts().await;
            dead.daemon.kill().await;
            second = Some(Scraped::start(cluster).await);
        }
        story(cluster, step).await;
    }
    counts.extend(second?.counts().await);
    Some(counts)
}

/// Lets so many writes of a process arrive; the last of them as `end` says, and nothing after it.
fn dies_after(last: usize, end: Fate, writes: Arc<AtomicUsize>) -> impl FnMut(&Method, &str) -> Fate + Send {
    move |method, _| {
        let write = writes.load(Ordering::SeqCst) + 1;
        if *method != Method::GET {
            writes.store(write, Ordering::SeqCst);
        }
        match write.cmp(&last) {
            std::cmp::Ordering::Less => Fate::Arrives,
            std::cmp::Ordering::Equal if *method == Method::GET => Fate::Arrives,
            std::cmp::Ordering::Equal => end,
            std::cmp::Ordering::Greater => Fate::Fails,
        }
    }
}

/// Runs a story once for each write at which the first process may die by `end`, and expects the same Events.
async fn play(story: Story, end: Fate, expected: &[(&str, f64)]) {
    let expected: BTreeMap<String, f64> = expected.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
    for last in 1.. {
        let (cluster, writes) = (Cluster::new().await, Arc::new(AtomicUsize::new(0)));
        let first = Scraped::behind(&cluster, dies_after(last, end, writes.clone())).await;
        let is_dead = || writes.load(Ordering::SeqCst) >= last;
        let Some(counts) = counts_of_both(&cluster, story, first, is_dead).await else {
            assert!(last > 20, "the story is short: {last}");
            return;
        };
        let (counted, told) = (summed(&counts), told(&cluster).await);
        assert_eq!(told, expected, "{last}");
        // A process that dies before the answer does not know that its write succeeded: one Event at most is not
        // counted.
        let uncounted = told.values().sum::<f64>() - counted.values().sum::<f64>();
        assert!(uncounted == 0.0 || (uncounted == 1.0 && end == Fate::IsUnanswered), "{last}: {told:?} {counted:?}");
        assert!(counted.iter().all(|(name, number)| *number <= told[name]), "{last}: {told:?} {counted:?}");
    }
}

const LOST_AND_BUILT: [(&str, f64); 3] = [("builds_started", 2.0), ("builds_retried", 1.0), ("builds_succeeded", 1.0)];
const SUPERSEDED_AND_LEFT: [(&str, f64); 4] =
    [("builds_started", 3.0), ("builds_superseded", 2.0), ("rebuild_requests", 1.0), ("opt_outs", 1.0)];

#[tokio::test(start_paused = true)]
async fn l18_whenever_a_process_dies_its_successor_counts_what_was_not_told_and_nothing_else() {
    play(lost_and_built, Fate::Fails, &LOST_AND_BUILT).await;
    play(superseded_and_left, Fate::Fails, &SUPERSEDED_AND_LEFT).await;
}

#[tokio::test(start_paused = true)]
async fn l18_whenever_a_process_dies_without_an_answer_nothing_is_counted_twice() {
    play(lost_and_built, Fate::IsUnanswered, &LOST_AND_BUILT).await;
    play(superseded_and_left, Fate::IsUnanswered, &SUPERSEDED_AND_LEFT).await;
}

#[tokio::test(start_paused = true)]
async fn l18_a_successor_does_not_count_what_was_told_before_it() {
    let (cluster, first) = Scraped::with_cluster().await;
    cluster.start_build("worker", R1).await;
    assert_eq!(first.counts().await, ["builds_started 1"]);
    first.daemon.kill().await;
    fail(&cluster).await;
    let second = Scraped::start(&cluster).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    assert_eq!(second.counts().await, ["builds_failed{cause=\"build\"} 1"], "the cause is on record");
    second.daemon.stop().await;
    let third = Scraped::start(&cluster).await;
    cluster.rest(Duration::from_secs(3600)).await;
    assert_eq!(third.counts().await, [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn l18_the_cause_of_a_failure_outlives_the_process_that_saw_it() {
    let cluster = Cluster::new().await;
    // The failure is put on record, and the Event about it does not arrive.
    let mut events = 0;
    let first = Scraped::behind(&cluster, move |method, target| {
        events += usize::from(*method == Method::POST && target.contains("/events"));
        if events > 1 { Fate::Fails } else { Fate::Arrives }
    })
    .await;
    cluster.start_build("worker", R1).await;
    let end = json!({"phase": "Failed", "containerStatuses": [exited("image-build", 41, "denied")]});
    cluster.set_pod(POD, end).await;
    cluster.rest(Duration::from_secs(10)).await;
    first.daemon.kill().await;
    assert_eq!(cluster.events("worker").await, ["BuildStarted"]);
    let second = Scraped::start(&cluster).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    assert_eq!(second.counts().await, ["builds_failed{cause=\"push_denied\"} 1"]);
}

#[tokio::test(start_paused = true)]
async fn l18_what_cannot_be_shown_is_counted_once_however_often_that_is_tried() {
    let cluster = Cluster::new().await;
    let process = Scraped::behind(&cluster, |method, target| {
        if *method == Method::PATCH && target.contains("/status") { Fate::IsRefused(409) } else { Fate::Arrives }
    })
    .await;
    cluster.create_pool("infra", "not-rendered").await;
    cluster.rest(Duration::from_secs(3600)).await;
    let refused = process.sample("requests_total{verb=\"patch\",code=\"409\"}").await;
    assert!(refused > 100.0, "it is tried again and again: {refused}");
    assert_eq!(process.counts().await, ["invalid_inputs{reason=\"MachineConfigNotRendered\"} 1"]);
    assert_eq!(cluster.events("infra").await, ["ConfigInvalid"]);
}

/// API servers forget Events after an hour or so.
#[tokio::test(start_paused = true)]
async fn l18_what_is_shown_is_not_told_again_when_its_event_is_long_gone() {
    let (cluster, first) = Scraped::with_cluster().await;
    cluster.start_build("worker", R1).await;
    fail(&cluster).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    cluster.create(pool("infra", "rendered-infra-1")).await;
    cluster.shows("infra", "BuildFailed", "MachineConfigMissing").await;
    cluster.create(foreign_pod("build-rendered-edge-1", json!({}))).await;
    cluster.create_pool("edge", "rendered-edge-1").await;
    cluster.shows("edge", "BuildFailed", "NameConflict").await;
    cluster.build("core", "rendered-core-1").await;
    cluster.start_build("last", "rendered-last-1").await;
    cluster.rest(Duration::from_secs(5)).await;

    first.daemon.stop().await;
    let events = cluster.api(Kind::Event);
    for event in events.list(&ListParams::default()).await.unwrap() {
        events.delete(&event.metadata.name.unwrap(), &DeleteParams::default()).await.unwrap();
    }
    let second = Scraped::start(&cluster).await;
    cluster.rest(Duration::from_secs(500)).await;
    assert_eq!(second.counts().await, [] as [&str; 0]);
    assert_eq!(events.list(&ListParams::default()).await.unwrap().items, []);
}

#[tokio::test(start_paused = true)]
async fn a_loss_is_told_even_if_nobody_was_there_while_the_next_attempt_was_not_due() {
    let cluster = Cluster::new().await;
    // It records the loss, which is its third patch of the pool, and nothing more.
    let mut patches = 0;
    let first = Scraped::behind(&cluster, move |method, target| {
        if patches >= 3 {
            return Fate::Fails;
        }
        patches += usize::from(*method == Method::PATCH && !target.contains("/status"));
        Fate::Arrives
    })
    .await;
    cluster.start_build("worker", R1).await;
    cluster.delete(Kind::Pod, POD).await;
    cluster.rest(Duration::from_secs(5)).await;
    first.daemon.kill().await;
    cluster.rest(Duration::from_secs(600)).await;
    assert_eq!(cluster.events("worker").await, ["BuildStarted"]);
    let second = Scraped::start(&cluster).await;
    cluster.exists(Kind::Pod, POD).await;
    cluster.rest(Duration::from_secs(5)).await;
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildRetrying", "BuildStarted"]);
    assert_eq!(second.counts().await, ["builds_retried 1", "builds_started 1"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_api_server_does_not_let_be_told_is_not_counted_and_in_nobodys_way() {
    let cluster = Cluster::new().await;
    let process = Scraped::behind(&cluster, |method, target| {
        if *method == Method::POST && target.contains("/events") { Fate::IsRefused(403) } else { Fate::Arrives }
    })
    .await;
    cluster.build("worker", R1).await;
    assert_eq!(process.counts().await, [] as [&str; 0]);
    assert_eq!(process.sample("requests_total{verb=\"create\",code=\"403\"}").await, 2.0);
}
