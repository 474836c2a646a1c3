//! Durations, to the second.

use std::time::Duration;

use http::Method;
use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::Kind;
use serde_json::json;

use super::scrape::{Fate, Scraped};
use crate::harness::cluster::{Cluster, POD, R1, R2, exited};

const NEVER: (f64, f64) = (0.0, 0.0);

const SUCCEEDED: &str = "{result=\"succeeded\"}";
const FAILED: &str = "{result=\"failed\"}";
const LOST: &str = "{result=\"lost\"}";
const STOPPED: &str = "{result=\"stopped\"}";

async fn sleep(cluster: &Cluster, seconds: u64) {
    cluster.rest(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_build_lasts_from_its_claim_to_its_digest() {
    let (cluster, process) = Scraped::with_cluster().await;
    sleep(&cluster, 10).await;
    cluster.create_pool("worker", R1).await;
    sleep(&cluster, 300).await;
    cluster.succeed(R1).await;
    sleep(&cluster, 10).await;
    assert_eq!(process.measured("build_duration", SUCCEEDED).await, (1.0, 300.0));
    for result in [FAILED, LOST, STOPPED] {
        assert_eq!(process.measured("build_duration", result).await, NEVER);
    }
    assert_eq!(process.measured("queue_duration", "").await, (1.0, 0.0));
    assert_eq!(process.measured("publish_duration", "").await, (1.0, 0.0));
    let bucket = |bound| format!("build_duration_seconds_bucket{{le=\"{bound}\",result=\"succeeded\"}}");
    let samples = process.samples("build_duration_seconds_bucket").await;
    assert_eq!((samples[&bucket("120.0")], samples[&bucket("300.0")], samples[&bucket("+Inf")]), (0.0, 1.0, 1.0));
}

#[tokio::test(start_paused = true)]
async fn other_ends_are_measured_apart_and_each_attempt_by_itself() {
    let (cluster, process) = Scraped::with_cluster().await;
    sleep(&cluster, 10).await;
    cluster.create_pool("worker", R1).await;
    sleep(&cluster, 40).await;
    cluster.delete(Kind::Pod, POD).await;
    // The second attempt is due after a minute.
    sleep(&cluster, 60 + 100).await;
    cluster.set_pod(POD, json!({"phase": "Failed", "containerStatuses": [exited("image-build", 20, "")]})).await;
    sleep(&cluster, 10).await;
    cluster.roll_out("worker", R2).await;
    sleep(&cluster, 7).await;
    cluster.opt_out("worker").await;
    sleep(&cluster, 10).await;
    for (result, expected) in [(LOST, (1.0, 40.0)), (FAILED, (1.0, 100.0)), (STOPPED, (1.0, 7.0)), (SUCCEEDED, NEVER)] {
        assert_eq!(process.measured("build_duration", result).await, expected, "{result}");
    }
    assert_eq!(process.measured("queue_duration", "").await, (3.0, 0.0));
    assert_eq!(process.measured("publish_duration", "").await, NEVER);
}

#[tokio::test(start_paused = true)]
async fn a_queue_lasts_until_the_slot_is_used_restarts_included() {
    let cluster = Cluster::new().await;
    let mut settings = ActorSettings::default();
    settings.decide.concurrent_builds_max = 1;
    let first = Scraped::with(&cluster, settings.clone(), None, |_, _| Fate::Arrives).await;
    sleep(&cluster, 10).await;
    for pool in ["a", "b", "c"] {
        cluster.create_pool(pool, &format!("rendered-{pool}-1")).await;
        sleep(&cluster, 1).await;
    }
    sleep(&cluster, 97).await;
    cluster.succeed("rendered-a-1").await;
    sleep(&cluster, 100).await;
    assert_eq!(first.measured("queue_duration", "").await, (2.0, 99.0), "a waited for nothing, b for a");
    first.daemon.stop().await;
    let second = Scraped::with(&cluster, settings, None, |_, _| Fate::Arrives).await;
    cluster.succeed("rendered-b-1").await;
    sleep(&cluster, 10).await;
    assert_eq!(second.measured("queue_duration", "").await, (1.0, 198.0), "c for both of them");
    assert_eq!(second.measured("build_duration", SUCCEEDED).await, (1.0, 100.0), "b, which the first began");
}

#[tokio::test(start_paused = true)]
async fn a_publication_lasts_until_the_pool_shows_it() {
    let cluster = Cluster::new().await;
    let slow = |method: &Method, _: &str| {
        if *method == Method::DELETE { Fate::Waits(Duration::from_secs(2)) } else { Fate::Arrives }
    };
    let process = Scraped::behind(&cluster, slow).await;
    sleep(&cluster, 10).await;
    cluster.create_pool("worker", R1).await;
    sleep(&cluster, 60).await;
    cluster.succeed(R1).await;
    sleep(&cluster, 60).await;
    assert_eq!(
        process.measured("publish_duration", "").await,
        (1.0, 4.0),
        "the Pod is deleted, then both ConfigMaps at once"
    );
    assert_eq!(process.measured("build_duration", SUCCEEDED).await, (1.0, 60.0), "it was over before");
}

/// A config that was published before is shown again, and nothing was published.
#[tokio::test(start_paused = true)]
async fn a_config_that_is_wanted_again_is_no_publication() {
    let (cluster, process) = Scraped::with_cluster().await;
    cluster.build("worker", R1).await;
    cluster.roll_out("worker", R2).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.merge(Kind::MachineConfigPool, "worker", json!({"spec": {"configuration": {"name": R1}}})).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert_eq!(process.measured("publish_duration", "").await.0, 1.0);
    assert_eq!(process.measured("build_duration", STOPPED).await.0, 1.0);
    assert_eq!(process.counts().await, ["builds_started 2", "builds_succeeded 1", "builds_superseded 1"]);
}
