//! The build backends: each makes the object that runs a build, and classifies the status of that object.
//!
//! Pure, both ways. A new backend is a file here that implements [`ImageBuilder`], and its line in [`ALL`].

pub mod answers;
mod build_object;
pub mod builder;
pub mod containerfile;
pub mod metadata;
pub mod openshift;
pub mod payload;
pub mod pod;

pub use crate::reconcile::objects::builder::{BUILDER_IMAGE_DEFAULT, BuildSettings, DigestHandoff, ImageBuilder};

use crate::api::Kind;

/// Every backend; the first is the one that is used unless `imageBuilderType` asks for another.
pub static ALL: [&dyn ImageBuilder; 2] = [&pod::PodBuilder, &openshift::OpenShiftBuilder];

/// The backend whose objects are of `kind`.
pub fn for_kind(kind: Kind) -> Option<&'static dyn ImageBuilder> {
    ALL.into_iter().find(|builder| builder.kind() == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::objects::builder::{named, not_served};

    #[test]
    fn each_backend_is_found_by_its_name_and_by_the_kind_of_its_objects() {
        for builder in ALL {
            assert_eq!(named(&ALL, Some(builder.name())).ok().map(|found| found.kind()), Some(builder.kind()));
            assert_eq!(for_kind(builder.kind()).map(|found| found.name()), Some(builder.name()));
            assert!(builder.kind().is_build_object());
        }
        assert_eq!(named(&ALL, None).ok().map(|found| found.name()), Some("custom-pod-builder"));
        assert!(for_kind(Kind::ConfigMap).is_none());
    }

    #[test]
    fn a_refusal_says_what_there_is_to_choose_from() {
        let fault = named(&ALL, Some("kaniko")).err().map(|fault| fault.to_string()).unwrap_or_default();
        assert_eq!(
            fault,
            "ConfigMap on-cluster-build-config: key imageBuilderType: \"kaniko\" is no image builder; to fix it, set it \
             to custom-pod-builder or openshift-image-builder, or remove it"
        );
        let fault = not_served(&openshift::OpenShiftBuilder, &ALL);
        assert_eq!(fault.reason.as_str(), "BuilderNotServed");
        assert!(fault.fix.ends_with("or set it to custom-pod-builder"), "{}", fault.fix);
    }
}
