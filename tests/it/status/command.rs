//! The commands themselves, beside a cluster that is a process too.

use std::fs;
use std::process::{Command, Stdio};

use kube::api::{Patch, PatchParams};
use machine_os_builder::api::{Kind, keys};
use serde_json::{Value, json};

use crate::harness::daemon::{Daemon, POOL, User};
use crate::harness::processes::{Cluster, Printed, Process, machine_os_builder, run, until};

const QUICK: [&str; 2] = ["--build-duration", "100ms"];

fn command(cluster: &Cluster, subcommand: &str, arguments: &[&str]) -> Command {
    let mut command = machine_os_builder(subcommand);
    command.arg("--kubeconfig").arg(cluster.kubeconfig()).args(arguments);
    command
}

fn status(cluster: &Cluster, arguments: &[&str]) -> Printed {
    run(&mut command(cluster, "status", arguments), cluster.directory.path())
}

/// A cluster with the samples in it.
async fn sampled(arguments: &[&str]) -> (Cluster, User) {
    let cluster = Cluster::start(arguments);
    let user = User::with_samples(&cluster).await;
    (cluster, user)
}

#[tokio::test]
async fn a_script_waits_for_an_image_and_reads_what_it_is() {
    let (cluster, user) = sampled(&QUICK).await;
    let _daemon = Daemon::start(&cluster, "daemon", &[]);
    let waited = status(&cluster, &[POOL, "--wait-for", "built", "--timeout", "60s"]);
    assert_eq!(waited.code, Some(0), "{waited:?}");
    assert!(waited.stdout.contains(" Built "), "{waited:?}");
    let image = user.image().await.unwrap();

    let one: Value = serde_json::from_str(&status(&cluster, &[POOL, "-o", "json"]).stdout).unwrap();
    assert_eq!((&one["name"], &one["state"], &one["image"]), (&json!(POOL), &json!("Built"), &json!(image)));
    let all: Value = serde_json::from_str(&status(&cluster, &["-o", "json"]).stdout).unwrap();
    assert_eq!(all, json!([one]));
    let yaml = machine_os_builder::yaml::parse(&status(&cluster, &["-o", "yaml"]).stdout).unwrap();
    assert_eq!(yaml, [all]);

    let table = status(&cluster, &[]).stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[0].starts_with("Daemon: ") && lines[0].contains(" leads, renewed "), "{table}");
    assert!(lines[1].starts_with("POOL") && lines[2].starts_with(POOL), "{table}");
    let page = run(&mut command(&cluster, "explain", &[POOL]), cluster.directory.path());
    assert_eq!(page.code, Some(0), "{page:?}");
    assert!(page.stdout.starts_with("Pool layered: Built") && page.stdout.contains(&image), "{page:?}");
}

#[tokio::test]
async fn a_wait_that_takes_too_long_ends() {
    let (cluster, _) = sampled(&["--executor", "none"]).await;
    let waited = status(&cluster, &["--wait-for", "built", "--timeout", "100ms"]);
    assert_eq!(waited.code, Some(4), "{waited:?}");
    assert!(waited.stdout.contains(" Queued ") && waited.stderr.contains("not within 100ms"), "{waited:?}");
}

#[tokio::test]
async fn a_wait_for_what_will_not_come_ends_at_once() {
    let (cluster, user) = sampled(&["--build-duration", "100ms", "--fail-rate", "1"]).await;
    let _daemon = Daemon::start(&cluster, "daemon", &[]);
    let waited = status(&cluster, &[POOL, "--wait-for", "built"]);
    assert_eq!(waited.code, Some(3), "{waited:?}");
    assert!(waited.stderr.contains("pool layered is Failed"), "{waited:?}");
    assert_eq!(status(&cluster, &[POOL, "--wait-for", "failed"]).code, Some(0));

    let opt_out = Patch::Merge(json!({"metadata": {"labels": {keys::LAYERING_ENABLED: null}}}));
    user.api(Kind::MachineConfigPool).patch(POOL, &PatchParams::default(), &opt_out).await.unwrap();
    let waited = status(&cluster, &["--wait-for", "built"]);
    assert_eq!(waited.code, Some(3), "{waited:?}");
}

#[tokio::test]
async fn a_pool_that_is_not_there_is_an_error_that_names_those_that_are() {
    let (cluster, _) = sampled(&["--executor", "none"]).await;
    for subcommand in ["status", "explain"] {
        let printed = run(&mut command(&cluster, subcommand, &["wroker"]), cluster.directory.path());
        assert_eq!(printed.code, Some(1), "{printed:?}");
        assert_eq!(printed.stderr, "error: there is no MachineConfigPool wroker; there are: layered\n");
    }
}

