//! Images that are built for real, and what that needs around it: a registry, a base image, a MachineConfig.
//!
//! All of it runs on this machine, on loopback, with Debian's programs. What takes long to make is kept in the
//! target directory.

mod answers;
mod base_image;
mod build;
mod fleet;
mod image;
mod machine_config;
mod refusing;
mod registry;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Where tests keep their files: containers see it, which they do not of /tmp.
pub(crate) fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// A directory that goes with the test.
pub(crate) fn temporary_directory() -> TempDir {
    TempDir::new_in(directory()).unwrap()
}

/// The output of a command, which must succeed.
pub(crate) fn output_of(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
