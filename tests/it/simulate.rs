//! `simulate`, as a user runs it.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use machine_os_builder::actors::ActorSettings;
use machine_os_builder::apiserver::Verb;
use machine_os_builder::simulation::{self, Builder, Fleet, FleetOptions, MachineConfigTemplate};

fn simulate(arguments: &[&str]) -> assert_cmd::assert::Assert {
    let mut command = Command::cargo_bin("machine-os-builder").unwrap();
    command.env_remove("RUST_LOG").env_remove("MAX_CONCURRENT_BUILDS").arg("simulate").args(arguments).assert()
}

fn stdout(assert: &assert_cmd::assert::Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

fn stderr(assert: &assert_cmd::assert::Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

fn options(pools: usize, configs: usize, seed: u64) -> FleetOptions {
    FleetOptions {
        fleet: Fleet { pools, configs, seed },
        machine_config: MachineConfigTemplate::default(),
        builder: Builder::Pod,
        settings: ActorSettings::default(),
    }
}

#[test]
fn every_pool_ends_with_the_image_of_its_newest_config() {
    let run = simulate(&["--pools", "3", "--configs", "2"]).success();
    let table = stdout(&run);
    let row: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..5], ["3", "2", "6", "6", "0"], "{table}");
    assert!(stderr(&run).starts_with("wall time "), "{}", stderr(&run));
}

#[test]
fn without_a_helper_every_pool_ends_likewise_with_a_request_less() {
    let table = stdout(&simulate(&["--digest-handoff", "termination-message"]).success());
    let row: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..5], ["3", "2", "6", "6", "0"], "{table}");
    let all = table.lines().find(|line| line.trim_start().starts_with("all ")).unwrap();
    assert!(all.ends_with("16.00"), "{table}");
}

#[test]
fn the_same_seed_prints_the_same_table_and_another_seed_another() {
    let table = |seed: &str| stdout(&simulate(&["--pools", "8", "--configs", "2", "--seed", seed]).success());
    assert_eq!(table("5"), table("5"));
    assert_ne!(table("5"), table("6"));
}

#[test]
fn a_hundred_pools_take_at_most_eighteen_requests_a_build() {
    let report = simulation::run(&options(100, 3, 1), &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.builds, report.published), (300, 300));
    assert!(report.build_requests() <= 18 * 300, "{report}");
}

#[test]
fn no_seed_leaves_anything_behind() {
    for seed in 1..=25 {
        let report = simulation::run(&options(7, 3, seed), &mut |_| {}).unwrap();
        assert!(report.is_clean(), "seed {seed}: {report}");
    }
}

