//! A build on this machine: it runs the commands of a build pod's containers in sequence, with the installed buildah.
//!
//! The pod's own spec defines the commands, their environment and their mounts, from the same objects that a cluster
//! would get. A build reads these objects. It writes a private directory, which it removes when it ends, and buildah's
//! own storage. It needs only the rights that buildah needs.

pub mod buildah;
mod ending;
mod recipe;
pub(crate) mod run;

pub use ending::{Error, FailedBuild};
pub use recipe::{Recipe, Step};
pub use run::{private_directory, run};
