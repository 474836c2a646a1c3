//! The command itself: its arguments, its kubeconfig, its end.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Command;

use tempfile::TempDir;

use crate::harness::processes::{Cluster, local_cluster, run, until};

#[test]
fn the_kubeconfig_is_private_block_yaml_with_one_of_everything() {
    let cluster = Cluster::start(&[]);
    let mode = fs::metadata(cluster.kubeconfig()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(cluster.kubeconfig()).unwrap();
    assert!(!text.contains('{') && !text.contains('['), "{text}");
    for field in ["certificate-authority-data:", "server: https://127.0.0.1:", "token: ", "current-context: "] {
        assert_eq!(text.matches(field).count(), 1, "{field} {text}");
    }
    // Nothing is left of how it was written.
    let files = fs::read_dir(cluster.directory.path()).unwrap().count();
    assert_eq!(files, 2, "the kubeconfig, and standard output");
}

#[test]
fn one_line_on_standard_output_names_the_kubeconfig() {
    let cluster = Cluster::start(&[]);
    let path = cluster.directory.path().join("stdout");
    let line = until("there is a line", || fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n')));
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.contains(cluster.kubeconfig().to_str().unwrap()), "{line}");
}

#[test]
fn signals_end_it_well_and_the_kubeconfig_stays() {
    for signal in ["-TERM", "-INT"] {
        let mut cluster = Cluster::start(&["--executor", "none"]);
        let id = cluster.process.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        assert_eq!(cluster.process.ended(), Some(0), "{signal}");
        assert!(cluster.kubeconfig().exists());
    }
}

#[test]
fn bad_arguments_are_refused_with_what_to_do() {
    let directory = TempDir::new().unwrap();
    let kubeconfig = directory.path().join("kubeconfig");
    let refusal = |arguments: &[&str]| {
        let printed = run(local_cluster().arg("--kubeconfig").arg(&kubeconfig).args(arguments), directory.path());
        assert_eq!(printed.code, Some(2), "{printed:?}");
        printed.stderr
    };
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:6443"] {
        let refusal = refusal(&["--listen", address]);
        assert!(refusal.contains("not a loopback address") && refusal.contains("use 127.0.0.1"), "{refusal}");
    }
    assert!(refusal(&["--listen", "localhost"]).contains("write one as in 127.0.0.1:6443"));
    assert!(refusal(&["--build-duration", "soon"]).contains("500ms, 5s or 2m30s"));
    assert!(refusal(&["--build-duration=-5s"]).contains("not a duration"));
    for share in ["2", "-0.1", "NaN", "half"] {
        assert!(refusal(&[&format!("--fail-rate={share}")]).contains("a number from 0 to 1"));
    }
    assert!(refusal(&["--executor", "podman"]).contains("simulated"));
    let ignored = run(
        local_cluster().arg("--kubeconfig").arg(&kubeconfig).args(["--executor", "none", "--fail-rate", "0.5"]),
        directory.path(),
    );
    assert!(ignored.code == Some(1) && ignored.stderr.contains("leave them out"), "{ignored:?}");
    assert!(!kubeconfig.exists());
    let missing = run(&mut local_cluster(), directory.path());
    assert!(missing.code == Some(2) && missing.stderr.contains("--kubeconfig"), "{missing:?}");
}

#[test]
fn a_machine_that_cannot_run_pods_is_told_of_with_what_to_do() {
    let directory = TempDir::new().unwrap();
    let kubeconfig = directory.path().join("kubeconfig");
    let mut command = local_cluster();
    command.args(["--executor", "buildah", "--kubeconfig"]).arg(&kubeconfig).env("PATH", directory.path());
    let printed = run(&mut command, directory.path());
    assert_eq!(printed.code, Some(1));
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let expected = if is_root { "install the package buildah" } else { "has to run as root" };
    assert!(printed.stderr.contains(expected), "{printed:?}");
    assert!(!kubeconfig.exists());
}

#[test]
fn a_kubeconfig_that_cannot_be_written_is_told_of() {
    let directory = TempDir::new().unwrap();
    let printed = run(local_cluster().args(["--kubeconfig", "/nonexistent/kubeconfig"]), directory.path());
    assert_eq!(printed.code, Some(1));
    assert!(printed.stderr.contains("failed to write /nonexistent/kubeconfig"), "{printed:?}");
}

#[test]
fn an_address_in_use_is_told_of() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let directory = TempDir::new().unwrap();
    let kubeconfig = directory.path().join("kubeconfig");
    let mut command = local_cluster();
    let printed = run(command.args(["--listen", &address, "--kubeconfig"]).arg(&kubeconfig), directory.path());
    assert_eq!(printed.code, Some(1));
    assert!(printed.stderr.contains(&format!("failed to listen on {address}")), "{printed:?}");
    assert!(!kubeconfig.exists());
}
