//! The pod builder: a Pod in which buildah builds in one container and pushes in another, so that no step of a build
//! finds the credentials of the push; and a helper that hands the digest over.

mod classify;
mod containers;
mod delay;
mod disruption;
mod failure;
mod resources;
mod spec;
mod volumes;

pub use self::containers::{IMAGE_BUILD, IMAGE_PUSH, WAIT_FOR_DONE};
pub use self::volumes::{IMAGE_LAYOUT, PUSH_CREDENTIALS};

pub(super) use self::classify::classify;
pub(super) use self::spec::object;
