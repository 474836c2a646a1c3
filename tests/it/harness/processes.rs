//! Processes of this program, as a user starts them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::CommandCargoExt as _;
use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const POLL: Duration = Duration::from_millis(20);

/// Waits until `look` sees something.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
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
pub(crate) struct Process(pub Child);

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    /// Tells it to end, and waits until it has.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.ended()
    }

    /// The exit code, once it has ended.
    pub(crate) fn ended(&mut self) -> Option<i32> {
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

/// Processes of this machine whose arguments have this in them.
pub(crate) fn processes(what: &str) -> Vec<String> {
    let arguments = |entry: fs::DirEntry| fs::read_to_string(entry.path().join("cmdline")).ok();
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| arguments(entry.unwrap()));
    all.map(|line| line.replace('\0', " ")).filter(|line| line.contains(what)).collect()
}

/// The output of a process.
#[derive(Debug)]
pub(crate) struct Printed {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command that has to end soon.
pub(crate) fn run(command: &mut Command, directory: &Path) -> Printed {
    let name = |stream: &str| directory.join(format!("{stream}-{:?}", std::thread::current().id()));
    let (out, err) = (name("out"), name("err"));
    command.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap());
    let code = Process::spawn(command).ended();
    let text = |path: &Path| fs::read_to_string(path).unwrap();
    Printed { code, stdout: text(&out), stderr: text(&err) }
}

/// The program, with nothing in its environment that changes what it does.
pub(crate) fn machine_os_builder(subcommand: &str) -> Command {
    let mut command = Command::cargo_bin("machine-os-builder").unwrap();
    command.env_remove("RUST_LOG").env_remove("KUBECONFIG").arg(subcommand);
    command
}

pub(crate) fn local_cluster() -> Command {
    machine_os_builder("local-cluster")
}

/// A cluster of a test's own.
pub(crate) struct Cluster {
    pub process: Process,
    pub directory: TempDir,
}

impl Cluster {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = local_cluster();
        command.args(arguments);
        Self::start_by(&mut command)
    }

    /// A cluster that this command starts, given the path for its kubeconfig.
    pub(crate) fn start_by(command: &mut Command) -> Self {
        let directory = TempDir::new().unwrap();
        let kubeconfig = directory.path().join("kubeconfig");
        let stdout = fs::File::create(directory.path().join("stdout")).unwrap();
        command.arg("--kubeconfig").arg(&kubeconfig).stdout(stdout);
        let cluster = Self { process: Process::spawn(command), directory };
        until("the kubeconfig is there", || kubeconfig.exists().then_some(()));
        cluster
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("kubeconfig")
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) async fn config(&self) -> Config {
        let kubeconfig = Kubeconfig::read_from(self.kubeconfig()).unwrap();
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap()
    }

    pub(crate) async fn client(&self) -> Client {
        Client::try_from(self.config().await).unwrap()
    }

    pub(crate) fn kubectl_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command.env("KUBECONFIG", self.kubeconfig()).env("HOME", self.directory.path()).args(arguments);
        command
    }

    /// The output of kubectl, which must succeed.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        let printed = run(&mut self.kubectl_command(arguments), self.directory.path());
        assert_eq!(printed.code, Some(0), "{arguments:?} {printed:?}");
        printed.stdout
    }

    /// Whether the kubectl that there is has an option of this name: older ones lack some.
    pub(crate) fn kubectl_has(&self, subcommand: &str, option: &str) -> bool {
        self.kubectl(&[subcommand, "--help"]).contains(option)
    }

    /// Merges into the status of the object at `url`, as its controller would.
    pub(crate) fn set_status(&self, url: &str, status: &Value) {
        let patch = json!({ "status": status }).to_string().into_bytes();
        let request =
            http::Request::patch(format!("{url}/status")).header("content-type", "application/merge-patch+json");
        let request = request.body(patch).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { self.client().await.request::<Value>(request).await }).unwrap();
    }

    /// The error output of kubectl, which must fail.
    pub(crate) fn kubectl_fails(&self, arguments: &[&str]) -> String {
        let printed = run(&mut self.kubectl_command(arguments), self.directory.path());
        assert_ne!(printed.code, Some(0), "{arguments:?} {printed:?}");
        printed.stderr
    }
}

/// The answer of an admin server: the code, and the body.
pub(crate) fn ask(address: &str, method: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
