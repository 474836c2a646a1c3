//! The objects of a build. Each backend makes the object that runs a build, and classifies the status of that object.
//!
//! Pure, both ways. A new backend is a module here, a variant of [`ImageBuilder`], and a line in each function below.

pub mod answers;

pub mod containerfile;
pub mod metadata;
pub mod openshift;
mod parts;
pub mod payload;
pub mod pod;

use super::inputs::build_settings::BuildSettings;
use super::inputs::image_builder::ImageBuilder;
use super::inputs::request::BuildRequest;
use super::observed::status::BuildStatus;
use crate::api::{Kind, Object};

/// The object that runs the build of `request`.
pub fn build_object(request: &BuildRequest, settings: &BuildSettings) -> Object {
    match request.builder {
        ImageBuilder::Pod => pod::object(request, settings),
        ImageBuilder::OpenShift => openshift::object(request, settings),
    }
}

/// The status of the build that `object` runs; `None` if objects of `kind` run no build.
pub fn classify(kind: Kind, object: &Object) -> Option<BuildStatus> {
    ImageBuilder::for_kind(kind).map(|builder| match builder {
        ImageBuilder::Pod => pod::classify(object),
        ImageBuilder::OpenShift => openshift::classify(object),
    })
}
