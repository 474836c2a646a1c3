//! One container: its file system, its process, its termination.
//!
//! util-linux's unshare creates the namespaces, and a script inside them makes the mounts: a process that creates
//! namespaces for its child would need unsafe code, which this crate forbids. All processes of a container are in its
//! process namespace. They end with the namespace's first process, which ends with unshare, which ends with this
//! program.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::environment::Invocation;
use super::output::Output;
use crate::apiserver::PodLogs;

const SCRIPT: &str = include_str!("container.sh");
/// The default path of a container's termination message.
const MESSAGE_PATH_DEFAULT: &str = "/dev/termination-log";
/// The kubelet's limit on the termination message.
const MESSAGE_BYTES_MAX: usize = 4096;

/// Something that a container sees.
pub(super) struct Mount {
    pub(super) from: PathBuf,
    pub(super) to: String,
    pub(super) is_read_only: bool,
}

/// The specification of a container.
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) invocation: Invocation,
    pub(super) working_directory: Option<String>,
    pub(super) mounts: Vec<Mount>,
    /// Where the container leaves its last words.
    pub(super) message_path: Option<String>,
    /// Whether the last lines of its log are its last words, if it failed and left none.
    pub(super) falls_back_to_log: bool,
}

/// How a container ended.
#[derive(Debug, Clone)]
pub(super) struct ContainerEnd {
    pub(super) exit_code: i32,
    pub(super) message: String,
    pub(super) finished_at: Timestamp,
}

impl ContainerEnd {
    /// The end of a container that this node failed to run.
    pub(super) fn failed(error: &io::Error) -> Self {
        Self { exit_code: 128, message: format!("failed to run the container: {error}"), finished_at: Timestamp::now() }
    }
}

/// A running container.
pub(super) struct Container {
    child: Child,
    output: Output,
    message: PathBuf,
    falls_back_to_log: bool,
}

impl Container {
    /// Starts a container whose files are in `directory`.
    pub(super) fn start(plan: &Plan, directory: &Path) -> io::Result<Self> {
        for name in ["upper", "work", "root", "private"] {
            fs::create_dir(directory.join(name))?;
        }
        let message = directory.join("message");
        fs::write(&message, "")?;
        let variables = plan.invocation.environment.iter().map(|(name, value)| format!("{name}={value}"));
        fs::write(directory.join("environment"), terminated(variables))?;
        fs::write(directory.join("command"), terminated(plan.invocation.command.iter().cloned()))?;
        fs::write(directory.join("mounts"), terminated(mounts(plan, &message)))?;
        let (output, writer) = Output::new()?;
        // Else it would outlive this program, if that is killed.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "unshare"]);
        command.args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]);
        command.args(["bash", "-c", SCRIPT, &plan.name]).arg(directory);
        command.arg(plan.working_directory.as_deref().unwrap_or_default());
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        // Signals from a terminal are for this program, not for its containers.
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        Ok(Self { child, output, message, falls_back_to_log: plan.falls_back_to_log })
    }

    /// The target of signals.
    pub(super) fn process(&self) -> Option<Process> {
        Some(Process(Pid::from_raw(i32::try_from(self.child.id()?).ok()?)?))
    }

    /// Waits until nothing of it is there any more.
    pub(super) async fn ended(mut self, logs: &PodLogs, uid: &str, name: &str) -> io::Result<ContainerEnd> {
        let last_lines = self.output.keep(logs, uid, name).await?;
        let exit_code = exit_code(self.child.wait().await?);
        let bytes = fs::read(&self.message)?;
        let mut message = String::from_utf8_lossy(&bytes[..bytes.len().min(MESSAGE_BYTES_MAX)]).into_owned();
        if message.is_empty() && exit_code != 0 && self.falls_back_to_log {
            message = last_lines;
        }
        Ok(ContainerEnd { exit_code, message, finished_at: Timestamp::now() })
    }
}

/// The process that a container is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process(Pid);

impl Process {
    /// Tells the container's first process to end.
    pub(super) fn terminate(self) {
        // unshare waits for one child, and passes no signal on.
        let id = self.0.as_raw_nonzero();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|child| Pid::from_raw(child.parse().ok()?)) {
            let _ = kill_process(child, Signal::TERM);
        }
    }

    /// Ends everything in it at once.
    pub(super) fn kill(self) {
        let _ = kill_process(self.0, Signal::KILL);
    }
}

fn mounts(plan: &Plan, message: &Path) -> Vec<String> {
    let words = |from: &Path, to: &str, is_read_only: bool| {
        [from.display().to_string(), to.to_owned(), if is_read_only { "ro" } else { "rw" }.to_owned()]
    };
    // The last of two at one place is seen: what the pod says comes after what the node gives.
    let asked_for = plan.mounts.iter().map(|mount| words(&mount.from, &mount.to, mount.is_read_only));
    let message_path = plan.message_path.as_deref().unwrap_or(MESSAGE_PATH_DEFAULT);
    asked_for.chain([words(message, message_path, false)]).flatten().collect()
}

fn terminated(words: impl IntoIterator<Item = String>) -> String {
    words.into_iter().flat_map(|word| [word, "\0".to_owned()]).collect()
}

/// The exit code as a container runtime has it.
fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(255)
}