#[tokio::test]
async fn changes_are_printed_as_they_happen_until_a_signal() {
    let (cluster, _) = sampled(&QUICK).await;
    let out = cluster.directory.path().join("watched");
    let mut watch = command(&cluster, "status", &["--watch", "-o", "json"]);
    let mut watch = Process::spawn(watch.stdout(fs::File::create(&out).unwrap()).stderr(Stdio::null()));
    let states = || -> Vec<String> {
        let text = fs::read_to_string(&out).unwrap();
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let report = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        lines.map(|line| report(line)["state"].as_str().unwrap().to_owned()).collect()
    };
    until("it is queued", || (states() == ["Queued"]).then_some(()));
    let _daemon = Daemon::start(&cluster, "daemon", &[]);
    until("it is built", || (states().last().map(String::as_str) == Some("Built")).then_some(()));
    let id = watch.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(watch.ended(), Some(0));
}

#[tokio::test]
async fn an_interrupted_wait_is_no_success() {
    let (cluster, _) = sampled(&["--executor", "none"]).await;
    let out = cluster.directory.path().join("watched");
    let mut wait = command(&cluster, "status", &["--watch", "--wait-for", "built"]);
    let mut wait = Process::spawn(wait.stdout(fs::File::create(&out).unwrap()).stderr(Stdio::null()));
    until("it has begun", || fs::read_to_string(&out).unwrap().contains("Queued").then_some(()));
    let id = wait.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(wait.ended(), Some(130));
}

#[test]
fn a_cluster_that_cannot_be_asked_is_an_error() {
    let cluster = Cluster::start(&["--executor", "none"]);
    let printed = status(&cluster, &["--namespace=Not_A_Name"]);
    assert!(printed.code == Some(1) && printed.stderr.contains("correct --namespace"), "{printed:?}");
    let printed = status(&cluster, &["--timeout", "5m"]);
    assert!(printed.code == Some(2) && printed.stderr.contains("--wait-for"), "{printed:?}");
    let mut strange = machine_os_builder("status");
    let printed = run(strange.args(["--kubeconfig", "/nonexistent/kubeconfig"]), cluster.directory.path());
    assert!(
        printed.code == Some(1) && printed.stderr.contains("failed to read the kubeconfig /nonexistent"),
        "{printed:?}"
    );
    let nothing = status(&cluster, &["--wait-for", "built"]);
    assert!(nothing.code == Some(3) && nothing.stderr.contains("no pool is opted in"), "{nothing:?}");
}

#[tokio::test]
async fn the_settings_of_the_daemon_are_those_that_are_shown() {
    let (cluster, user) = sampled(&["--build-duration", "1h"]).await;
    let mut daemon = Daemon::start(&cluster, "daemon", &["--max-attempts=7"]);
    user.shows("Building").await;
    let attempt = |arguments: &[&str]| {
        let table = status(&cluster, arguments).stdout;
        table.split_whitespace().find(|word| word.starts_with("1/")).unwrap_or_default().to_owned()
    };
    until("its settings are known", || (attempt(&[]) == "1/7").then_some(()));
    assert_eq!(attempt(&["--max-attempts=4"]), "1/4");
    daemon.process.0.kill().unwrap();
    daemon.process.ended();
    assert_eq!(attempt(&[]), "1/7");
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_named() {
    let (cluster, _) = sampled(&["--executor", "none"]).await;
    for arguments in [&["status"][..], &["status", "--watch"], &["explain", POOL]] {
        let mut command = command(&cluster, arguments[0], &arguments[1..]);
        let printed = run(command.arg("--namespace=nosuch"), cluster.directory.path());
        assert_eq!((printed.code, printed.stdout.as_str()), (Some(1), ""), "{printed:?}");
        assert!(printed.stderr.starts_with("error: there is no namespace nosuch; "), "{printed:?}");
    }
}

#[test]
fn that_there_are_no_pools_is_said() {
    let cluster = Cluster::start(&["--executor", "none"]);
    let printed = status(&cluster, &[]);
    assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), "no MachineConfigPools found\n"), "{printed:?}");
    let printed = status(&cluster, &["-o", "json"]);
    assert_eq!((printed.stdout.as_str(), printed.stderr.as_str()), ("[]\n", ""));
}
