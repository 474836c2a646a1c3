//! Each preset passes for some seeds; `.ci/run` runs many more.

use machine_os_builder::simulation::Trace;
use machine_os_builder::simulation::runs::scenario::{self, Outcome};

use super::preset;
use crate::harness::written::Written;

/// Runs a preset, in which everything holds.
fn holds(name: &str, seed: u64, minutes: u64) -> Outcome {
    let outcome = scenario::run(&preset(name, seed, minutes), None).unwrap();
    assert!(outcome.violations.is_empty(), "{name}, seed {seed}: {:#?}", outcome.violations);
    outcome
}

#[test]
fn happy_holds_and_every_config_is_built_once() {
    let outcome = holds("happy", 1, 60);
    assert_eq!(outcome.processes, 1);
    assert!(outcome.builds >= 10, "{outcome:?}");
    assert!(outcome.requests <= 20 * outcome.builds, "{outcome:?}");
}

#[test]
fn churn_holds() {
    assert!(holds("churn", 2, 45).builds > 10);
}

#[test]
fn failures_holds_and_lost_builds_are_tried_again() {
    let outcome = holds("failures", 3, 45);
    assert!(outcome.builds > outcome.pushed, "{outcome:?}");
}

#[test]
fn restarts_holds_over_many_processes() {
    assert!(holds("restarts", 4, 45).processes > 5);
}

#[test]
fn failover_holds_over_many_processes() {
    assert!(holds("failover", 5, 45).processes > 5);
}

#[test]
fn chaos_holds() {
    let mut run = preset("chaos", 6, 45);
    run.scenario.swarm = false;
    let outcome = scenario::run(&run, None).unwrap();
    assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
    assert!(outcome.processes > 2 && outcome.builds > 10, "{outcome:?}");
}

#[test]
fn scale_holds() {
    let mut run = preset("scale", 8, 10);
    run.scenario.pools = 30;
    let outcome = scenario::run(&run, None).unwrap();
    assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
    assert!(outcome.builds >= 30, "{outcome:?}");
}

#[test]
fn the_same_seed_writes_the_same_trace_faults_included() {
    let trace = |seed| {
        let written = Written::default();
        let mut run = preset("chaos", seed, 15);
        run.scenario.swarm = false;
        let outcome = scenario::run(&run, Some(&Trace::new(written.clone()))).unwrap();
        let bytes = written.0.lock().unwrap().clone();
        (outcome, String::from_utf8(bytes).unwrap())
    };
    let ((first, one), (second, other)) = (trace(9), trace(9));
    for (number, (one, other)) in one.lines().zip(other.lines()).enumerate() {
        assert_eq!(one, other, "line {}", number + 1);
    }
    assert_eq!((first, one.len()), (second, other.len()));
}
