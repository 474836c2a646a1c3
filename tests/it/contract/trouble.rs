//! An API server that is slow, fails, loses answers, or sends no events for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::{Method, Request};
use kube::client::Body;
use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::Kind;
use machine_os_builder::apiserver::{self, ApiServer};
use machine_os_builder::clock::Clock;
use machine_os_builder::daemon::{self, Daemon};
use serde_json::json;
use tokio::time::{Instant, sleep};
use tower::{BoxError, ServiceExt as _};

use crate::harness::cluster::{Cluster, POD, R1, R2, inputs, pool};

/// The fate of a request.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fate {
    Arrives,
    /// It never arrives.
    Fails,
    /// It arrives, and its answer does not come back.
    IsUnanswered,
    /// It takes its time.
    Waits(Duration),
}

/// A daemon whose requests meet a fate, by method and path.
pub(super) async fn daemon_behind(
    cluster: &Cluster,
    fate: impl Fn(&Method, &str) -> Fate + Send + Sync + 'static,
) -> Daemon {
    let (fate, server) = (Arc::new(fate), cluster.server.service());
    let service = tower::service_fn(move |request: Request<Body>| {
        let fate = fate(request.method(), &request.uri().to_string());
        let server = server.clone();
        async move {
            if let Fate::Waits(time) = fate {
                sleep(time).await;
            }
            if fate == Fate::Fails {
                return Err::<_, BoxError>("the connection is cut".into());
            }
            let answer = server.oneshot(request).await?;
            if fate == Fate::IsUnanswered { Err("the connection is cut".into()) } else { Ok(answer) }
        }
    });
    Daemon::start(service, daemon::DaemonOptions::new(ActorSettings::default(), cluster.clock, 7)).await.unwrap()
}

/// A switch, and a daemon whose requests fail while it is on, if they are such.
async fn daemon_that_fails(cluster: &Cluster, is_meant: fn(&Method, &str) -> bool) -> (Daemon, Arc<AtomicBool>) {
    let switch = Arc::new(AtomicBool::new(false));
    let is_on = switch.clone();
    let fate = move |method: &Method, path: &str| {
        if is_on.load(Ordering::SeqCst) && is_meant(method, path) { Fate::Fails } else { Fate::Arrives }
    };
    (daemon_behind(cluster, fate).await, switch)
}

async fn built(cluster: &Cluster, rendered: &str) {
    cluster.exists(Kind::Pod, &format!("build-{rendered}")).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    cluster.publish("worker", rendered).await;
    assert_eq!(cluster.build_objects().await, [] as [&str; 0]);
}

async fn nothing_is_left(cluster: &Cluster) {
    cluster.eventually("nothing is left", async || cluster.build_objects().await.is_empty().then_some(())).await;
}

fn is_watch_or_list(method: &Method, path: &str) -> bool {
    method == Method::GET && path.contains('?')
}

#[tokio::test(start_paused = true)]
async fn l01_one_pools_slow_requests_delay_no_other() {
    let cluster = Cluster::new().await;
    let slow = |_: &Method, path: &str| {
        if path.contains("/machineconfigpools/slow") { Fate::Waits(Duration::from_secs(8)) } else { Fate::Arrives }
    };
    let _daemon = daemon_behind(&cluster, slow).await;
    cluster.create_pool("slow", "rendered-slow-1").await;
    sleep(Duration::from_secs(1)).await;
    let start = Instant::now();
    cluster.start_build("worker", R1).await;
    built(&cluster, R1).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(cluster.get(Kind::Pod, "build-rendered-slow-1").await.is_none());
    cluster.shows("slow", "BuildPending", "BuildPending").await;
}

#[tokio::test(start_paused = true)]
async fn l02_a_config_change_that_meets_errors_is_built_all_the_same() {
    let cluster = Cluster::new().await;
    let (_daemon, is_down) = daemon_that_fails(&cluster, |method, _| method != Method::GET).await;
    cluster.create_pool("worker", R1).await;
    built(&cluster, R1).await;
    is_down.store(true, Ordering::SeqCst);
    cluster.roll_out("worker", R2).await;
    cluster.rest(Duration::from_secs(60)).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
    is_down.store(false, Ordering::SeqCst);
    built(&cluster, R2).await;
}

