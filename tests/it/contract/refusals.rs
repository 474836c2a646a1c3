//! The daemon reports the API server's refusals, besides retrying.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::conditions::DEGRADED;
use machine_os_builder::api::{Kind, Pool, keys};
use machine_os_builder::daemon::{self, Daemon};
use machine_os_builder::simulation::faults::link_control::{Fate, Link, LinkControl, LinkRequest};
use serde_json::json;
use tokio::time::Instant;

use super::refused::refused_soon;
use crate::harness::cluster::{Cluster, POD, R1, image_on, message};

/// A daemon of these settings, whose requests meet what `script` says.
async fn behind(
    cluster: &Cluster,
    settings: ActorSettings,
    script: impl FnMut(&LinkRequest) -> Fate + Send + 'static,
) -> (Daemon, LinkControl) {
    let (link, wire) = Link::new(cluster.server.service(), Box::new(script));
    let daemon = Daemon::start(link, daemon::DaemonOptions::new(settings, cluster.clock, 7)).await.unwrap();
    (daemon, wire)
}

fn is_pod(passing: &LinkRequest) -> bool {
    passing.method == Method::POST && passing.path.contains("/pods")
}

fn is_event(passing: &LinkRequest) -> bool {
    passing.method == Method::POST && passing.path.contains("/events")
}

fn refuses_pods(passing: &LinkRequest) -> Fate {
    if is_pod(passing) { Fate::Answered(404, None) } else { Fate::Arrives }
}

/// Settings with this deadline for a build that has not started.
fn giving_up_after(seconds: u64) -> ActorSettings {
    let mut settings = ActorSettings::default();
    settings.decide.pending_deadline = Duration::from_secs(seconds);
    settings
}

/// Nothing was shown but that the pool waited for a slot.
#[tokio::test(start_paused = true)]
async fn a_pod_that_has_no_place_to_be_created_in_is_told_of_and_given_up_in_the_end() {
    let cluster = Cluster::new().await;
    let (_daemon, wire) = behind(&cluster, ActorSettings::default(), refuses_pods).await;
    cluster.create_pool("worker", R1).await;
    let text = cluster.message("worker", "BuildPending", "BuildRefused").await;
    assert!(text.contains("refuses to create") && text.contains("a fault of the simulation"), "{text}");
    cluster.rest(Duration::from_secs(660)).await;
    let text = cluster.message("worker", "BuildFailed", "BuildFailed").await;
    assert!(text.contains("refuses to create") && text.contains("a fault of the simulation"), "{text}");
    assert_eq!(cluster.events("worker").await, ["BuildRefused", "BuildFailed"]);

    wire.set_script(Box::new(|_| Fate::Arrives));
    cluster.exists(Kind::Pod, "build-rendered-worker-1").await;
    cluster.publish("worker", R1).await;
}

/// A webhook on all creations also delays Events, and the daemon once did nothing else until they were stored.
#[tokio::test(start_paused = true)]
async fn events_that_cannot_be_told_keep_nothing_from_being_shown_and_are_told_later() {
    for fate in [Fate::Answered(500, None), Fate::Vanishes] {
        let cluster = Cluster::new().await;
        let meets =
            move |passing: &LinkRequest| if is_pod(passing) || is_event(passing) { fate } else { Fate::Arrives };
        let (_daemon, wire) = behind(&cluster, ActorSettings::default(), meets).await;
        cluster.create_pool("worker", R1).await;
        let start = Instant::now();
        cluster.shows("worker", "BuildPending", "BuildRefused").await;
        assert!(start.elapsed() < Duration::from_secs(45), "{fate:?}: {:?}", start.elapsed());
        wire.set_script(Box::new(|_| Fate::Arrives));
        cluster.exists(Kind::Pod, POD).await;
        cluster.publish("worker", R1).await;
        cluster.rest(Duration::from_secs(120)).await;
        let told = cluster.events("worker").await;
        for reason in ["BuildRefused", "BuildStarted", "BuildSucceeded"] {
            assert_eq!(told.iter().filter(|told| *told == reason).count(), 1, "{fate:?}: {told:?}");
        }
    }
}

/// The next try came first where the Event of the last was answered late, and the cause was shown after several.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_shown_before_the_next_try() {
    let cluster = Cluster::new().await;
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = requests.clone();
    let meets = move |passing: &LinkRequest| {
        let (name, fate) = match passing {
            _ if is_event(passing) => return Fate::Vanishes,
            _ if is_pod(passing) => ("create", Fate::Answered(404, None)),
            _ if passing.path.contains("/status") => ("show", Fate::Arrives),
            _ => return Fate::Arrives,
        };
        seen.lock().unwrap().push(name);
        fate
    };
    let (_daemon, _wire) = behind(&cluster, ActorSettings::default(), meets).await;
    cluster.create_pool("worker", R1).await;
    cluster.shows("worker", "BuildPending", "BuildRefused").await;
    let requests = requests.lock().unwrap();
    let first = requests.iter().position(|name| *name == "create").unwrap();
    assert_eq!(requests[first + 1], "show", "{requests:?}");
}

