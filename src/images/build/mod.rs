//! A build on this machine: it runs the commands of a build pod's containers in sequence, with the installed buildah.
//!
//! The pod's own spec defines the commands, their environment and their mounts, from the same objects that a cluster
//! would get. A build reads these objects. It writes a private directory, which it removes when it ends, and buildah's
//! own storage. It needs only the rights that buildah needs.

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
    /// A signal ended it; the number is that of the signal.
    #[error("the build was ended by signal {0}; nothing of it is left but what buildah keeps")]
    Interrupted(i32),
}
