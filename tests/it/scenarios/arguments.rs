//! `simulate --scenario`, as a user runs it.

use std::fs;

use assert_cmd::Command;
use assert_cmd::assert::Assert;

use super::fixture;

fn simulate(arguments: &[&str]) -> Assert {
    let mut command = Command::cargo_bin("machine-os-builder").unwrap();
    command.env_remove("RUST_LOG").env_remove("MAX_CONCURRENT_BUILDS").arg("simulate").args(arguments).assert()
}

fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

#[test]
fn a_violation_is_found_and_told_with_its_seed_and_the_command_that_shows_it_again() {
    let file = fixture("scenario-one-build.yaml");
    let file = file.to_str().unwrap();
    let found = simulate(&["--scenario", file, "--seeds", "1..40"]).failure().code(1);
    let text = stdout(&found);
    let (_, command) = text.trim_end().rsplit_once("to see it again: ").unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words[..5], ["machine-os-builder", "simulate", "--scenario", file, "--seed"], "{text}");
    assert!(text.contains(&format!("seed {}: not as it should be", words[5])), "{text}");
    assert!(text.contains("shows [\"BuildFailed\"]"), "{text}");

    let again = simulate(&words[2..]).failure().code(1);
    assert_eq!(stdout(&again), text);
}

#[test]
fn many_seeds_are_summed_up_in_one_line() {
    let file = fixture("scenario-one-build.yaml");
    let text = fs::read_to_string(&file).unwrap().replace("failures: 0.3", "late-starts: 0.5");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("late.yaml");
    fs::write(&file, text).unwrap();
    let run = |seeds: &str| stdout(&simulate(&["--scenario", file.to_str().unwrap(), "--seeds", seeds]).success());
    let line = run("1..4");
    assert!(line.contains(": 4 runs, nothing amiss: 4 builds, 4 images, 4 processes, "), "{line}");
    assert_eq!(line, run("1..4"));
}

/// The error for a scenario file with this text.
fn refusal(text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("scenario.yaml");
    fs::write(&file, text).unwrap();
    stderr(&simulate(&["--scenario", file.to_str().unwrap()]).failure().code(1))
}

#[test]
fn files_that_say_something_else_are_refused_with_the_line() {
    for (text, what) in [
        ("pools: 2\nreplica: 2\n", "replica"),
        ("pools: 2\nnetwork: {cut: 10m}\n", "cut"),
        ("pools: 2\nnetwork: {cuts: often}\n", "\"often\" is no time"),
        ("pools: 2\nnetwork: {cuts: 0s}\n", "longer than 0s"),
        ("pools: 2\nnetwork: {lost: 1.5}\n", "1.5 is no share"),
        ("pools: 2\nnetwork: {duplicates: 2}\n", "2 is no share"),
        ("pools: 2\nnetwork: {latency: soon}\n", "\"soon\" is no time"),
        ("pools: 2\nprocesses: {clock-errors: some}\n", "\"some\" is no time"),
        ("pools: 2\nprocesses: {pauses: 0s}\n", "longer than 0s"),
        ("pools: 2\nbuilder: kaniko\n", "kaniko"),
        ("pools: 2\nusers: [\n", "scenario.yaml as a scenario"),
    ] {
        let error = refusal(text);
        assert!(error.contains(what) && error.contains("line 2"), "{text}: {error}");
    }
}

#[test]
fn bad_arguments_are_refused_with_what_to_do() {
    assert!(refusal("pools: 0\n").contains("pools has to be from 1 to 10000"));
    assert!(refusal("replicas: 99\n").contains("replicas has to be from 1 to 10"));
    assert!(refusal("network: {event-window: 0}\n").contains("at least 1"));
    let unknown = stderr(&simulate(&["--scenario", "mayhem"]).failure().code(1));
    assert!(unknown.contains("happy, churn, failures, restarts, failover, chaos, scale"), "{unknown}");
    for arguments in [
        ["--scenario", "happy", "--seeds", "2..1"],
        ["--scenario", "happy", "--pools", "3"],
        ["--seed", "1", "--seeds", "1..2"],
    ] {
        simulate(&arguments).failure().code(2);
    }
}

#[test]
fn the_documented_example_is_a_scenario() {
    let documentation = include_str!("../../../src/simulation/scenario/mod.rs");
    let (_, rest) = documentation.split_once("//! ```yaml\n").unwrap();
    let (example, _) = rest.split_once("//! ```").unwrap();
    let example: String = example.lines().map(|line| format!("{}\n", line.trim_start_matches("//! "))).collect();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("scenario.yaml");
    fs::write(&file, &example).unwrap();
    let read = machine_os_builder::simulation::runs::scenario::read(file.to_str().unwrap()).unwrap();
    assert_eq!((read.pools, read.replicas, read.network.event_window), (4, 2, 64));
}
