//! Slow answers to renewals of the lease: while each comes within the renew deadline, the holder leads.

use std::time::Duration;

use machine_os_builder::daemon::replica::ExitReason;
use machine_os_builder::simulation::Process;
use machine_os_builder::simulation::faults::link_control::{Fate, LinkRequest, Script};
use tokio::time::Instant;

use super::{TIMING, acted, is_about_the_lease, last_renewal, start, start_with};
use crate::harness::cluster::Cluster;

const MINUTES: Duration = Duration::from_secs(180);

/// A script with the fate of the n-th request for the lease. Watches of it, and all other requests, arrive.
fn lease(mut fate: impl FnMut(usize) -> Fate + Send + 'static) -> Script {
    let mut number = 0;
    Box::new(move |passing: &LinkRequest| {
        if !is_about_the_lease(passing) || passing.is_watch() {
            return Fate::Arrives;
        }
        number += 1;
        fate(number)
    })
}

fn millis(time: u64) -> [Fate; 2] {
    [Fate::Waits(Duration::from_millis(time)), Fate::AnswerWaits(Duration::from_millis(time))]
}

async fn keeps_its_lease(process: &Process, what: &str) {
    let began = Instant::now();
    while began.elapsed() < MINUTES {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(process.is_acting(), "{what}: deposed after {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_answered_slowly_from_some_time_on_is_kept() {
    for time in [1_000, 2_500, 4_000, 5_000, 6_500, 7_900] {
        for fate in millis(time) {
            let cluster = Cluster::new().await;
            let mut process = start(&cluster, "first", time);
            assert!(process.acts().await);
            process.wire().set_script(lease(move |_| fate));
            keeps_its_lease(&process, &format!("{fate:?}")).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_answered_slowly_from_the_start_is_acquired_and_kept() {
    for time in [1_000, 2_500, 4_000, 6_000, 8_000, 9_000, 9_500] {
        for fate in millis(time) {
            let cluster = Cluster::new().await;
            let mut process = start_with(&cluster, "first", time, lease(move |_| fate));
            assert!(process.acts().await, "{fate:?}");
            keeps_its_lease(&process, &format!("{fate:?} from the start")).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_slow_or_lost_in_turns_end_no_term() {
    let slow = |time| Fate::AnswerWaits(Duration::from_millis(time));
    let late = |time| Fate::Waits(Duration::from_millis(time));
    let mixtures = [
        vec![slow(3_000), Fate::Vanishes],
        vec![Fate::AnswerVanishes, Fate::Arrives, slow(9_500)],
        vec![late(5_000), Fate::Vanishes, slow(1_000)],
        vec![Fate::Fails, slow(4_000), Fate::Unanswered],
        vec![Fate::Answered(503, None), slow(2_500)],
        vec![late(9_500), Fate::Arrives],
    ];
    for mixture in mixtures {
        let cluster = Cluster::new().await;
        let mut process = start(&cluster, "first", 1);
        assert!(process.acts().await);
        let what = format!("{mixture:?}");
        process.wire().set_script(lease(move |number| mixture[number % mixture.len()]));
        keeps_its_lease(&process, &what).await;
    }
}

/// However late its renewals arrive, a process that is deposed sends nothing past its renew deadline, and never takes the
/// lease from its successor.
#[tokio::test(start_paused = true)]
async fn l36_renewals_that_arrive_when_another_leads_do_nothing() {
    for time in [11_000, 16_000, 30_000] {
        let (cluster, mut first, mut second) = super::two(time).await;
        let deadline = last_renewal(&first) + TIMING.renew_deadline;
        first.wire().set_script(lease(move |_| Fate::Waits(Duration::from_millis(time))));
        cluster.create_pool("worker", "rendered-worker-1").await;
        assert_eq!(first.ended().await, Some(ExitReason::Deposed));
        assert!(Instant::now() <= deadline, "{:?} past the renew deadline", Instant::now() - deadline);
        assert!(second.acts().await);
        keeps_its_lease(&second, &format!("late by {time} ms")).await;
        assert!(acted(&first).last() < acted(&second).first());
    }
}

#[tokio::test(start_paused = true)]
async fn a_quick_lease_is_renewed_once_in_each_retry_period() {
    let cluster = Cluster::new().await;
    let mut process = start(&cluster, "first", 1);
    assert!(process.acts().await);
    let before = process.wire().arrived().len();
    cluster.rest(Duration::from_secs(100)).await;
    let arrived = process.wire().arrived();
    let renewals = arrived[before..].iter().filter(|(_, passing)| is_about_the_lease(passing) && passing.is_write());
    let renewals = renewals.count();
    assert!((49..=50).contains(&renewals), "{renewals}");
}
