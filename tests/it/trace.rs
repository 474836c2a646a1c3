//! The trace of a run is the same, byte for byte, for the same arguments.

use std::path::Path;

use assert_cmd::Command;
use machine_os_builder::actors::ActorSettings;
use machine_os_builder::simulation::{self, Builder, Fleet, FleetOptions, MachineConfigTemplate, Trace};

use crate::harness::written::Written;

fn trace(builder: Builder, seed: u64) -> String {
    let options = FleetOptions {
        fleet: Fleet { pools: 3, configs: 2, seed },
        machine_config: MachineConfigTemplate::default(),
        builder,
        settings: ActorSettings::default(),
    };
    let written = Written::default();
    simulation::run_traced(&options, Some(&Trace::new(written.clone())), &mut |_| {}).unwrap();
    let bytes = written.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// Fails with the first line in which the two differ: the whole of them would be of no use.
fn assert_same(one: &str, other: &str) {
    for (number, (one, other)) in one.lines().zip(other.lines()).enumerate() {
        assert_eq!(one, other, "line {}", number + 1);
    }
    assert_eq!(one.lines().count(), other.lines().count());
}

#[test]
fn repeated_runs_write_the_same_trace() {
    for builder in [Builder::Pod, Builder::OpenShift, Builder::Mixed] {
        let first = trace(builder, 3);
        for _ in 0..2 {
            assert_same(&first, &trace(builder, 3));
        }
        assert_ne!(first, trace(builder, 4));
    }
}

#[test]
fn runs_at_the_same_time_write_the_same_trace() {
    let traces: Vec<String> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3).map(|_| scope.spawn(|| trace(Builder::Mixed, 5))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    traces.iter().for_each(|other| assert_same(&traces[0], other));
}

fn traced_by_a_process(file: &Path, arguments: &[&str]) -> String {
    let mut command = Command::cargo_bin("machine-os-builder").unwrap();
    command.env_remove("RUST_LOG").env_remove("MAX_CONCURRENT_BUILDS").arg("simulate").args(arguments);
    command.arg("--trace").arg(file).assert().success();
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn two_processes_write_the_same_trace() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["--pools", "5", "--configs", "2", "--builder", "mixed", "--seed", "9"];
    let first = traced_by_a_process(&directory.path().join("first"), &arguments);
    let second = traced_by_a_process(&directory.path().join("second"), &arguments);
    assert_same(&first, &second);
}

#[test]
fn a_line_says_who_asked_for_what_and_what_changed() {
    let trace = trace(Builder::Pod, 1);
    let (mut requests, mut changes) = trace.lines().partition::<Vec<_>, _>(|line| !line.starts_with("  "));
    requests.retain(|line| line.contains(" create ") && line.contains("/pods "));
    changes.retain(|line| line.starts_with("  + Pod "));
    assert_eq!((requests.len(), changes.len()), (6, 6));
    let words: Vec<&str> = requests[0].split(' ').collect();
    assert!(words[0].starts_with("2026-01-01T00:00:") && words[0].ends_with('Z'), "{words:?}");
    assert_eq!(words[1], machine_os_builder::daemon::user_agent());
    assert_eq!(words[2..], ["create", "openshift-machine-config-operator/pods", "-", "201"]);
    assert!(changes[0].contains(" uid=") && changes[0].contains(" version="), "{}", changes[0]);
}

#[test]
fn a_trace_that_cannot_be_written_fails_the_run() {
    let mut command = Command::cargo_bin("machine-os-builder").unwrap();
    let run = command.args(["simulate", "--pools", "1", "--trace", "/no/such/directory/trace"]).assert().failure();
    let stderr = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(stderr.contains("failed to write /no/such/directory/trace"), "{stderr}");
}
