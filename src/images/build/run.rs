//! Runs a recipe until it ends, or until a signal ends it.

use std::fs::{self, OpenOptions};
use std::io::{self, PipeReader, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, kill_process_group};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot::{self, Receiver};

use super::ending::{Error, FailedBuild};
use super::{Recipe, Step, buildah};
use crate::api::limits::LOCAL_BUILD_GRACE_PERIOD;
use crate::reconcile::observed::digest::Digest;

/// How much of the output is kept for an error.
const OUTPUT_KEPT_BYTES: usize = 4096;
/// How long whatever was left behind may hold the output open after the end.
const OUTPUT_END_TIMEOUT: Duration = Duration::from_secs(2);

/// Variables that a user may override for this machine.
const LEFT_TO_THE_USER: [&str; 2] = ["BUILDAH_ISOLATION", "STORAGE_DRIVER"];
/// Variables that the scripts read, and that must not come from the user's environment.
const OF_THE_SCRIPTS: [&str; 9] = [
    "BASE_IMAGE",
    "BUILD_FILES",
    "EXTENSIONS_IMAGE",
    "FINAL_IMAGE",
    "POOL",
    "PUSH_DESTINATION",
    "RENDERED_CONFIG",
    "SILENCE_MAX_S",
    "TERMINATION_LOG",
];

/// Builds an image, and pushes it to where its name says, or to `destination` in the words of `buildah push`. What the
/// build prints goes to standard error.
///
/// # Errors
///
/// Why there is no image. Nothing is left in any case but what buildah keeps.
pub fn run(recipe: &Recipe, destination: Option<&str>) -> Result<Digest, Error> {
    buildah::check()?;
    let directory = private_directory(&std::env::temp_dir(), ".build-")
        .map_err(|error| Error::File(std::env::temp_dir(), error))?;
    write_files(recipe, directory.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Follow)?;
    let mut words = String::new();
    for step in &recipe.steps {
        let message = directory.path().join(format!("{}.message", step.container));
        runtime.block_on(follow(&Run { recipe, step, destination, files: directory.path(), message: &message }))?;
        // The push comes last, and leaves the digest.
        words = last_words(&message);
    }
    Digest::parse(&words).ok_or(Error::NoDigest(words))
}

/// One step, and what is around it.
struct Run<'a> {
    recipe: &'a Recipe,
    step: &'a Step,
    destination: Option<&'a str>,
    files: &'a Path,
    /// Where the step leaves its last words.
    message: &'a Path,
}

/// The termination message of a step; empty if it left none.
fn last_words(message: &Path) -> String {
    fs::read(message).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// A directory in `parent` that only its owner can read. It is removed when it is dropped.
///
/// # Errors
///
/// Why it cannot be made.
pub fn private_directory(parent: &Path, prefix: &str) -> io::Result<TempDir> {
    tempfile::Builder::new().prefix(prefix).permissions(fs::Permissions::from_mode(0o700)).tempdir_in(parent)
}

/// Others must not read them: there are keys and passwords in them.
fn write_files(recipe: &Recipe, directory: &Path) -> Result<(), Error> {
    for (name, contents) in &recipe.files {
        let path = directory.join(name);
        let parent = path.parent().unwrap_or(directory);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)
            .and_then(|()| OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path))
            .and_then(|mut file| file.write_all(contents))
            .map_err(|error| Error::File(path, error))?;
    }
    for name in &recipe.directories {
        let path = directory.join(name);
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(|error| Error::File(path, error))?;
    }
    Ok(())
}

async fn follow(run: &Run<'_>) -> Result<(), Error> {
    // Signals must be handled before the child starts, so that none is missed.
    let mut signals = Signals::new().map_err(Error::Follow)?;
    let (mut child, mut output) = start(run)?;
    let ended_by = tokio::select! {
        status = child.wait() => {
            return conclude(run, status.map_err(Error::Follow)?, output).await;
        }
        signal = signals.next() => signal,
    };
    end(&mut child, &mut output, &mut signals).await;
    Err(Error::Interrupted(ended_by.as_raw_value()))
}

