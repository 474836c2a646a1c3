//! Refused writes: how the daemon reports them, how it retries them, and how the pool recovers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use machine_os_builder::api::{Kind, Pool};
use machine_os_builder::apiserver::{AdmissionRequest, Refusal};
use machine_os_builder::daemon;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::cluster::{Cluster, POD, R1, image_on, message};

/// A refusal of some of the daemon's writes, which can be ended.
pub(super) struct Gate {
    is_closed: Arc<AtomicBool>,
    tries: Arc<AtomicUsize>,
}

pub(super) fn close(
    cluster: &Cluster,
    refusal: Refusal,
    is_meant: impl Fn(&AdmissionRequest<'_>) -> bool + Send + Sync + 'static,
) -> Gate {
    let gate = Gate { is_closed: Arc::new(AtomicBool::new(true)), tries: Arc::default() };
    let (is_closed, tries) = (gate.is_closed.clone(), gate.tries.clone());
    cluster.server.set_admission(Some(Arc::new(move |request: &AdmissionRequest<'_>| {
        if request.agent != daemon::user_agent() || !is_closed.load(Ordering::Relaxed) || !is_meant(request) {
            return None;
        }
        tries.fetch_add(1, Ordering::Relaxed);
        Some(refusal.clone())
    })));
    gate
}

impl Gate {
    pub(super) fn open(&self) {
        self.is_closed.store(false, Ordering::Relaxed);
    }
}

pub(super) fn is_pod(request: &AdmissionRequest<'_>) -> bool {
    request.resource == "pods" && request.object.is_some()
}

/// Waits for less than 15 seconds until the pool `worker` shows a refusal, and returns the message.
pub(super) async fn refused_soon(cluster: &Cluster) -> String {
    let start = Instant::now();
    let text = cluster.message("worker", "BuildPending", "BuildRefused").await;
    assert!(start.elapsed() < Duration::from_secs(15), "{text}: {:?}", start.elapsed());
    text
}

async fn finish(cluster: &Cluster) {
    cluster.exists(Kind::Pod, POD).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.publish("worker", R1).await;
    assert!(!Pool::new(&cluster.pool("worker").await).is_degraded_by_build());
    assert!(image_on(&cluster.pool("worker").await).is_some());
}

