//! Standard error and standard output that cannot be written: no process fails because of them.

use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::harness::daemon::User;
use crate::harness::processes::{Cluster, Process, ask, machine_os_builder, until};

/// An address at which nothing listens.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn full_disk() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

/// A pipe that no process reads from any more.
fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// A command that may not make any file longer.
fn with_full_files(command: &Command) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["-c", "ulimit -f 0; exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// The log lines that a daemon has lost.
fn lost(address: &str) -> u64 {
    let (_, metrics) = ask(address, "GET", "/metrics");
    let line = metrics.lines().find_map(|line| line.strip_prefix("machine_os_builder_log_lines_lost_total "));
    line.expect("it is counted").parse().unwrap()
}

/// A daemon that is started like this builds an image, counts what it could not log, and ends well.
async fn it_goes_on_building(log: &str, loses: bool, change: impl FnOnce(Command) -> Command) {
    let cluster = Cluster::start(&["--build-duration", "100ms"]);
    let user = User::with_samples(&cluster).await;
    let address = free_address();
    let mut command = machine_os_builder("run");
    command.arg("--kubeconfig").arg(cluster.kubeconfig()).arg(format!("--admin-listen={address}")).env("RUST_LOG", log);
    let mut daemon = Process::spawn(&mut change(command));
    user.shows("BuildSuccess").await;
    assert!(!loses || lost(&address) > 0);
    assert_eq!(ask(&address, "GET", "/livez").0, 200);
    assert_eq!(daemon.end(), Some(0));
}

fn logging_to(log: impl Into<Stdio>) -> impl FnOnce(Command) -> Command {
    move |mut command| {
        command.stderr(log);
        command
    }
}

#[tokio::test]
async fn a_daemon_whose_log_is_on_a_full_disk_goes_on_building() {
    it_goes_on_building("info", true, logging_to(full_disk())).await;
}

#[tokio::test]
async fn a_daemon_whose_log_is_read_no_more_goes_on_building() {
    it_goes_on_building("info", true, logging_to(closed_pipe())).await;
}

#[tokio::test]
async fn a_daemon_whose_log_may_not_grow_goes_on_building() {
    let directory = tempfile::tempdir().unwrap();
    let log = File::create(directory.path().join("log")).unwrap();
    it_goes_on_building("info", true, |command| {
        let mut command = with_full_files(&command);
        command.stderr(log);
        command
    })
    .await;
}

#[tokio::test]
async fn a_daemon_whose_log_is_not_read_at_the_moment_goes_on_building() {
    let (_reader, writer) = std::io::pipe().unwrap();
    // More than the pipe holds, and less than what waits without being lost.
    it_goes_on_building("trace", false, logging_to(writer)).await;
}

/// Commands that print a result, with a cluster to ask.
fn commands(cluster: &Cluster) -> Vec<Command> {
    let mut all = Vec::new();
    for words in [
        &["status"][..],
        &["status", "-o", "json"],
        &["explain", "layered"],
        &["simulate", "--pools", "1", "--configs", "1"],
        &[
            "render",
            "config/samples/machineconfigpool.yaml",
            "config/samples/machineconfig.yaml",
            "config/samples/machine-config-osimageurl.yaml",
            "config/samples/on-cluster-build-config.yaml",
        ],
        &["run", "--print-config"],
        &["run", "--help"],
    ] {
        let mut command = machine_os_builder(words[0]);
        command.args(&words[1..]).env("KUBECONFIG", cluster.kubeconfig());
        all.push(command);
    }
    all
}

async fn sampled() -> Cluster {
    let cluster = Cluster::start(&["--executor", "none"]);
    User::of(&cluster).await.apply_samples().await;
    cluster
}

/// The exit code, and what it says on standard error but for the time that it took.
fn ended(mut command: Command, stdout: Stdio) -> (Option<i32>, String) {
    let output = command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn a_result_that_does_not_fit_on_the_disk_is_one_error() {
    let cluster = sampled().await;
    for command in commands(&cluster) {
        let shown = format!("{command:?}");
        let (code, stderr) = ended(command, full_disk());
        assert_eq!(code, Some(1), "{shown}: {stderr}");
        assert!(stderr.starts_with("error: failed to write to standard output: No space left"), "{shown}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{shown}: {stderr}");
    }
    for command in commands(&cluster) {
        let shown = format!("{command:?}");
        let file = File::create(cluster.directory.path().join("file")).unwrap();
        let (code, stderr) = ended(with_full_files(&command), file.into());
        assert_eq!(code, Some(1), "{shown}: {stderr}");
        assert!(stderr.starts_with("error: failed to write to standard output: File too large"), "{shown}: {stderr}");
    }
}

#[tokio::test]
async fn a_result_that_is_not_read_is_no_error_and_no_success() {
    let cluster = sampled().await;
    for command in commands(&cluster) {
        let shown = format!("{command:?}");
        assert_eq!(ended(command, closed_pipe()), (Some(141), String::new()), "{shown}");
    }
}

#[tokio::test]
async fn an_error_that_cannot_be_told_is_an_exit_code() {
    let cluster = sampled().await;
    for stderr in [full_disk(), closed_pipe()] {
        let mut command = machine_os_builder("status");
        let status = command.arg("nosuch").env("KUBECONFIG", cluster.kubeconfig()).stderr(stderr).status().unwrap();
        assert_eq!(status.code(), Some(1));
    }
    for stderr in [full_disk(), closed_pipe()] {
        let status = machine_os_builder("status").arg("--nosuch").stderr(stderr).status().unwrap();
        assert_eq!(status.code(), Some(2));
    }
    // Its last line goes to standard error, and it has done what it was asked for.
    let mut simulation = machine_os_builder("simulate");
    simulation.args(["--pools", "1", "--configs", "1"]).stdout(Stdio::null()).stderr(full_disk());
    assert_eq!(simulation.status().unwrap().code(), Some(0));
}

#[test]
fn a_cluster_whose_first_line_is_not_read_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = directory.path().join("kubeconfig");
    let mut command = machine_os_builder("local-cluster");
    command.args(["--executor", "none", "--kubeconfig"]).arg(&kubeconfig).stdout(closed_pipe()).stderr(Stdio::null());
    let mut cluster = Process::spawn(&mut command);
    until("the kubeconfig is there", || kubeconfig.exists().then_some(()));
    let mut status = machine_os_builder("status");
    let status = status.env("KUBECONFIG", &kubeconfig).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(cluster.end(), Some(0));
}