/// The pool still showed the failure of the build before, because another controller had just written the status. The
/// daemon took it for a failure of this build: it showed the refusal as a failure at once, without an Event.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_where_the_failure_of_an_earlier_build_is_still_shown() {
    let cluster = Cluster::new().await;
    let (_daemon, wire) = behind(&cluster, ActorSettings::default(), |_| Fate::Arrives).await;
    cluster.start_build("worker", R1).await;
    cluster.set_pod(POD, json!({"phase": "Failed"})).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    cluster.rest(Duration::from_secs(10)).await;
    let mut conflicts = 1..=1;
    wire.set_script(Box::new(move |passing| match passing {
        _ if is_pod(passing) => Fate::Answered(404, None),
        _ if passing.path.contains("/status") && conflicts.next().is_some() => Fate::Answered(409, None),
        _ => Fate::Arrives,
    }));
    cluster.roll_out("worker", "rendered-worker-2").await;
    cluster.rest(Duration::from_secs(15)).await;
    cluster.shows("worker", "BuildPending", "BuildRefused").await;
    assert!(!Pool::new(&cluster.pool("worker").await).is_true(DEGRADED));
    cluster.rest(Duration::from_secs(660)).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildFailed", "BuildRefused", "BuildFailed"]);
}

/// An API server waits for a webhook for ten seconds, and then says which did not answer.
#[tokio::test(start_paused = true)]
async fn a_webhook_that_hangs_is_shown_within_15_seconds() {
    let cluster = Cluster::new().await;
    let down = machine_os_builder::apiserver::Refusal::webhook_down("p.example.com", "policy.ns");
    cluster.server.set_admission(Some(std::sync::Arc::new(move |request| {
        (request.resource == "pods" && request.agent == daemon::user_agent()).then(|| down.clone())
    })));
    let meets = |passing: &LinkRequest| {
        if is_pod(passing) { Fate::AnswerWaits(Duration::from_millis(10_050)) } else { Fate::Arrives }
    };
    let (_daemon, _wire) = behind(&cluster, ActorSettings::default(), meets).await;
    cluster.create_pool("worker", R1).await;
    let text = refused_soon(&cluster).await;
    assert!(text.contains("failed calling webhook"), "{text}");
}

/// The pod is young, though its attempt is old: it was given up within a second.
#[tokio::test(start_paused = true)]
async fn a_pod_that_is_made_late_as_it_was_refused_has_its_whole_time_to_start() {
    let cluster = Cluster::new().await;
    let (_daemon, wire) = behind(&cluster, giving_up_after(20), refuses_pods).await;
    cluster.create_pool("worker", R1).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    cluster.rest(Duration::from_secs(60)).await;
    wire.set_script(Box::new(|_| Fate::Arrives));
    cluster.exists(Kind::Pod, POD).await;
    cluster.rest(Duration::from_secs(10)).await;
    let told = cluster.events("worker").await;
    assert_eq!(told, ["BuildRefused", "BuildFailed", "BuildStarted"]);
    cluster.publish("worker", R1).await;
}

/// The pool waited for its next try, a minute later.
#[tokio::test(start_paused = true)]
async fn a_refusal_fails_the_build_at_the_deadline_and_not_with_the_next_try() {
    let cluster = Cluster::new().await;
    let (_daemon, _wire) = behind(&cluster, giving_up_after(100), refuses_pods).await;
    cluster.create_pool("worker", R1).await;
    let start = Instant::now();
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    assert!(start.elapsed() < Duration::from_secs(103), "{:?}", start.elapsed());
}