#[test]
fn builds_of_the_openshift_builder_take_no_more_requests_than_pods_do() {
    let report =
        simulation::run(&FleetOptions { builder: Builder::OpenShift, ..options(20, 3, 1) }, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(report.build_requests() <= 17 * report.builds, "{report}");
    assert!(!report.requests.keys().any(|(verb, resource)| *verb == Verb::Create && resource == "pods"), "{report}");
}

#[test]
fn the_builder_can_be_changed_while_builds_run() {
    let fifty = simulation::run(&FleetOptions { builder: Builder::Mixed, ..options(50, 5, 1) }, &mut |_| {}).unwrap();
    assert!(fifty.is_clean(), "{fifty}");
    assert_eq!((fifty.published, fifty.requests_at_rest), (250, Some(0)));
    for seed in 1..=10 {
        let report =
            simulation::run(&FleetOptions { builder: Builder::Mixed, ..options(12, 3, seed) }, &mut |_| {}).unwrap();
        assert!(report.is_clean(), "seed {seed}: {report}");
        assert_eq!(report.builds, 36, "seed {seed}: nothing is built twice");
        let created = |resource: &str| report.requests.get(&(Verb::Create, resource.to_owned())).copied().unwrap_or(0);
        assert!(created("pods") > 0 && created("builds") > 0, "seed {seed}: {report}");
    }
}

#[test]
fn the_builder_is_chosen_on_the_command_line() {
    for (builder, resource) in [("pod", "create   pods"), ("openshift", "create   builds"), ("mixed", "create   pods")]
    {
        let table = stdout(&simulate(&["--builder", builder, "--pools", "2", "--configs", "2"]).success());
        assert!(table.contains(resource), "{table}");
    }
    let table = || stdout(&simulate(&["--builder", "mixed", "--pools", "6"]).success());
    assert_eq!(table(), table());
}

#[test]
fn progress_is_told_up_to_the_last_image() {
    let mut told = Vec::new();
    simulation::run(&options(2, 2, 1), &mut |published| told.push(published)).unwrap();
    assert_eq!(told.last(), Some(&4));
    assert!(told.is_sorted());
}

#[test]
fn as_many_build_at_once_as_are_allowed() {
    let virtual_time = |limit| {
        let mut options = options(6, 1, 3);
        options.settings.decide.concurrent_builds_max = limit;
        let report = simulation::run(&options, &mut |_| {}).unwrap();
        assert!(report.is_clean(), "{report}");
        report.time.duration()
    };
    let (one, all) = (virtual_time(1), virtual_time(0));
    assert!(one > all * 3, "{one:?} {all:?}");
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn a_machine_config_from_a_file_is_every_pools_content() {
    let file = fixture("rendered-machineconfig.yaml");
    let run = simulate(&["--pools", "2", "--configs", "2", "--machine-config", file.to_str().unwrap()]).success();
    assert!(!stdout(&run).contains("not as it should be"));
}

#[test]
fn bad_arguments_are_refused_with_what_to_do() {
    let missing = stderr(&simulate(&["--machine-config", "no-such-file.yaml"]).failure());
    assert!(missing.contains("failed to read no-such-file.yaml") && missing.contains("No such file"), "{missing}");
    let other = fixture("build-config.yaml");
    let other = stderr(&simulate(&["--machine-config", other.to_str().unwrap()]).failure());
    assert!(other.contains("kind is \"ConfigMap\", and has to be MachineConfig"), "{other}");
    let malformed = fixture("malformed.yaml");
    let malformed = stderr(&simulate(&["--machine-config", malformed.to_str().unwrap()]).failure());
    assert!(malformed.contains("malformed.yaml as YAML") && malformed.contains("line"), "{malformed}");
    for arguments in [["--pools", "0"], ["--configs", "0"], ["--pools", "many"], ["--seed", "-1"]] {
        simulate(&arguments).failure().code(2);
    }
}

#[test]
fn what_would_not_be_done_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("settings.yaml");
    std::fs::write(&file, "maxAttempts: 9\nlogFormat: json\n").unwrap();
    let file = file.to_str().unwrap();
    for (arguments, code, expected) in [
        (&["--sweep", "happy/pod", "--request", "99999"][..], 1, "--request has to be from 0 to "),
        (&["--sweep", "happy/pod", "--fault", "dies-always", "--request", "1"], 1, "--request has to be from 0 to 0"),
        (&["--sweep", "--config", file], 1, "leave out what sets maxAttempts, logFormat"),
        (&["--sweep", "--max-concurrent-builds", "2"], 1, "leave out what sets maxConcurrentBuilds"),
        (&["--sweep", "--scenario", "chaos"], 2, "cannot be used with"),
        (&["--sweep", "--trace", "x"], 2, "cannot be used with"),
        (&["--input", "x"], 1, "--input is for --executor buildah"),
        (&["--config", "/nonexistent"], 1, "failed to read /nonexistent"),
    ] {
        let refused = simulate(arguments).code(code);
        assert!(stderr(&refused).contains(expected), "{arguments:?}: {}", stderr(&refused));
        assert_eq!(stdout(&refused), "", "{arguments:?}");
    }
}

#[test]
fn settings_of_a_file_are_followed_or_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("settings.yaml");
    std::fs::write(&file, "maxConcurrentBuilds: 1\nnamespace: elsewhere\nleaderElection: {retryPeriod: 1s}\n").unwrap();
    let few = ["--pools", "4", "--configs", "1"];
    let with = |more: &[&str]| simulate(&[&few[..], &["--config", file.to_str().unwrap()], more].concat()).success();
    let (one, five) = (with(&[]), with(&["--max-concurrent-builds", "5"]));
    let expected = "warning: a simulation does not go by these settings: namespace, leaderElection.retryPeriod\n";
    assert!(stderr(&one).starts_with(expected), "{}", stderr(&one));
    assert_ne!(stdout(&one), stdout(&five), "one after the other takes longer");
    assert_eq!(stdout(&one), stdout(&simulate(&[&few[..], &["--max-concurrent-builds", "1"]].concat()).success()));
}
