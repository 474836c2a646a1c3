//! Leaders that stop, crash, or lose their connection: which process takes over, and when.

use std::time::Duration;

use http::Method;
use machine_os_builder::api::Kind;
use machine_os_builder::api::limits::STOP_TIMEOUT;
use machine_os_builder::daemon::replica::ExitReason;
use machine_os_builder::simulation::faults::link_control::{Fate, LinkControl, LinkRequest};
use tokio::time::Instant;

use super::{TIMING, acted, start, two};
use crate::harness::cluster::Cluster;

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_told_to_stop_hands_over_in_less_than_a_second() {
    for seed in 1..=5 {
        let (cluster, mut first, mut second) = two(seed).await;
        cluster.start_build("worker", "rendered-worker-1").await;
        let told = Instant::now();
        first.tell_to_stop();
        assert_eq!(first.ended().await, Some(ExitReason::Stopped));
        assert!(second.acts().await);
        assert!(told.elapsed() < Duration::from_secs(1), "seed {seed}: {:?}", told.elapsed());
        cluster.run("build-rendered-worker-1").await;
        cluster.publish("worker", "rendered-worker-1").await;
        assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildSucceeded"]);
        assert_eq!(cluster.build_objects().await, Vec::<String>::new());
        assert!(acted(&first).last() <= acted(&second).first(), "seed {seed}: both acted");
    }
}

/// Seeds 6706 and 7506 of the scenario `chaos`: a process was told to stop while a write of its was on its way, gave up
/// waiting for the answer, and released the lease; the write arrived when another led.
#[tokio::test(start_paused = true)]
async fn l36_a_leader_whose_writes_may_still_arrive_lets_its_lease_run_out() {
    let (cluster, mut first, mut second) = two(1).await;
    // Longer than a stop waits for, and not as long as a request is waited for.
    let late = STOP_TIMEOUT + Duration::from_millis(500);
    let is_claim = |passing: &LinkRequest| passing.method == Method::PATCH && passing.path.contains("pools/worker?");
    let script = move |passing: &LinkRequest| if is_claim(passing) { Fate::Waits(late) } else { Fate::Arrives };
    first.wire().set_script(Box::new(script));
    cluster.create_pool("worker", "rendered-worker-1").await;
    let is_sent = async || first.wire().passed().iter().any(is_claim).then_some(());
    cluster.eventually("the claim is sent", is_sent).await;
    first.tell_to_stop();
    assert_eq!(first.ended().await, Some(ExitReason::Stopped));
    assert!(second.acts().await);
    cluster.exists(Kind::Pod, "build-rendered-worker-1").await;
    cluster.rest(STOP_TIMEOUT).await;
    assert!(acted(&first).last() <= acted(&second).first(), "a write arrived when another led");
}

#[tokio::test(start_paused = true)]
async fn l36_whoever_crashes_is_succeeded_once_the_lease_has_run_out() {
    for seed in 1..=5 {
        let (cluster, mut first, mut second) = two(seed).await;
        cluster.start_build("worker", "rendered-worker-1").await;
        let crashed = Instant::now();
        first.crash();
        assert_eq!(first.ended().await, None);
        assert!(second.acts().await);
        assert!(crashed.elapsed() <= TIMING.lease_duration + TIMING.retry_period, "{:?}", crashed.elapsed());
        assert!(crashed.elapsed() > TIMING.lease_duration - TIMING.retry_period * 2, "{:?}", crashed.elapsed());
        cluster.publish("worker", "rendered-worker-1").await;
        assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildSucceeded"]);
    }
}

#[tokio::test(start_paused = true)]
async fn l36_a_leader_without_a_connection_gives_up_and_is_succeeded() {
    for is_silent in [false, true] {
        let (cluster, mut first, mut second) = two(1).await;
        cluster.start_build("worker", "rendered-worker-1").await;
        let partitioned = Instant::now();
        let begin = if is_silent { LinkControl::silence } else { LinkControl::cut };
        begin(first.wire());
        assert_eq!(first.ended().await, Some(ExitReason::Deposed));
        assert!(partitioned.elapsed() <= TIMING.renew_deadline, "{:?}", partitioned.elapsed());
        assert!(!second.is_acting(), "the lease has not run out");
        first.wire().restore();
        assert!(second.acts().await);
        assert!(partitioned.elapsed() <= TIMING.lease_duration + TIMING.retry_period, "{:?}", partitioned.elapsed());
        cluster.publish("worker", "rendered-worker-1").await;
        assert!(acted(&first).iter().all(|at| *at <= partitioned));
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_stood_still_for_longer_than_its_lease_does_nothing_more() {
    for seconds in [11, 16, 40] {
        let (cluster, mut first, mut second) = two(1).await;
        cluster.start_build("worker", "rendered-worker-1").await;
        // All at once is due what either of them would have done in that time.
        let stood_still = Instant::now();
        cluster.succeed("rendered-worker-1").await;
        tokio::time::advance(Duration::from_secs(seconds)).await;
        assert_eq!(first.ended().await, Some(ExitReason::Deposed), "{seconds} s");
        assert!(acted(&first).iter().all(|at| *at <= stood_still), "{seconds} s");
        assert!(second.acts().await);
        cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
        assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildSucceeded"]);
    }
}

#[tokio::test(start_paused = true)]
async fn of_three_each_goes_on_where_the_one_before_it_crashed() {
    let cluster = Cluster::new().await;
    let mut processes: Vec<_> =
        ["first", "second", "third"].iter().zip(1..).map(|(name, seed)| start(&cluster, name, seed)).collect();
    cluster.create_pool("worker", "rendered-worker-1").await;
    cluster.shows("worker", "BuildPending", "BuildPending").await;
    for rest in [2, 1] {
        let acting: Vec<usize> = (0..processes.len()).filter(|n| processes[*n].is_acting()).collect();
        let [leader] = acting[..] else { panic!("{acting:?} act") };
        processes.remove(leader).crash();
        cluster.rest(TIMING.lease_duration + TIMING.retry_period).await;
        assert_eq!(processes.iter().filter(|process| process.is_acting()).count(), 1, "{rest} are left");
    }
    cluster.publish("worker", "rendered-worker-1").await;
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildSucceeded"]);
    assert_eq!(cluster.build_objects().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_stands_by_sends_nothing_but_for_the_lease_and_stops_when_it_is_told() {
    let (cluster, first, mut second) = two(1).await;
    cluster.start_build("worker", "rendered-worker-1").await;
    cluster.rest(Duration::from_secs(60)).await;
    assert_eq!(acted(&second), []);
    second.tell_to_stop();
    assert_eq!(second.ended().await, Some(ExitReason::Stopped));
    assert!(first.is_acting());
}
