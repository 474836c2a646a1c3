//! The build backends, and how users choose one.

use super::fault::{FaultReason, InputFault};
use crate::api::limits::BUILD_CONTAINERFILE_BYTES_MAX;
use crate::api::names::BUILD_CONFIG;
use crate::api::{Key, Kind};

/// The key of the build config that names the backend.
pub const BUILDER_TYPE: &str = "imageBuilderType";

/// A build backend. `objects` makes the object that runs a build, and classifies the status of that object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageBuilder {
    /// Builds in a Pod of this daemon's own making.
    Pod,
    /// Leaves the building, and the credentials for it, to OpenShift's build controller.
    OpenShift,
}

impl ImageBuilder {
    /// All backends; the first is the default.
    pub const ALL: [Self; 2] = [Self::Pod, Self::OpenShift];

    /// The name by which `imageBuilderType` asks for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pod => "custom-pod-builder",
            Self::OpenShift => "openshift-image-builder",
        }
    }

    /// The kind of its objects.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Pod => Kind::Pod,
            Self::OpenShift => Kind::Build,
        }
    }

    /// The backend whose objects are of `kind`.
    pub fn for_kind(kind: Kind) -> Option<Self> {
        Self::ALL.into_iter().find(|builder| builder.kind() == kind)
    }

    /// Most bytes of a Containerfile that its objects hold, where that is less than a ConfigMap does.
    pub const fn containerfile_bytes_max(self) -> Option<usize> {
        match self {
            Self::Pod => None,
            Self::OpenShift => Some(BUILD_CONTAINERFILE_BYTES_MAX),
        }
    }

    /// The backend called `name`; the default one if there is no name.
    ///
    /// # Errors
    /// If no backend has this name.
    pub fn named(name: Option<&str>) -> Result<Self, InputFault> {
        let Some(name) = name else { return Ok(Self::ALL[0]) };
        Self::ALL.into_iter().find(|builder| builder.name() == name).ok_or_else(|| {
            let fix = format!("set it to {}, or remove it", Self::ALL.map(Self::name).join(" or "));
            fault(FaultReason::ValueInvalid, format!("{name:?} is no image builder"), fix)
        })
    }

    /// The fault of an input that names this backend, whose kind the cluster does not serve.
    pub fn not_served(self) -> InputFault {
        let (kind, api_version) = self.kind().names();
        let problem =
            format!("{} makes objects of {api_version} {kind}, which this cluster does not serve", self.name());
        let fix = format!("let the cluster serve {kind}s, or set it to {}", Self::ALL[0].name());
        fault(FaultReason::BuilderNotServed, problem, fix)
    }
}

fn fault(reason: FaultReason, problem: String, fix: String) -> InputFault {
    InputFault::new(reason, Key::new(Kind::ConfigMap, BUILD_CONFIG), Some(BUILDER_TYPE), problem, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_backend_is_found_by_its_name_and_by_the_kind_of_its_objects() {
        for builder in ImageBuilder::ALL {
            assert_eq!(ImageBuilder::named(Some(builder.name())).ok(), Some(builder));
            assert_eq!(ImageBuilder::for_kind(builder.kind()), Some(builder));
            assert!(builder.kind().is_build_object());
        }
        assert_eq!(ImageBuilder::named(None).ok().map(ImageBuilder::name), Some("custom-pod-builder"));
        assert!(ImageBuilder::for_kind(Kind::ConfigMap).is_none());
    }

    #[test]
    fn a_fault_says_what_there_is_to_choose_from() {
        let fault = ImageBuilder::named(Some("kaniko")).err().map(|fault| fault.to_string()).unwrap_or_default();
        assert_eq!(
            fault,
            "ConfigMap on-cluster-build-config: key imageBuilderType: \"kaniko\" is no image builder; to fix it, set it \
             to custom-pod-builder or openshift-image-builder, or remove it"
        );
        let fault = ImageBuilder::OpenShift.not_served();
        assert_eq!(fault.reason.as_str(), "BuilderNotServed");
        assert!(fault.fix.ends_with("or set it to custom-pod-builder"), "{}", fault.fix);
    }
}
