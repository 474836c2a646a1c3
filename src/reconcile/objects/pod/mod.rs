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

use super::{BuildSettings, ImageBuilder};
use crate::api::{Kind, Object};
use crate::reconcile::inputs::request::BuildRequest;
use crate::reconcile::observed::status::BuildStatus;

/// The container that builds the image, in which users' steps run.
pub const IMAGE_BUILD: &str = "image-build";
/// The container that pushes the image; its termination message is the digest.
pub const IMAGE_PUSH: &str = "image-push";
/// The container that hands the digest over.
pub const WAIT_FOR_DONE: &str = "wait-for-done";

/// Builds in a Pod of this daemon's own making.
#[derive(Debug, Clone, Copy)]
pub struct PodBuilder;

impl ImageBuilder for PodBuilder {
    fn name(&self) -> &'static str {
        "custom-pod-builder"
    }

    fn kind(&self) -> Kind {
        Kind::Pod
    }

    fn object(&self, request: &BuildRequest, settings: &BuildSettings) -> Object {
        spec::pod(request, settings)
    }

    fn classify(&self, object: &Object) -> BuildStatus {
        classify::classify(object)
    }
}
