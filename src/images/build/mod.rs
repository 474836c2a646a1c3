//! A build on this machine: what the containers of a build pod would run, run here one after the other, with the buildah
//! that is installed.
//!
//! The pod's own spec says what is run: its commands, their environment, and what is mounted where come from the objects
//! that a cluster would get. Reads these; writes a private directory that goes with the build, and whatever buildah
//! keeps. Anyone may run it whose buildah builds.

pub mod buildah;
mod ending;
mod recipe;
pub(crate) mod run;

use std::path::PathBuf;

pub use ending::FailedBuild;
pub use recipe::{Recipe, Step};
pub use run::{private_directory, run};

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// buildah cannot be used.
    #[error(transparent)]
    Buildah(#[from] buildah::Error),
    /// The program that runs the script cannot be started.
    #[error("failed to run {0}; install it")]
    NoShell(String, #[source] std::io::Error),
    /// A file of the build cannot be written or read.
    #[error("failed to write or read {0}")]
    File(PathBuf, #[source] std::io::Error),
    /// The build could not be watched to its end.
    #[error("failed to follow the build")]
    Follow(#[source] std::io::Error),
    /// The script said why it ended.
    #[error("{0}")]
    Ended(FailedBuild),
    /// All went well, but for the digest.
    #[error("failed to learn the digest of the image: the build left {0:?}")]
    NoDigest(String),
    /// Somebody ended it; the number is that of the signal.
    #[error("the build was ended by signal {0}; nothing of it is left but what buildah keeps")]
    Interrupted(i32),
}