#[tokio::test(start_paused = true)]
async fn l07_a_clean_up_that_fails_is_tried_again() {
    let cluster = Cluster::new().await;
    let (_daemon, is_down) = daemon_that_fails(&cluster, |method, _| method == Method::DELETE).await;
    cluster.start_build("worker", R1).await;
    is_down.store(true, Ordering::SeqCst);
    cluster.opt_out("worker").await;
    cluster.rest(Duration::from_secs(60)).await;
    assert_eq!(cluster.build_objects().await.len(), 3);
    is_down.store(false, Ordering::SeqCst);
    nothing_is_left(&cluster).await;
}

/// A daemon that gets no events for so long that the server no longer stores those that it missed.
async fn misses(what: impl AsyncFn(&Cluster)) -> (Cluster, Daemon) {
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
    let server =
        ApiServer::new(apiserver::ServerOptions { event_window: 4, ..apiserver::ServerOptions::new(clock, 7) });
    let cluster = Cluster::on(server, clock);
    for object in inputs() {
        cluster.create(object).await;
    }
    let (daemon, is_blind) = daemon_that_fails(&cluster, is_watch_or_list).await;
    cluster.start_build("worker", R1).await;
    is_blind.store(true, Ordering::SeqCst);
    // Longer than a watch lasts.
    cluster.rest(Duration::from_secs(400)).await;
    what(&cluster).await;
    for name in (0..10).map(|n| format!("unrelated-{n}")) {
        cluster.create(pool(&name, "")).await;
        cluster.delete(Kind::MachineConfigPool, &name).await;
        let spec = json!({"containers": [{"name": "x", "image": "registry.test/x"}]});
        cluster.create(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})).await;
        cluster.delete(Kind::Pod, &name).await;
    }
    cluster.server.clear_log();
    is_blind.store(false, Ordering::SeqCst);
    (cluster, daemon)
}

/// Whether the daemon has listed anew, rather than gone on with its watch.
fn has_listed(cluster: &Cluster, resource: &str) -> bool {
    let log = cluster.server.log();
    log.iter().any(|entry| {
        entry.agent == daemon::user_agent() && entry.verb == apiserver::Verb::List && entry.resource == resource
    })
}

#[tokio::test(start_paused = true)]
async fn l10_a_pool_that_is_missing_from_a_list_is_gone() {
    let (cluster, _daemon) = misses(async |cluster| cluster.delete(Kind::MachineConfigPool, "worker").await).await;
    nothing_is_left(&cluster).await;
    assert!(has_listed(&cluster, "machineconfigpools"));
}

#[tokio::test(start_paused = true)]
async fn l10_l40_a_daemon_that_was_blind_finds_out_what_it_missed() {
    let (cluster, _daemon) = misses(async |cluster| {
        cluster.delete(Kind::Pod, POD).await;
        cluster.roll_out("worker", R2).await;
    })
    .await;
    built(&cluster, R2).await;
    let have_listed = || ["pods", "machineconfigpools"].iter().all(|resource| has_listed(&cluster, resource));
    cluster.eventually("pods and pools are listed anew", async || have_listed().then_some(())).await;
}

#[tokio::test(start_paused = true)]
async fn l22_a_condition_set_while_a_patch_is_on_its_way_survives_it() {
    let cluster = Cluster::new().await;
    let slow = |method: &Method, path: &str| {
        let is_status = method == Method::PATCH && path.contains("/status");
        if is_status { Fate::Waits(Duration::from_secs(5)) } else { Fate::Arrives }
    };
    let _daemon = daemon_behind(&cluster, slow).await;
    cluster.create_pool("worker", R1).await;
    cluster.rest(Duration::from_secs(2)).await;
    let updated = json!({"type": "Updated", "status": "True", "reason": "AllUpdated"});
    cluster.merge_status(Kind::MachineConfigPool, "worker", json!({"status": {"conditions": [updated]}})).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    let pool = cluster.pool("worker").await;
    assert!(pool.data["status"]["conditions"].as_array().unwrap().contains(&updated), "{}", pool.data["status"]);
}