#[tokio::test(start_paused = true)]
async fn each_refusal_of_a_pod_is_shown_in_the_servers_words_within_seconds_and_heals_by_itself() {
    let policy =
        Refusal::Policy { policy: "signed".into(), binding: "all".into(), message: "images must be signed".into() };
    let limit = "maximum cpu usage per Container is 1, but limit is 4";
    for (refusal, words, command) in [
        (Refusal::quota("pods", 5), "exceeded quota: pods", "describe resourcequota"),
        (Refusal::pod_security("restricted", "image-build"), "violates PodSecurity", "get namespace"),
        (Refusal::security_context_constraints(), "unable to validate against any security context", "anyuid"),
        (policy, "images must be signed", "validatingadmissionpolicies"),
        (
            Refusal::Webhook { webhook: "p.example.com".into(), message: "no latest tags".into() },
            "no latest tags",
            "validatingwebhookconfigurations",
        ),
        (
            Refusal::webhook_down("p.example.com", "policy.ns"),
            "failed calling webhook",
            "validatingwebhookconfigurations",
        ),
        (Refusal::Forbidden(limit.into()), limit, "describe limitrange"),
    ] {
        let cluster = Cluster::new().await;
        let gate = close(&cluster, refusal, is_pod);
        let _daemon = cluster.daemon_with_pool().await;
        let text = refused_soon(&cluster).await;
        assert!(text.contains(words) && text.contains("refuses to create Pod"), "{text}");
        assert!(text.rsplit_once("; next: ").is_some_and(|(_, next)| next.contains(command)), "{text}");
        assert!(!Pool::new(&cluster.pool("worker").await).is_degraded_by_build());
        cluster.rest(Duration::from_secs(120)).await;
        assert_eq!(cluster.events("worker").await, ["BuildRefused"]);
        gate.open();
        finish(&cluster).await;
        let told = cluster.events("worker").await;
        assert_eq!(told, ["BuildRefused", "BuildStarted", "BuildSucceeded"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_lasts_fails_the_build_at_the_pending_deadline_and_heals_without_a_request() {
    let cluster = Cluster::new().await;
    let gate = close(&cluster, Refusal::webhook_down("p.example.com", "policy.ns"), is_pod);
    let daemon = cluster.daemon_with_pool().await;
    cluster.shows("worker", "BuildPending", "BuildRefused").await;
    cluster.rest(Duration::from_secs(560)).await;
    cluster.shows("worker", "BuildPending", "BuildRefused").await;
    cluster.rest(Duration::from_secs(60)).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    let pool = cluster.pool("worker").await;
    assert!(message(&pool, "BuildFailed").contains("failed calling webhook"), "{}", message(&pool, "BuildFailed"));
    assert!(Pool::new(&pool).is_degraded_by_build());
    let tries = gate.tries.load(Ordering::Relaxed);
    cluster.rest(Duration::from_secs(3600)).await;
    let more = gate.tries.load(Ordering::Relaxed) - tries;
    assert!((30..=61).contains(&more), "{more} tries in an hour, at most one a minute once the waits have grown");
    assert!(daemon.overview().await.unwrap().is_ready, "a refusal says nothing of the watches");
    assert_eq!(cluster.events("worker").await, ["BuildRefused", "BuildFailed"]);
    gate.open();
    cluster.rest(Duration::from_secs(60)).await;
    finish(&cluster).await;
}

#[tokio::test(start_paused = true)]
async fn a_policy_on_patches_of_the_pool_is_shown_in_its_status() {
    let policy = Refusal::Policy { policy: "frozen".into(), binding: "all".into(), message: "pools are frozen".into() };
    let down = Refusal::webhook_down("p.example.com", "policy.ns");
    let denied = Refusal::Webhook { webhook: "p.example.com".into(), message: "pools are frozen".into() };
    for (refusal, words) in [(policy, "frozen"), (down, "failed calling webhook"), (denied, "pools are frozen")] {
        let cluster = Cluster::new().await;
        let is_meant =
            |request: &AdmissionRequest<'_>| request.resource == "machineconfigpools" && request.subresource.is_none();
        let gate = close(&cluster, refusal, is_meant);
        let _daemon = cluster.daemon_with_pool().await;
        let text = refused_soon(&cluster).await;
        assert!(text.contains(words) && text.contains("refuses to patch MachineConfigPool worker"), "{text}");
        gate.open();
        finish(&cluster).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_may_not_be_written_is_told_by_an_event() {
    let cluster = Cluster::new().await;
    let is_meant = |request: &AdmissionRequest<'_>| {
        request.resource == "machineconfigpools" && request.subresource == Some("status")
    };
    let gate = close(&cluster, Refusal::Forbidden("status is frozen".into()), is_meant);
    let _daemon = cluster.daemon_with_pool().await;
    let is_told = async || cluster.events("worker").await.contains(&"BuildRefused".to_owned()).then_some(());
    cluster.eventually("the Event", is_told).await;
    cluster.rest(Duration::from_secs(600)).await;
    assert!(gate.tries.load(Ordering::Relaxed) < 30, "{:?}", gate.tries);
    let told = cluster.events("worker").await;
    assert_eq!(told.iter().filter(|reason| *reason == "BuildRefused").count(), 1, "{told:?}");
    gate.open();
    cluster.rest(Duration::from_secs(60)).await;
    finish(&cluster).await;
}

#[tokio::test(start_paused = true)]
async fn a_published_image_that_cannot_be_recorded_is_shown_and_recorded_once_there_is_room() {
    let (cluster, _daemon) = Cluster::with_build().await;
    // As much as fits beside what the daemon has written so far.
    let own: usize = annotations(&cluster.pool("worker").await.metadata.annotations);
    let filler = "x".repeat((256 << 10) - own - "example.com/notes".len() - 100);
    cluster.annotate("worker", "example.com/notes", &filler).await;
    cluster.succeed(R1).await;
    let text = cluster.message("worker", "BuildPending", "BuildRefused").await;
    assert!(text.contains("annotations: Too long") && text.contains("refuses to patch"), "{text}");
    cluster
        .merge(Kind::MachineConfigPool, "worker", json!({"metadata": {"annotations": {"example.com/notes": null}}}))
        .await;
    cluster.rest(Duration::from_secs(60)).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert!(image_on(&cluster.pool("worker").await).is_some());
}

fn annotations(annotations: &Option<std::collections::BTreeMap<String, String>>) -> usize {
    annotations.iter().flatten().map(|(key, value)| key.len() + value.len()).sum()
}

#[tokio::test(start_paused = true)]
async fn a_refused_pool_holds_no_slot_between_its_tries() {
    let cluster = Cluster::new().await;
    let is_meant = |request: &AdmissionRequest<'_>| is_pod(request) && request.name.contains("-a-");
    let _gate = close(&cluster, Refusal::quota("pods", 5), is_meant);
    let _daemon = cluster.daemon_deciding(|settings| settings.concurrent_builds_max = 1).await;
    cluster.create_pool("a", "rendered-a-1").await;
    cluster.shows("a", "BuildPending", "BuildRefused").await;
    cluster.create_pool("b", "rendered-b-1").await;
    cluster.exists(Kind::Pod, "build-rendered-b-1").await;
}

#[tokio::test(start_paused = true)]
async fn a_second_refusal_is_told_again() {
    let cluster = Cluster::new().await;
    let gate = close(&cluster, Refusal::quota("pods", 5), is_pod);
    let _daemon = cluster.daemon_with_pool().await;
    cluster.shows("worker", "BuildPending", "BuildRefused").await;
    gate.open();
    finish(&cluster).await;
    let _gate = close(&cluster, Refusal::quota("pods", 5), is_pod);
    cluster.roll_out("worker", "rendered-worker-2").await;
    cluster.shows("worker", "BuildPending", "BuildRefused").await;
    let refused = cluster.events("worker").await.into_iter().filter(|reason| reason == "BuildRefused").count();
    assert_eq!(refused, 2);
}

#[tokio::test(start_paused = true)]
async fn a_digest_that_may_not_be_read_is_given_up_in_the_end_and_told() {
    let cluster = Cluster::new().await;
    let is_digest = |_: &http::Method, path: &str| {
        if path.contains("/configmaps/digest-") { super::trouble::Fate::Fails } else { super::trouble::Fate::Arrives }
    };
    let _daemon = super::trouble::daemon_behind(&cluster, is_digest).await;
    cluster.start_build("worker", R1).await;
    cluster.set_pod(POD, json!({"phase": "Succeeded"})).await;
    cluster.rest(Duration::from_secs(1200)).await;
    let told = cluster.events("worker").await;
    assert!(told.contains(&"BuildRetrying".to_owned()), "{told:?}");
    let record: Value = serde_json::from_str(
        Pool::new(&cluster.pool("worker").await).annotation(machine_os_builder::api::keys::BUILD_RECORD).unwrap(),
    )
    .unwrap();
    assert!(record["lost"][0]["cause"].as_str().unwrap().contains("the connection is cut"), "{record}");
}
