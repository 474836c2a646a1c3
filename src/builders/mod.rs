//! The backends that run a build: each makes the object that runs it, and says how that object is doing.
//!
//! Pure, both ways. A new backend is a file here, a variant of [`BuilderType`] and its line in [`for_type`].

pub mod pod;

use crate::api::{DEFAULT_NAMESPACE, Kind, Object};
use crate::plan::request::{BuildRequest, BuilderType};
use crate::plan::status::BuildStatus;

/// The image with buildah in it that builds run in, unless a setting says otherwise.
pub const BUILDER_IMAGE_DEFAULT: &str = "quay.io/buildah/stable:latest";

/// Settings of build objects.
#[derive(Debug, Clone)]
pub struct BuildSettings {
    /// Where build objects live.
    pub namespace: String,
    /// The image with buildah in it.
    pub builder_image: String,
}

impl Default for BuildSettings {
    fn default() -> Self {
        Self { namespace: DEFAULT_NAMESPACE.into(), builder_image: BUILDER_IMAGE_DEFAULT.into() }
    }
}

/// A backend.
pub trait ImageBuilder: Send + Sync {
    /// The kind of its objects.
    fn kind(&self) -> Kind;

    /// The object that runs the build of `request`.
    fn object(&self, request: &BuildRequest, settings: &BuildSettings) -> Object;

    /// How the build that `object` runs is doing.
    fn classify(&self, object: &Object) -> BuildStatus;
}

/// The backend of a type.
pub fn for_type(builder: BuilderType) -> &'static dyn ImageBuilder {
    match builder {
        BuilderType::Pod => &pod::PodBuilder,
    }
}

/// The backend whose objects are of `kind`.
pub fn for_kind(kind: Kind) -> Option<&'static dyn ImageBuilder> {
    BuilderType::ALL.into_iter().map(for_type).find(|builder| builder.kind() == kind)
}
