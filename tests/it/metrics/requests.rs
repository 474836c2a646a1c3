//! Requests by verb, code and latency.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use machine_os_builder::api::Kind;
use machine_os_builder::apiserver::Verb;
use machine_os_builder::daemon;

use super::scrape::{Fate, Scraped};
use crate::harness::cluster::{Cluster, R1};

async fn built(cluster: &Cluster) {
    cluster.create_pool("worker", R1).await;
    cluster.exists(Kind::Pod, "build-rendered-worker-1").await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.publish("worker", R1).await;
}

fn requests(verb: &str, code: &str) -> String {
    format!("requests_total{{verb=\"{verb}\",code=\"{code}\"}}")
}

/// A fate for the first `times` requests that `is_meant`.
fn at_first(times: usize, fate: Fate, is_meant: fn(&Method, &str) -> bool) -> impl FnMut(&Method, &str) -> Fate + Send {
    let mut left = times;
    move |method, target| {
        if left > 0 && is_meant(method, target) {
            left -= 1;
            return fate;
        }
        Fate::Arrives
    }
}

#[tokio::test(start_paused = true)]
async fn each_request_is_counted_as_the_api_server_saw_it() {
    let (cluster, process) = Scraped::with_cluster().await;
    built(&cluster).await;
    cluster.rest(Duration::from_secs(400)).await;
    let counted = process.samples("requests_total").await;
    let mut seen = BTreeMap::<String, f64>::new();
    for entry in cluster.server.log().iter().filter(|entry| entry.agent == daemon::user_agent()) {
        *seen.entry(requests(entry.verb.as_str(), &entry.code.to_string())).or_default() += 1.0;
    }
    assert_eq!(counted, seen);
    for verb in [Verb::Get, Verb::List, Verb::Watch, Verb::Create, Verb::Patch, Verb::Delete] {
        let verb = verb.as_str();
        assert!(counted.keys().any(|name| name.contains(&format!("verb=\"{verb}\""))), "{verb}: {counted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_and_retries_are_counted_each_by_itself() {
    let is_create = |method: &Method, _: &str| *method == Method::POST;
    for (fate, code) in [
        (Fate::IsRefused(429), "429"),
        (Fate::IsRefused(503), "503"),
        (Fate::Fails, "error"),
        (Fate::IsUnanswered, "error"),
    ] {
        let cluster = Cluster::new().await;
        let process = Scraped::behind(&cluster, at_first(2, fate, is_create)).await;
        built(&cluster).await;
        assert_eq!(process.sample(&requests("create", code)).await, 2.0, "{fate:?}");
        // Both ConfigMaps are created at once, and each is found to be there.
        let (created, adopted) = if fate == Fate::IsUnanswered { (3.0, Some(2.0)) } else { (5.0, None) };
        assert_eq!(process.sample(&requests("create", "201")).await, created, "{fate:?}");
        let conflicts = process.samples("requests_total").await.get(&requests("create", "409")).copied();
        assert_eq!(conflicts, adopted, "{fate:?}");
        assert_eq!(process.counts().await, ["builds_started 1", "builds_succeeded 1"]);
    }
}

#[tokio::test(start_paused = true)]
async fn l18_conflicts_are_counted_as_requests_and_not_as_builds() {
    let is_status = |method: &Method, target: &str| *method == Method::PATCH && target.contains("/status");
    let cluster = Cluster::new().await;
    let process = Scraped::behind(&cluster, at_first(10, Fate::IsRefused(409), is_status)).await;
    built(&cluster).await;
    assert_eq!(process.sample(&requests("patch", "409")).await, 10.0);
    assert_eq!(process.counts().await, ["builds_started 1", "builds_succeeded 1"]);
}

#[tokio::test(start_paused = true)]
async fn latencies_are_those_of_each_try() {
    let slow = |method: &Method, target: &str| match *method {
        Method::GET if target.contains("/machineconfigs/") => Fate::Waits(Duration::from_secs(3)),
        Method::DELETE => Fate::Waits(Duration::from_millis(1500)),
        _ => Fate::Arrives,
    };
    let cluster = Cluster::new().await;
    let process = Scraped::behind(&cluster, slow).await;
    built(&cluster).await;
    let of = async |verb: &str| process.measured("request_duration", &format!("{{verb=\"{verb}\"}}")).await;
    // The MachineConfig; and, at once, the digest that there is none of.
    assert_eq!(of("get").await, (2.0, 3.0));
    assert_eq!(of("delete").await, (3.0, 4.5));
    assert_eq!(of("create").await, (5.0, 0.0));
    // However long a watch lasts, its answer begins at once.
    let (watches, latency) = of("watch").await;
    assert!(watches >= 5.0 && latency == 0.0, "{watches} {latency}");

    let mut total = BTreeMap::<String, f64>::new();
    for (name, number) in process.samples("requests_total").await {
        let verb = name.split('"').nth(1).unwrap().to_owned();
        *total.entry(verb).or_default() += number;
    }
    for (verb, number) in total {
        assert_eq!(of(&verb).await.0, number, "each request has a latency: {verb}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_takes_as_long_as_it_was_waited_for() {
    let is_config = |_: &Method, target: &str| target.contains("/machineconfigs/");
    let cluster = Cluster::new().await;
    let hour = Fate::Waits(Duration::from_secs(3600));
    let process = Scraped::behind(&cluster, at_first(1, hour, is_config)).await;
    built(&cluster).await;
    assert_eq!(process.sample(&requests("get", "error")).await, 1.0);
    assert_eq!(process.measured("request_duration", "{verb=\"get\"}").await, (3.0, 10.0));
}
