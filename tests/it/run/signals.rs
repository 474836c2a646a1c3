//! Signals: the first one stops a process in an orderly way, if it has work to finish, and the second one stops it at
//! once.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::daemon::{Daemon, QUICK_LEASE};
use crate::harness::processes::{Cluster, Process, machine_os_builder};

/// Long before anything of these would end by itself.
const AT_ONCE: Duration = Duration::from_secs(5);

fn signal(process: &Process, name: &str) {
    let id = process.0.id().to_string();
    assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
}

/// A server that takes connections and says nothing, and a kubeconfig that names it.
fn silent_server(cluster: &Cluster) -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("server: https://{}", listener.local_addr().unwrap());
    let text = std::fs::read_to_string(cluster.kubeconfig()).unwrap();
    let old = text.lines().find(|line| line.contains("server: ")).unwrap().trim();
    let path = cluster.file("silent", &text.replace(old, &server));
    (listener, path)
}

#[test]
fn a_signal_ends_what_waits_for_an_api_server_at_once() {
    let cluster = Cluster::start(&["--executor", "none"]);
    let (listener, kubeconfig) = silent_server(&cluster);
    for (arguments, name, code) in [
        (&["status"][..], "-INT", 130),
        (&["status", "--watch"], "-TERM", 143),
        (&["explain", "worker"], "-INT", 130),
        (&["run", "--admin-listen=127.0.0.1:0"], "-INT", 130),
        (&["run", "--admin-listen=127.0.0.1:0"], "-TERM", 143),
    ] {
        let mut command = machine_os_builder(arguments[0]);
        command.args(&arguments[1..]).env("KUBECONFIG", &kubeconfig).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Process::spawn(&mut command);
        // It has come so far as to ask.
        let connection = listener.accept().unwrap();
        let told = Instant::now();
        signal(&process, name);
        assert_eq!(process.ended(), Some(code), "{arguments:?} {name}");
        assert!(told.elapsed() < AT_ONCE, "{arguments:?} {name}: {:?}", told.elapsed());
        drop(connection);
    }
}

#[test]
fn a_second_signal_ends_a_daemon_at_once() {
    for (second, code) in [("-INT", 130), ("-TERM", 143)] {
        let cluster = Cluster::start(&["--executor", "none"]);
        let mut daemon = Daemon::start(&cluster, "daemon", &QUICK_LEASE);
        daemon.logged("this process leads");
        // Now the lease cannot be released, which is tried for a while.
        signal(&cluster.process, "-STOP");
        daemon.signal("-TERM");
        daemon.logged("stopping");
        let told = Instant::now();
        daemon.signal(second);
        assert_eq!(daemon.process.ended(), Some(code));
        assert!(told.elapsed() < AT_ONCE, "{:?}", told.elapsed());
        signal(&cluster.process, "-CONT");
    }
}

#[test]
fn a_server_that_says_nothing_is_waited_for_as_long_as_was_asked() {
    let cluster = Cluster::start(&["--executor", "none"]);
    let (_listener, kubeconfig) = silent_server(&cluster);
    for arguments in [&["status"][..], &["explain", "worker"], &["run", "--admin-listen=127.0.0.1:0"]] {
        let asked = Instant::now();
        let mut command = machine_os_builder(arguments[0]);
        command.args(&arguments[1..]).args(["--request-timeout", "4s", "--kubeconfig", &kubeconfig]);
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(asked.elapsed() < 2 * AT_ONCE, "{:?}", asked.elapsed());
        let lines: Vec<&str> = stderr.lines().collect();
        assert!(lines[0].starts_with("waiting for an answer from the API server https://127.0.0.1:"), "{stderr}");
        assert!(lines[1].contains("within 4s") && lines[1].contains("--request-timeout"), "{stderr}");
        assert_eq!(lines.len(), 2, "{stderr}");
    }
}