/// Before each try, a process that had not written the ConfigMap itself read the MachineConfig that is in it already.
#[tokio::test(start_paused = true)]
async fn a_machine_config_that_is_in_its_config_map_is_not_read_before_each_try_that_is_refused() {
    let cluster = Cluster::new().await;
    let (daemon, _wire) = behind(&cluster, ActorSettings::default(), refuses_pods).await;
    cluster.create_pool("worker", R1).await;
    cluster.shows("worker", "BuildPending", "BuildRefused").await;
    daemon.stop().await;
    let (reads, tries) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
    let (read, tried) = (reads.clone(), tries.clone());
    let meets = move |passing: &LinkRequest| {
        *read.lock().unwrap() += u32::from(passing.path.contains("/machineconfigs/rendered-worker-1"));
        *tried.lock().unwrap() += u32::from(is_pod(passing));
        if is_pod(passing) { Fate::Answered(404, None) } else { Fate::Arrives }
    };
    let (_daemon, wire) = behind(&cluster, ActorSettings::default(), meets).await;
    cluster.rest(Duration::from_secs(600)).await;
    let (reads, tries) = (*reads.lock().unwrap(), *tries.lock().unwrap());
    assert!(reads == 1 && tries > 5, "{reads} reads for {tries} tries");
    wire.set_script(Box::new(|_| Fate::Arrives));
    cluster.exists(Kind::Pod, POD).await;
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_is_shown_and_holds_no_slot() {
    let cluster = Cluster::new().await;
    let is_meant = |passing: &LinkRequest| passing.path.contains("/machineconfigs/rendered-worker-1");
    let meets = move |passing: &LinkRequest| if is_meant(passing) { Fate::Answered(500, None) } else { Fate::Arrives };
    let mut settings = ActorSettings::default();
    settings.decide.concurrent_builds_max = 1;
    let (_daemon, wire) = behind(&cluster, settings, meets).await;
    cluster.create_pool("worker", R1).await;
    let text = cluster.message("worker", "BuildPending", "BuildRefused").await;
    assert!(text.contains("refuses to show MachineConfig rendered-worker-1"), "{text}");
    cluster.create_pool("infra", "rendered-infra-1").await;
    cluster.exists(Kind::Pod, "build-rendered-infra-1").await;
    wire.set_script(Box::new(|_| Fate::Arrives));
    cluster.set_pod("build-rendered-infra-1", json!({"phase": "Failed"})).await;
    cluster.exists(Kind::Pod, POD).await;
}

#[tokio::test(start_paused = true)]
async fn a_clean_up_that_is_refused_is_no_failure_of_a_build_that_is_done() {
    let cluster = Cluster::new().await;
    let meets = |passing: &LinkRequest| {
        if passing.method == Method::DELETE { Fate::Answered(404, None) } else { Fate::Arrives }
    };
    let is_delete = |passing: &LinkRequest| passing.method == Method::DELETE;
    let (_daemon, wire) = behind(&cluster, giving_up_after(20), meets).await;
    wire.set_script(Box::new(
        move |passing| if is_delete(passing) { Fate::Answered(422, None) } else { Fate::Arrives },
    ));
    cluster.start_build("worker", R1).await;
    cluster.succeed(R1).await;
    cluster.shows("worker", "BuildPending", "BuildRefused").await;
    cluster.rest(Duration::from_secs(90)).await;
    let pool = cluster.pool("worker").await;
    cluster.shows("worker", "BuildPending", "BuildRefused").await;
    assert!(image_on(&pool).is_some() && !Pool::new(&pool).is_true(DEGRADED));
    assert!(message(&pool, "BuildPending").contains("refuses to delete Pod"), "{}", message(&pool, "BuildPending"));
    wire.set_script(Box::new(|_| Fate::Arrives));
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    assert!(!cluster.events("worker").await.contains(&"BuildFailed".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_status_that_may_not_be_written_is_never_told_as_a_failed_build() {
    let cluster = Cluster::new().await;
    let is_status = |passing: &LinkRequest| passing.method == Method::PATCH && passing.path.contains("/worker/status");
    let meets = move |passing: &LinkRequest| if is_status(passing) { Fate::Answered(403, None) } else { Fate::Arrives };
    let (_daemon, _wire) = behind(&cluster, ActorSettings::default(), meets).await;
    cluster.create_pool("worker", R1).await;
    cluster.exists(Kind::Pod, POD).await;
    cluster.set_pod(POD, json!({"phase": "Running"})).await;
    cluster.rest(Duration::from_secs(1200)).await;
    let told = cluster.events("worker").await;
    assert!(told.contains(&"BuildRefused".to_owned()) && !told.contains(&"BuildFailed".to_owned()), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_meets_a_conflict_again_and_again_is_shown() {
    let cluster = Cluster::new().await;
    let meets = |passing: &LinkRequest| if is_pod(passing) { Fate::Answered(409, None) } else { Fate::Arrives };
    let (_daemon, _wire) = behind(&cluster, ActorSettings::default(), meets).await;
    cluster.create_pool("worker", R1).await;
    refused_soon(&cluster).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_to_be_left_alone_for_long_is_shown_at_once_and_left_alone() {
    let cluster = Cluster::new().await;
    let meets = |passing: &LinkRequest| if is_pod(passing) { Fate::Answered(429, Some(30)) } else { Fate::Arrives };
    let (_daemon, wire) = behind(&cluster, ActorSettings::default(), meets).await;
    cluster.create_pool("worker", R1).await;
    let start = Instant::now();
    cluster.shows("worker", "BuildPending", "BuildRefused").await;
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    wire.set_script(Box::new(|_| Fate::Arrives));
    cluster.exists(Kind::Pod, POD).await;
    assert!(start.elapsed() >= Duration::from_secs(30), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_opt_out_that_is_refused_is_told() {
    let cluster = Cluster::new().await;
    let (_daemon, wire) = behind(&cluster, ActorSettings::default(), |_| Fate::Arrives).await;
    cluster.start_build("worker", R1).await;
    let is_pool =
        |passing: &LinkRequest| passing.method == Method::PATCH && passing.path.contains("/machineconfigpools/");
    wire.set_script(Box::new(move |passing| if is_pool(passing) { Fate::Answered(403, None) } else { Fate::Arrives }));
    let label = json!({"metadata": {"labels": {keys::LAYERING_ENABLED: null}}});
    cluster.merge(Kind::MachineConfigPool, "worker", label).await;
    let is_told = async || cluster.events("worker").await.contains(&"BuildRefused".to_owned()).then_some(());
    cluster.eventually("the Event", is_told).await;
    wire.set_script(Box::new(|_| Fate::Arrives));
    cluster.is_gone(Kind::Pod, POD).await;
}