/// The signals with which users and systems end programs.
struct Signals([(SignalKind, tokio::signal::unix::Signal); 3]);

impl Signals {
    fn new() -> io::Result<Self> {
        let heard = |kind| io::Result::Ok((kind, signal(kind)?));
        let [interrupt, terminate, hangup] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(heard);
        Ok(Self([interrupt?, terminate?, hangup?]))
    }

    async fn next(&mut self) -> SignalKind {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.1.recv() => interrupt.0,
            _ = terminate.1.recv() => terminate.0,
            _ = hangup.1.recv() => hangup.0,
        }
    }
}

fn start(run: &Run<'_>) -> Result<(Child, Receiver<Vec<u8>>), Error> {
    let (program, arguments) = run.step.command.split_first().expect("a container has a command");
    let (reader, writer) = io::pipe().map_err(Error::Follow)?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.stdout(writer.try_clone().map_err(Error::Follow)?).stderr(writer);
    for name in OF_THE_SCRIPTS {
        command.env_remove(name);
    }
    let is_open = |name: &str| !LEFT_TO_THE_USER.contains(&name) || std::env::var_os(name).is_none();
    command.envs(run.step.environment.iter().filter(|(name, _)| is_open(name)).cloned());
    command.env("BUILD_FILES", run.files).env("TERMINATION_LOG", run.message);
    command.envs(run.destination.map(|destination| ("PUSH_DESTINATION", destination)));
    // A group of its own: all of it can be ended at once, and a terminal's Ctrl-C reaches this process alone.
    let child = command.process_group(0).spawn().map_err(|error| Error::NoShell(program.clone(), error))?;
    Ok((child, pass_on(reader)))
}

/// Passes output on as it comes, and gives its end when it is over.
fn pass_on(mut reader: PipeReader) -> Receiver<Vec<u8>> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let (mut kept, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(read @ 1..) = reader.read(&mut buffer) {
            // The build goes on even if standard error cannot be written.
            let _ = io::stderr().write_all(&buffer[..read]);
            kept.extend_from_slice(&buffer[..read]);
            kept.drain(..kept.len().saturating_sub(OUTPUT_KEPT_BYTES));
        }
        let _ = sender.send(kept);
    });
    receiver
}

async fn conclude(run: &Run<'_>, status: ExitStatus, output: Receiver<Vec<u8>>) -> Result<(), Error> {
    let output = tokio::time::timeout(OUTPUT_END_TIMEOUT, output).await.ok().and_then(Result::ok).unwrap_or_default();
    if status.success() {
        return Ok(());
    }
    let words = last_words(run.message);
    let variable = |name: &str| run.recipe.variable(name).unwrap_or_default().to_owned();
    Err(Error::Ended(FailedBuild {
        code: status.code(),
        base_image: variable("BASE_IMAGE"),
        destination: run.destination.map_or_else(|| variable("FINAL_IMAGE"), str::to_owned),
        output: if words.is_empty() { String::from_utf8_lossy(&output).into_owned() } else { words },
    }))
}

/// Ends the build, and everything that it began: first as a cluster would, and then, or if told once more, without
/// asking.
async fn end(child: &mut Child, output: &mut Receiver<Vec<u8>>, signals: &mut Signals) {
    let group = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    let tell = |signal| group.map(|group| kill_process_group(group, signal));
    tell(rustix::process::Signal::TERM);
    tokio::select! {
        // The script may end before its children. The output ends when the last of them has closed it.
        _ = output => {}
        _ = signals.next() => {}
        () = tokio::time::sleep(LOCAL_BUILD_GRACE_PERIOD) => {}
    }
    tell(rustix::process::Signal::KILL);
    let _ = child.wait().await;
}
