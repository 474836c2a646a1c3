//! Requests of a leader that cannot renew its lease, and their effects.

use std::time::Duration;

use http::Method;
use machine_os_builder::api::Kind;
use machine_os_builder::daemon::replica::ExitReason;
use machine_os_builder::simulation::Process;
use machine_os_builder::simulation::faults::link_control::{Fate, LinkRequest};
use tokio::time::{Instant, sleep};

use super::{TIMING, acted, is_about_the_lease, last_renewal, start, two};
use crate::harness::cluster::{Cluster, digest_of, image_on};

/// From here on, the process cannot renew its lease; `fate` decides the fate of all other requests.
fn keep_from_renewing(process: &Process, mut fate: impl FnMut(&LinkRequest) -> Fate + Send + 'static) {
    let script = move |passing: &LinkRequest| if is_about_the_lease(passing) { Fate::Vanishes } else { fate(passing) };
    process.wire().set_script(Box::new(script));
}

fn is_creation_of_a_pod(passing: &LinkRequest) -> bool {
    passing.method == Method::POST && passing.path.contains("/pods")
}

/// Asks for a build each second, so that there is always something to do.
async fn keep_busy(cluster: &Cluster, pools: usize) {
    for n in 0..pools {
        cluster.create_pool(&format!("pool-{n}"), &format!("rendered-pool-{n}-1")).await;
        sleep(Duration::from_secs(1)).await;
    }
}

fn assert_never_both(first: &Process, second: &Process) {
    let deadline = last_renewal(first) + TIMING.renew_deadline;
    let last = *acted(first).last().expect("it has acted");
    assert!(last <= deadline, "{:?} past the renew deadline", last - deadline);
    let next = *acted(second).first().expect("it has acted too");
    assert!(next > deadline, "{:?} before the renew deadline of the one before it", deadline - next);
}

#[tokio::test(start_paused = true)]
async fn l36_no_request_of_a_deposed_process_arrives_past_its_renew_deadline() {
    for late in [0, 700, 3_000, 9_500] {
        let (cluster, mut first, mut second) = two(late).await;
        // All other requests arrive, possibly late: the process itself has to stop sending.
        let late = Duration::from_millis(late);
        keep_from_renewing(&first, move |_| if late.is_zero() { Fate::Arrives } else { Fate::Waits(late) });
        keep_busy(&cluster, 20).await;
        assert_eq!(first.ended().await, Some(ExitReason::Deposed));
        assert!(second.acts().await);
        cluster.rest(Duration::from_secs(60)).await;
        assert_never_both(&first, &second);
    }
}

#[tokio::test(start_paused = true)]
async fn l36_a_pod_that_a_deposed_process_still_made_is_adopted_and_told_of_once() {
    let (cluster, mut first, mut second) = two(1).await;
    keep_from_renewing(&first, |passing| {
        if is_creation_of_a_pod(passing) { Fate::AnswerWaits(Duration::from_secs(30)) } else { Fate::Arrives }
    });
    sleep(Duration::from_secs(3)).await;
    cluster.create_pool("worker", "rendered-worker-1").await;
    let pod = cluster.exists(Kind::Pod, "build-rendered-worker-1").await;
    assert_eq!(first.ended().await, Some(ExitReason::Deposed));
    assert_eq!(cluster.events("worker").await, Vec::<String>::new(), "it never heard that the pod is there");
    assert!(second.acts().await);
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    assert_eq!(cluster.exists(Kind::Pod, "build-rendered-worker-1").await.metadata.uid, pod.metadata.uid);
    cluster.publish("worker", "rendered-worker-1").await;
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildSucceeded"]);
    assert_never_both(&first, &second);
}

#[tokio::test(start_paused = true)]
async fn l36_a_pod_that_a_deposed_process_made_for_an_older_config_is_undone_and_credited_to_nobody() {
    let (cluster, mut first, mut second) = two(1).await;
    keep_from_renewing(
        &first,
        |passing| {
            if is_creation_of_a_pod(passing) { Fate::AnswerVanishes } else { Fate::Arrives }
        },
    );
    cluster.create_pool("worker", "rendered-worker-1").await;
    cluster.exists(Kind::Pod, "build-rendered-worker-1").await;
    cluster.roll_out("worker", "rendered-worker-2").await;
    assert_eq!(first.ended().await, Some(ExitReason::Deposed));
    // The Pod succeeds before the new leader can delete it.
    cluster.succeed("rendered-worker-1").await;
    assert!(second.acts().await);
    cluster.is_gone(Kind::Pod, "build-rendered-worker-1").await;
    cluster.exists(Kind::Pod, "build-rendered-worker-2").await;
    cluster.publish("worker", "rendered-worker-2").await;
    let image = image_on(&cluster.pool("worker").await).unwrap();
    assert!(image.ends_with(&digest_of("rendered-worker-2")), "{image}");
    let events = cluster.events("worker").await;
    assert_eq!(events.iter().filter(|reason| *reason == "BuildSucceeded").count(), 1, "{events:?}");
    assert_never_both(&first, &second);
}

#[tokio::test(start_paused = true)]
async fn l36_a_request_is_not_waited_for_past_the_renew_deadline() {
    let (cluster, mut first, mut second) = two(1).await;
    keep_from_renewing(&first, |passing| if passing.is_watch() { Fate::Arrives } else { Fate::Vanishes });
    let deadline = last_renewal(&first) + TIMING.renew_deadline;
    sleep(Duration::from_secs(7)).await;
    cluster.create_pool("worker", "rendered-worker-1").await;
    assert_eq!(first.ended().await, Some(ExitReason::Deposed));
    assert!(Instant::now() <= deadline, "{:?} past the renew deadline", Instant::now() - deadline);
    let tried = first.wire().passed().into_iter().filter(|passing| passing.is_write() && !is_about_the_lease(passing));
    assert_eq!(tried.count(), 1, "it waits for the first to be answered");
    assert!(second.acts().await);
    cluster.shows("worker", "BuildPending", "BuildPending").await;
}

/// Two requests to renew the lease vanish, one after the other; the process used to wait for the first of them until its
/// time was up.
#[tokio::test(start_paused = true)]
async fn renewals_that_vanish_end_no_term_while_there_is_time_for_another() {
    let cluster = Cluster::new().await;
    let mut process = start(&cluster, "first", 1);
    assert!(process.acts().await);
    for fate in [Fate::Vanishes, Fate::AnswerVanishes, Fate::Unanswered] {
        let mut left = 2;
        process.wire().set_script(Box::new(move |passing| {
            let is_lost = left > 0 && is_about_the_lease(passing);
            left -= i32::from(is_lost);
            if is_lost { fate } else { Fate::Arrives }
        }));
        sleep(Duration::from_secs(60)).await;
        assert!(process.is_acting(), "{fate:?}");
    }
}