/// Loses the first answer to each request of a method, after it was carried out.
fn loses_first_answers(method: Method) -> (impl Fn(&Method, &str) -> Fate + Send + Sync + 'static, Arc<AtomicUsize>) {
    let lost = Arc::new(AtomicUsize::new(0));
    let (count, seen) = (lost.clone(), std::sync::Mutex::new(std::collections::BTreeSet::new()));
    let fate = move |of: &Method, path: &str| {
        // Names of what is created are not in the path: there, the first few answers are lost.
        let is_first = seen.lock().unwrap().insert(path.to_owned());
        let is_lost = *of == method && (is_first || (method == Method::POST && count.load(Ordering::SeqCst) < 4));
        count.fetch_add(usize::from(is_lost), Ordering::SeqCst);
        if is_lost { Fate::IsUnanswered } else { Fate::Arrives }
    };
    (fate, lost)
}

#[tokio::test(start_paused = true)]
async fn l20_what_is_gone_already_is_deleted() {
    let cluster = Cluster::new().await;
    let (fate, lost) = loses_first_answers(Method::DELETE);
    let _daemon = daemon_behind(&cluster, fate).await;
    cluster.start_build("worker", R1).await;
    cluster.delete(Kind::ConfigMap, "mc-rendered-worker-1").await;
    built(&cluster, R1).await;
    assert!(lost.load(Ordering::SeqCst) >= 2, "the pod and a ConfigMap were gone when they were deleted again");
}

#[tokio::test(start_paused = true)]
async fn l21_what_was_created_without_an_answer_is_adopted() {
    let cluster = Cluster::new().await;
    let (fate, lost) = loses_first_answers(Method::POST);
    let _daemon = daemon_behind(&cluster, fate).await;
    cluster.create_pool("worker", R1).await;
    let pod = cluster.exists(Kind::Pod, POD).await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    assert_eq!(cluster.exists(Kind::Pod, POD).await.metadata.uid, pod.metadata.uid);
    built(&cluster, R1).await;
    assert!(lost.load(Ordering::SeqCst) >= 4);
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildSucceeded"]);
}

#[tokio::test(start_paused = true)]
async fn l46_nothing_is_decided_before_every_first_list() {
    let (cluster, daemon) = Cluster::with_build().await;
    let pod = cluster.exists(Kind::Pod, POD).await;
    daemon.stop().await;
    cluster.server.clear_log();
    let slow = |method: &Method, path: &str| {
        let is_list = is_watch_or_list(method, path) && path.contains("/pods?") && !path.contains("watch");
        if is_list { Fate::Waits(Duration::from_secs(9)) } else { Fate::Arrives }
    };
    let _daemon = daemon_behind(&cluster, slow).await;
    cluster.rest(Duration::from_secs(8)).await;
    assert_eq!(cluster.daemon_requests(), [] as [&str; 0]);
    cluster.rest(Duration::from_secs(60)).await;
    assert_eq!(cluster.exists(Kind::Pod, POD).await.metadata.uid, pod.metadata.uid);
    built(&cluster, R1).await;
}

/// Events of different kinds arrive in any order. The daemon once showed a pool as failed and degraded for a moment,
/// because it did not know of an existing config yet.
#[tokio::test(start_paused = true)]
async fn l48_what_a_late_watch_has_not_told_of_is_not_missing() {
    let cluster = Cluster::new().await;
    let late = |_: &Method, path: &str| {
        let is_late = path.contains("/machineconfigs?") && path.contains("watch=true");
        if is_late { Fate::Waits(Duration::from_secs(8)) } else { Fate::Arrives }
    };
    let _daemon = daemon_behind(&cluster, late).await;
    cluster.rest(Duration::from_secs(1)).await;
    let start = Instant::now();
    cluster.start_build("worker", R1).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(cluster.events("worker").await, ["BuildStarted"]);

    cluster.create(pool("infra", "rendered-infra-1")).await;
    cluster.shows("infra", "BuildFailed", "MachineConfigMissing").await;
    assert_eq!(cluster.events("infra").await, ["ConfigInvalid"]);
}
