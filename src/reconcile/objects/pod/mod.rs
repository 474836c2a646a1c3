//! The pod builder: a Pod in which buildah builds in one container and pushes in another, so that no step of a build
//! finds the credentials of the push; and a helper that hands the digest over.

mod classify;
mod delay;
mod disruption;
mod failure;
mod resources;
mod spec;
mod volumes;

pub use volumes::{IMAGE_LAYOUT, PUSH_CREDENTIALS};

pub(super) use self::classify::classify;
pub(super) use self::spec::object;

/// The container that builds the image, in which users' steps run.
pub const IMAGE_BUILD: &str = "image-build";
/// The container that pushes the image; its termination message is the digest.
pub const IMAGE_PUSH: &str = "image-push";
/// The container that hands the digest over.
pub const WAIT_FOR_DONE: &str = "wait-for-done";
