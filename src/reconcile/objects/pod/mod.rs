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

use super::{BuildSettings, ImageBuilder};
use crate::api::{Kind, Object};
use crate::reconcile::inputs::request::BuildRequest;
use crate::reconcile::observed::status::BuildStatus;

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
