//! Arguments of `run`.

use std::process::Command;

use tempfile::TempDir;

use crate::harness::processes::{Cluster, Printed, machine_os_builder, run};

/// The daemon, which has to refuse to run.
fn refused(code: i32, change: impl FnOnce(&mut Command) -> &mut Command) -> String {
    let directory = TempDir::new().unwrap();
    let mut command = machine_os_builder("run");
    command.arg("--admin-listen=127.0.0.1:0").env("HOME", directory.path());
    change(&mut command);
    let printed = run(&mut command, directory.path());
    assert_eq!((printed.code, printed.stdout.as_str()), (Some(code), ""), "{printed:?}");
    printed.stderr
}

#[test]
fn every_setting_is_a_flag_and_an_environment_variable() {
    let directory = TempDir::new().unwrap();
    let Printed { code, stdout, .. } = run(machine_os_builder("run").arg("--help"), directory.path());
    assert_eq!(code, Some(0));
    // --print-config is no setting.
    let flags = stdout.lines().filter(|line| line.trim_start().starts_with("--")).count() - 1;
    assert!(flags >= 10, "{stdout}");
    assert_eq!(stdout.matches("[env: ").count(), flags, "{stdout}");
    for (variable, flag) in [("MAX_CONCURRENT_BUILDS", "--max-concurrent-builds"), ("RETRY_PERIOD", "--retry-period")] {
        let refusal = refused(2, |command| command.env(variable, "many"));
        assert!(refusal.contains("many") && refusal.contains(flag), "{refusal}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for (arguments, expected) in [
        (&["--renew-deadline=20s"][..], "renew"),
        (&["--namespace=Not_A_Name"], "namespace (--namespace, NAMESPACE): \"Not_A_Name\" cannot be used"),
        (&["--admin-listen=192.0.2.1:1"], "choose another address with --admin-listen"),
    ] {
        let cluster = Cluster::start(&["--executor", "none"]);
        let directory = TempDir::new().unwrap();
        let mut command = machine_os_builder("run");
        let printed = run(command.arg("--kubeconfig").arg(cluster.kubeconfig()).args(arguments), directory.path());
        assert_eq!(printed.code, Some(1), "{printed:?}");
        assert!(printed.stderr.contains(expected), "{printed:?}");
    }
    assert!(refused(2, |command| command.arg("--max-attempts=0")).contains("--max-attempts"));
    let refusal = refused(1, |command| command.env("RUST_LOG", "machine_os_builder=loud"));
    assert!(refusal.contains("RUST_LOG") && refusal.contains("loud"), "{refusal}");
}

#[test]
fn credentials_that_are_not_there_are_told_of() {
    let refusal = refused(1, |command| command.args(["--kubeconfig", "/nonexistent/kubeconfig"]));
    assert!(refusal.contains("failed to read the kubeconfig /nonexistent/kubeconfig"), "{refusal}");
    let refusal = refused(1, |command| command);
    assert!(refusal.contains("--kubeconfig") && refusal.contains("KUBECONFIG"), "{refusal}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_or_does_not_know_us_is_told_of() {
    let mut cluster = Cluster::start(&["--executor", "none"]);
    let text = std::fs::read_to_string(cluster.kubeconfig()).unwrap();
    let token = text.split("token: ").nth(1).unwrap().lines().next().unwrap();
    let stranger = cluster.file("stranger", &text.replace(token, "nobody"));
    let refusal = refused(1, |command| command.arg("--kubeconfig").arg(&stranger));
    assert!(refusal.contains("does not accept the credentials") && refusal.lines().count() == 1, "{refusal}");

    cluster.process.0.kill().unwrap();
    cluster.process.ended();
    let refusal = refused(1, |command| command.env("KUBECONFIG", cluster.kubeconfig()));
    assert!(refusal.contains("failed to reach the API server https://127.0.0.1:"), "{refusal}");
}
