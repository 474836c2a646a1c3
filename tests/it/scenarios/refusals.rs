//! The cluster refuses a build's writes for a while: the daemon reports it to users, and recovers by itself.

use std::time::Duration;

use machine_os_builder::actors::ActorSettings;
use machine_os_builder::simulation::Builder;
use machine_os_builder::simulation::runs::scenario::{self, Admission, Every, Run, Scenario, Users};

use super::fixture;

/// Runs a scenario in which the cluster refuses what `admission` says, and in which everything holds.
fn holds(seed: u64, builder: Builder, admission: Admission) {
    let users = Users { rollouts: Every::of(300), ..Users::default() };
    let faults = Duration::from_secs(2 * 3600);
    let scenario = Scenario { builder, users, admission, faults, ..Scenario::default() };
    let outcome = scenario::run(&Run { scenario, seed, settings: ActorSettings::default() }, None).unwrap();
    assert!(outcome.violations.is_empty(), "seed {seed}: {:#?}", outcome.violations);
    assert!(outcome.builds > 8, "{outcome:?}");
}

const OFTEN: Every = Every::of(600);

#[test]
fn a_quota_without_room_is_told_and_heals() {
    holds(1, Builder::Pod, Admission { quotas: OFTEN, ..Admission::default() });
    holds(2, Builder::OpenShift, Admission { quotas: OFTEN, ..Admission::default() });
}

#[test]
fn policies_against_build_pods_are_told_and_heal() {
    for seed in 3..5 {
        holds(seed, Builder::Pod, Admission { pod_policies: OFTEN, ..Admission::default() });
    }
}

#[test]
fn a_policy_against_patches_of_pools_is_told_and_heals() {
    for seed in 6..8 {
        holds(seed, Builder::Pod, Admission { pool_policies: OFTEN, ..Admission::default() });
    }
}

#[test]
fn a_webhook_that_is_down_is_told_and_heals() {
    for seed in 9..11 {
        holds(seed, Builder::Mixed, Admission { webhook_outages: OFTEN, ..Admission::default() });
    }
}

/// A write was tried again when the clock of its process had come to a time that was counted from before it was set.
#[test]
fn what_is_refused_is_tried_again_in_time_whatever_clocks_say() {
    let scenario = scenario::read(fixture("scenario-refusals-and-clocks.yaml").to_str().unwrap()).unwrap();
    let outcome = scenario::run(&Run { scenario, seed: 2, settings: ActorSettings::default() }, None).unwrap();
    assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
}
