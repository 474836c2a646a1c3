//! The settings of build objects, as arguments.

use clap::ValueEnum;

use crate::builders::{self, BUILDER_IMAGE_DEFAULT, BuildSettings};

/// What build objects are made with, besides what users write.
#[derive(Debug, clap::Args)]
pub(super) struct BuildArguments {
    /// The image with buildah in it
    #[arg(long, value_name = "IMAGE", env = "BUILDER_IMAGE", default_value = BUILDER_IMAGE_DEFAULT)]
    builder_image: String,

    /// How a build pod hands over the digest of the image that it pushed
    #[arg(long, value_name = "HOW", env = "DIGEST_HANDOFF", value_enum, default_value_t = DigestHandoff::ConfigMap)]
    digest_handoff: DigestHandoff,
}

/// How a build pod hands over its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DigestHandoff {
    /// A helper container, from the base OS image, leaves it in a ConfigMap; the termination message has it too
    #[value(name = "configmap")]
    ConfigMap,
    /// The termination message alone; no node pulls the base OS image just to run one command
    TerminationMessage,
}

impl BuildArguments {
    pub(super) fn settings(&self, namespace: &str) -> BuildSettings {
        BuildSettings {
            namespace: namespace.to_owned(),
            builder_image: self.builder_image.clone(),
            digest_handoff: match self.digest_handoff {
                DigestHandoff::ConfigMap => builders::DigestHandoff::ConfigMap,
                DigestHandoff::TerminationMessage => builders::DigestHandoff::TerminationMessage,
            },
        }
    }
}
