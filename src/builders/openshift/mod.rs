//! The OpenShift builder: a Build of the cluster's own build system, with both ConfigMaps as its inputs.

mod classify;
mod spec;

use super::{BuildSettings, ImageBuilder};
use crate::api::{Kind, Object};
use crate::plan::request::BuildRequest;
use crate::plan::status::BuildStatus;

/// Where in the build's context the MachineConfig is put: where the Containerfile copies it from.
pub const PAYLOAD_DIRECTORY: &str = "machineconfig";

/// Leaves the building, and the credentials for it, to OpenShift's build controller.
#[derive(Debug, Clone, Copy)]
pub struct OpenShiftBuilder;

impl ImageBuilder for OpenShiftBuilder {
    fn name(&self) -> &'static str {
        "openshift-image-builder"
    }

    fn kind(&self) -> Kind {
        Kind::Build
    }

    fn object(&self, request: &BuildRequest, settings: &BuildSettings) -> Object {
        spec::build(request, settings)
    }

    fn classify(&self, object: &Object) -> BuildStatus {
        classify::classify(object)
    }
}
