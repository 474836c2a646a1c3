//! This machine as a node: whether it can run containers, what it provides to them, and where their files are.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Programs that containers are made with, and the packages that they come in.
const PROGRAMS: [(&str, &str); 8] = [
    ("buildah", "buildah"),
    ("bash", "bash"),
    ("env", "coreutils"),
    ("mount", "mount (Debian) or util-linux (Fedora)"),
    ("mountpoint", "util-linux"),
    ("pivot_root", "util-linux"),
    ("setpriv", "util-linux"),
    ("unshare", "util-linux"),
];

/// Variables of this process that containers get too, unless their pod sets them: what is a setting of the node, or
/// of the image, in a cluster.
const VARIABLES: [&str; 15] = [
    "PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "STORAGE_DRIVER",
    "STORAGE_OPTS",
    "BUILDAH_ISOLATION",
    "CONTAINERS_CONF",
    "CONTAINERS_REGISTRIES_CONF",
    "CONTAINERS_STORAGE_CONF",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Those of them that name a file or a directory, which containers see at the same place.
const FILES: [&str; 5] =
    ["SSL_CERT_FILE", "SSL_CERT_DIR", "CONTAINERS_CONF", "CONTAINERS_REGISTRIES_CONF", "CONTAINERS_STORAGE_CONF"];

/// Where files are in memory.
const MEMORY: &str = "/dev/shm";

/// How the names of a node's directories begin, before the number of its process.
const PREFIX: &str = "local-node-";

/// Why this machine cannot run containers.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The user of this program may not make mounts.
    #[error("--executor buildah has to run as root: it makes mounts and process namespaces; start it with sudo")]
    NotRoot,
    /// A program is not installed, which a package has.
    #[error("{0} is not installed, or not in PATH: install the package {1}")]
    Missing(&'static str, &'static str),
    /// No overlay can be mounted.
    #[error("failed to make a container's file system under {0}: {1}; set TMPDIR to a directory on ext4 or xfs")]
    Overlay(PathBuf, String),
    /// No directory can be made.
    #[error("failed to make a directory for pods")]
    Io(#[from] io::Error),
}

/// This machine as a node.
pub(super) struct Host {
    disk: TempDir,
    memory: TempDir,
    pub(super) environment: Vec<(String, String)>,
}

impl Host {
    /// Makes sure that this machine can run containers.
    pub(super) fn prepare() -> Result<Self, HostError> {
        if !rustix::process::geteuid().is_root() {
            return Err(HostError::NotRoot);
        }
        for (program, package) in PROGRAMS {
            if !is_installed(program) {
                return Err(HostError::Missing(program, package));
            }
        }
        let make = |directory: &Path| {
            remove_left_behind(directory)?;
            let prefix = format!("{PREFIX}{}-", std::process::id());
            tempfile::Builder::new().prefix(&prefix).tempdir_in(directory)
        };
        let host = Self { disk: make(&env::temp_dir())?, memory: make(Path::new(MEMORY))?, environment: environment() };
        host.try_overlay()?;
        Ok(host)
    }

    /// Files of this machine that containers see where they are, whatever else they see.
    pub(super) fn shared_files(&self) -> Vec<PathBuf> {
        let named = self.environment.iter().filter(|(name, _)| FILES.contains(&name.as_str()));
        let paths =
            named.filter_map(|(_, value)| fs::canonicalize(value).ok().map(|found| (PathBuf::from(value), found)));
        // A link may lead to where containers see something else.
        paths.flat_map(|(path, found)| if path == found { vec![found] } else { vec![path, found] }).collect()
    }

    pub(super) fn pod(&self, uid: &str) -> io::Result<PodDirectories> {
        let directories = PodDirectories { disk: self.disk.path().join(uid), memory: self.memory.path().join(uid) };
        fs::create_dir_all(&directories.disk)?;
        fs::create_dir_all(&directories.memory)?;
        Ok(directories)
    }

    fn try_overlay(&self) -> Result<(), HostError> {
        for directory in ["upper", "work", "root"] {
            fs::create_dir(self.disk.path().join(directory))?;
        }
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "mount", "-t", "overlay"]);
        command.args(["-o", "lowerdir=/,upperdir=upper,workdir=work", "overlay", "root"]);
        let output = command.current_dir(self.disk.path()).stdin(Stdio::null()).output()?;
        if output.status.success() {
            return Ok(());
        }
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(HostError::Overlay(self.disk.path().to_owned(), why))
    }
}

/// Where the files of one pod are; they go with it.
pub(super) struct PodDirectories {
    disk: PathBuf,
    memory: PathBuf,
}

impl PodDirectories {
    /// An empty directory.
    pub(super) fn on_disk(&self, name: &str) -> io::Result<PathBuf> {
        empty(self.disk.join(name))
    }

    /// An empty directory whose files are never written to a disk.
    pub(super) fn in_memory(&self, name: &str) -> io::Result<PathBuf> {
        empty(self.memory.join(name))
    }
}

impl Drop for PodDirectories {
    fn drop(&mut self) {
        for directory in [&self.disk, &self.memory] {
            if let Err(error) = fs::remove_dir_all(directory) {
                tracing::warn!(%error, directory = %directory.display(), "failed to remove what a pod left");
            }
        }
    }
}

fn empty(path: PathBuf) -> io::Result<PathBuf> {
    if path.exists() {
        fs::remove_dir_all(&path)?;
    }
    fs::create_dir(&path)?;
    Ok(path)
}

/// Removes what nodes had whose processes were killed: there are secrets in it.
fn remove_left_behind(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse::<u32>().ok());
        if process.is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists()) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

fn environment() -> Vec<(String, String)> {
    let mut environment: Vec<(String, String)> =
        VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), env::var(name).ok()?))).collect();
    environment.push(("HOME".to_owned(), "/root".to_owned()));
    environment
}
