//! `local-cluster`, as a user runs it: a process, a kubeconfig, and clients that know nothing else of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::CommandCargoExt as _;
use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use tempfile::TempDir;

#[path = "local_cluster/client.rs"]
mod client;
#[path = "local_cluster/command.rs"]
mod command;
#[path = "local_cluster/kubectl.rs"]
mod kubectl;
#[path = "local_cluster/manifests.rs"]
mod manifests;
#[path = "local_cluster/refusals.rs"]
mod refusals;

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// Waits until `look` sees something.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "gave up waiting: {what}");
        std::thread::sleep(POLL);
    }
}

/// A process that does not outlive its test.
struct Process(Child);

impl Process {
    fn spawn(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    /// The exit code, once it has ended.
    fn ended(&mut self) -> Option<i32> {
        let status = until("the process ends", || self.0.try_wait().unwrap());
        status.code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a process printed.
#[derive(Debug)]
struct Printed {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs a command that has to end soon.
fn run(command: &mut Command, directory: &Path) -> Printed {
    let name = |stream: &str| directory.join(format!("{stream}-{:?}", std::thread::current().id()));
    let (out, err) = (name("out"), name("err"));
    command.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap());
    let code = Process::spawn(command).ended();
    let text = |path: &Path| fs::read_to_string(path).unwrap();
    Printed { code, stdout: text(&out), stderr: text(&err) }
}

fn local_cluster() -> Command {
    let mut command = Command::cargo_bin("machine-os-builder").unwrap();
    command.env_remove("RUST_LOG").arg("local-cluster");
    command
}

/// A cluster of a test's own.
struct Cluster {
    process: Process,
    directory: TempDir,
}

impl Cluster {
    fn start(arguments: &[&str]) -> Self {
        let directory = TempDir::new().unwrap();
        let kubeconfig = directory.path().join("kubeconfig");
        let stdout = fs::File::create(directory.path().join("stdout")).unwrap();
        let mut command = local_cluster();
        command.arg("--kubeconfig").arg(&kubeconfig).args(arguments).stdout(stdout);
        let cluster = Self { process: Process::spawn(&mut command), directory };
        until("the kubeconfig is there", || kubeconfig.exists().then_some(()));
        cluster
    }

    fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("kubeconfig")
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    async fn config(&self) -> Config {
        let kubeconfig = Kubeconfig::read_from(self.kubeconfig()).unwrap();
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap()
    }

    async fn client(&self) -> Client {
        Client::try_from(self.config().await).unwrap()
    }

    fn kubectl_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command.env("KUBECONFIG", self.kubeconfig()).env("HOME", self.directory.path()).args(arguments);
        command
    }

    /// What kubectl prints, which has to succeed.
    fn kubectl(&self, arguments: &[&str]) -> String {
        let printed = run(&mut self.kubectl_command(arguments), self.directory.path());
        assert_eq!(printed.code, Some(0), "{arguments:?} {printed:?}");
        printed.stdout
    }

    /// What kubectl complains of, which has to fail.
    fn kubectl_fails(&self, arguments: &[&str]) -> String {
        let printed = run(&mut self.kubectl_command(arguments), self.directory.path());
        assert_ne!(printed.code, Some(0), "{arguments:?} {printed:?}");
        printed.stderr
    }
}
