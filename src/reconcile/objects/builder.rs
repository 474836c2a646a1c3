//! The interface of a build backend: it makes the object that runs a build, and classifies the status of that object.

use crate::api::names::BUILD_CONFIG;
use crate::api::{Key, Kind, Object};
pub use crate::reconcile::inputs::build_settings::{BUILDER_IMAGE_DEFAULT, BuildSettings, DigestHandoff};
use crate::reconcile::inputs::fault::{FaultReason, InputFault};
use crate::reconcile::inputs::request::BuildRequest;
use crate::reconcile::observed::status::BuildStatus;

/// The key of the build config that names the backend.
pub const BUILDER_TYPE: &str = "imageBuilderType";

/// A backend. Pure: what it makes is created, and what it reads is watched, by others.
pub trait ImageBuilder: Send + Sync {
    /// The name by which `imageBuilderType` asks for it.
    fn name(&self) -> &'static str;

    /// The kind of its objects.
    fn kind(&self) -> Kind;

    /// The object that runs the build of `request`.
    fn object(&self, request: &BuildRequest, settings: &BuildSettings) -> Object;

    /// How the build that `object` runs is doing.
    fn classify(&self, object: &Object) -> BuildStatus;

    /// Most bytes of a Containerfile that its objects hold, where that is less than a ConfigMap does.
    fn containerfile_bytes_max(&self) -> Option<usize> {
        None
    }
}

/// All backends; the first is the default.
pub type Builders = [&'static dyn ImageBuilder];

/// The one of `builders` called `name`; the first if there is no name.
pub fn named(builders: &Builders, name: Option<&str>) -> Result<&'static dyn ImageBuilder, InputFault> {
    let Some(name) = name else { return Ok(builders[0]) };
    builders.iter().find(|builder| builder.name() == name).copied().ok_or_else(|| {
        let names: Vec<&str> = builders.iter().map(|builder| builder.name()).collect();
        let fix = format!("set it to {}, or remove it", names.join(" or "));
        fault(FaultReason::ValueInvalid, format!("{name:?} is no image builder"), fix)
    })
}

/// The fault of an input that names a backend whose kind the cluster does not serve.
pub fn not_served(builder: &dyn ImageBuilder, builders: &Builders) -> InputFault {
    let (kind, api_version) = builder.kind().names();
    let problem =
        format!("{} makes objects of {api_version} {kind}, which this cluster does not serve", builder.name());
    let fix = format!("let the cluster serve {kind}s, or set it to {}", builders[0].name());
    fault(FaultReason::BuilderNotServed, problem, fix)
}

fn fault(reason: FaultReason, problem: String, fix: String) -> InputFault {
    let object = Key::new(Kind::ConfigMap, BUILD_CONFIG);
    InputFault { reason, object, key: Some(BUILDER_TYPE.into()), problem, fix, is_missing: false }
}
