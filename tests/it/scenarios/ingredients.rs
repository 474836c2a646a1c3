//! The scenario passes with each ingredient alone, and with the seeds that once failed.

use std::time::Duration;

use machine_os_builder::actors::ActorSettings;
use machine_os_builder::simulation::Builder;
use machine_os_builder::simulation::runs::scenario::{self, Builds, Every, Outcome, Run, Scenario, Share, Users};

use super::fixture;

/// Runs a scenario of busy users, changed by `change`, in which everything holds.
fn holds(seed: u64, change: impl FnOnce(&mut Scenario)) -> Outcome {
    let minutes = |minutes: u64| Every::of(minutes * 60);
    let users = Users { opt_outs: minutes(15), edits: minutes(10), rollouts: minutes(6), ..Users::default() };
    let faults = Duration::from_secs(40 * 60);
    let mut scenario = Scenario { replicas: 2, builder: Builder::Mixed, users, faults, ..Scenario::default() };
    change(&mut scenario);
    let outcome = scenario::run(&Run { scenario, seed, settings: ActorSettings::default() }, None).unwrap();
    assert!(outcome.violations.is_empty(), "seed {seed}: {:#?}", outcome.violations);
    assert!(outcome.builds > 8, "{outcome:?}");
    outcome
}

#[test]
fn lagging_watches_hold() {
    holds(1, |scenario| scenario.network.lags = Every::of(180));
}

#[test]
fn events_that_come_twice_hold() {
    holds(2, |scenario| scenario.network.duplicates = Share::of(0.2));
}

#[test]
fn an_api_server_that_keeps_restarting_holds() {
    let outcome = holds(3, |scenario| scenario.network.api_server_restarts = Every::of(240));
    assert!(outcome.processes > 2, "{outcome:?}");
}

#[test]
fn clocks_that_are_wrong_hold() {
    holds(4, |scenario| {
        scenario.processes.clock_errors = Duration::from_secs(300);
        scenario.processes.crashes = Every::of(600);
    });
}

#[test]
fn conflict_storms_hold_and_make_conflicts() {
    let latency = |scenario: &mut Scenario| scenario.network.latency = Duration::from_millis(40);
    let calm = holds(5, latency);
    let stormy = holds(5, |scenario| {
        latency(scenario);
        scenario.neighbours.conflict_storms = Every::of(60);
    });
    assert!(stormy.requests > calm.requests + 20, "{} {}", stormy.requests, calm.requests);
}

#[test]
fn processes_that_stand_still_hold() {
    let outcome = holds(6, |scenario| scenario.processes.pauses = Every::of(180));
    assert!(outcome.processes > 2, "{outcome:?}");
}

/// Its pools waited for half a day for builds that never started: claimed by a clock that was ahead, and was set.
#[test]
fn seed_18_of_clocks_that_are_hours_off_ends_in_images() {
    let scenario = scenario::read(fixture("scenario-clocks.yaml").to_str().unwrap()).unwrap();
    let outcome = scenario::run(&Run { scenario, seed: 18, settings: ActorSettings::default() }, None).unwrap();
    assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
}

/// Runs builds of which half end so, as `change` says.
fn ends(seed: u64, change: impl FnOnce(&mut Builds)) {
    holds(seed, |scenario| change(&mut scenario.builds));
}

#[test]
fn builds_that_the_kubelet_rejects_are_lost_and_no_failure() {
    ends(7, |builds| builds.rejections = Share::of(0.5));
}

#[test]
fn builds_whose_end_is_unknown_or_for_which_the_disk_is_full_are_lost_and_no_failure() {
    ends(8, |builds| builds.unknown_ends = Share::of(0.5));
    ends(9, |builds| builds.full_disks = Share::of(0.5));
}

#[test]
fn builds_that_run_out_of_memory_or_time_fail() {
    ends(10, |builds| builds.out_of_memory = Share::of(0.5));
    ends(11, |builds| builds.overruns = Share::of(0.5));
}

#[test]
fn builds_that_cannot_start_their_program_or_an_init_container_fail() {
    ends(12, |builds| builds.start_errors = Share::of(0.5));
    ends(13, |builds| builds.init_failures = Share::of(0.5));
    ends(14, |builds| builds.bare_ends = Share::of(0.5));
}
