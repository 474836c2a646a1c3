//! A crash at any request: a part of the sweep that `simulate --sweep` makes in full.

use assert_cmd::Command;
use machine_os_builder::simulation::runs::sweep::{InjectedFault, Scenario, SweepOptions, SweepReport, sweep};

/// Of so many points one is tried here: few enough for a build without optimisations, and by no round number, so that
/// they are different requests for each kind of fault.
const STRIDE: usize = 97;

fn swept(options: &SweepOptions) -> SweepReport {
    sweep(options, &|_, _| {})
}

fn simulate(arguments: &[&str]) -> assert_cmd::assert::Assert {
    let mut command = Command::cargo_bin("machine-os-builder").unwrap();
    command.env_remove("RUST_LOG").env_remove("MAX_CONCURRENT_BUILDS").arg("simulate").args(arguments).assert()
}

#[test]
fn whatever_goes_wrong_the_end_is_the_same() {
    let report = swept(&SweepOptions { stride: STRIDE, ..SweepOptions::default() });
    assert!(report.is_clean(), "{report}");
    assert!(report.points() > 150, "{report}");
}

#[test]
fn each_crash_while_a_build_is_superseded_is_made_good() {
    let scenarios = vec!["supersede/pod".parse().unwrap()];
    let options = SweepOptions { scenarios, faults: vec![InjectedFault::DiesAfter], ..SweepOptions::default() };
    let report = swept(&options);
    assert!(report.is_clean(), "{report}");
}

#[test]
fn a_wrong_end_is_found_at_every_point_with_the_command_that_shows_it() {
    let scenario: Scenario = "happy/pod".parse().unwrap();
    let options = SweepOptions {
        scenarios: vec![scenario],
        faults: vec![InjectedFault::DiesBefore, InjectedFault::AnswerLost],
        request: Some(20),
        expected_end: Some("an end that never comes".to_owned()),
        ..SweepOptions::default()
    };
    let report = swept(&options);
    assert!(!report.is_clean());
    assert_eq!(report.failures.len(), report.points());
    let failure = &report.failures[1];
    assert_eq!(failure.command, "machine-os-builder simulate --sweep happy/pod --fault answer-lost --request 20");
    assert!(failure.whats.contains(&"it should end with an end that never comes".to_owned()), "{failure:?}");
    assert!(failure.whats.iter().any(|what| what.contains("BuildSuccess")), "{failure:?}");
}

#[test]
fn what_is_found_does_not_depend_on_the_number_of_threads() {
    let outcome = |threads| {
        let options = SweepOptions {
            scenarios: vec!["deletion/pod".parse().unwrap(), "happy/openshift".parse().unwrap()],
            faults: vec![InjectedFault::DiesAfter, InjectedFault::Panics],
            stride: 9,
            threads,
            expected_end: Some(String::new()),
            ..SweepOptions::default()
        };
        swept(&options).to_string()
    };
    assert_eq!(outcome(1), outcome(3));
}

#[test]
fn a_sweep_of_nothing_is_not_clean() {
    let options = SweepOptions { scenarios: Vec::new(), ..SweepOptions::default() };
    assert!(!swept(&options).is_clean());
    simulate(&["--sweep", "happy/pod", "--fault", "cut", "--request", "100000"]).failure();
}

#[test]
fn one_point_can_be_tried_alone() {
    let run = simulate(&["--sweep", "supersede/pod", "--fault", "dies-after", "--request", "17"]).success();
    let table = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    let last: Vec<&str> = table.lines().last().unwrap().split_whitespace().collect();
    assert_eq!((last[0], last[2..].to_vec()), ("all", vec!["1", "1"]), "{table}");
}

#[test]
fn what_cannot_be_tried_is_refused_with_what_can() {
    let of = |arguments: &[&str]| String::from_utf8(simulate(arguments).failure().get_output().stderr.clone()).unwrap();
    let refusal = of(&["--sweep", "nonsense"]);
    assert!(refusal.contains("supersede/openshift"), "{refusal}");
    let refusal = of(&["--sweep", "--fault", "nonsense"]);
    assert!(refusal.contains("answer-vanishes"), "{refusal}");
}
