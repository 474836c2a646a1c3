//! The inputs of a build: what makes one build another one.

use serde::{Deserialize, Serialize};

use crate::api::names::sha256_hex;

/// Everything that the image of a build depends on.
///
/// Secrets, the builder, templates and this program's version are not in here on purpose: none of
/// them changing is a reason to build again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildInputs {
    /// The rendered MachineConfig's name.
    pub rendered_config: String,
    /// The base OS image.
    pub base_image: String,
    /// The extensions image, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions_image: Option<String>,
    /// The release that the images belong to.
    pub release_version: String,
    /// SHA-256 of the pool's own Containerfile text, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_containerfile: Option<String>,
    /// The repository that the image is pushed to: `registry/repository`, without a tag.
    pub repository: String,
    /// Raised by each rebuild that a user asks for.
    pub generation: u64,
}

impl BuildInputs {
    /// The fields, each with its name, without the generation.
    pub fn fields(&self) -> [(&'static str, Option<&str>); 6] {
        [
            ("renderedConfig", Some(self.rendered_config.as_str())),
            ("baseImage", Some(self.base_image.as_str())),
            ("extensionsImage", self.extensions_image.as_deref()),
            ("releaseVersion", Some(self.release_version.as_str())),
            ("customContainerfile", self.custom_containerfile.as_deref()),
            ("repository", Some(self.repository.as_str())),
        ]
    }

    /// The hash by which two builds are the same: 64 hex digits.
    pub fn hash(&self) -> String {
        // A line per field, each introduced by its name and length: no two inputs write the same text.
        let mut text = format!("v1\ngeneration {}\n", self.generation);
        for (name, value) in self.fields() {
            if let Some(value) = value {
                text.push_str(&format!("{name} {} {value}\n", value.len()));
            }
        }
        sha256_hex(text)
    }

    /// The published image: the repository at `digest`.
    pub fn image_at(&self, digest: &str) -> String {
        format!("{}@{digest}", self.repository)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> BuildInputs {
        BuildInputs {
            rendered_config: "rendered-worker-1".into(),
            base_image: "registry.test/os@sha256:0".into(),
            extensions_image: None,
            release_version: "4.16.0".into(),
            custom_containerfile: None,
            repository: "registry.test/org/os".into(),
            generation: 0,
        }
    }

    #[test]
    fn each_field_makes_a_build_another_one() {
        let changes: [fn(&mut BuildInputs); 7] = [
            |i| i.rendered_config.push('x'),
            |i| i.base_image.push('x'),
            |i| i.extensions_image = Some("x".into()),
            |i| i.release_version.push('x'),
            |i| i.custom_containerfile = Some("x".into()),
            |i| i.repository.push('x'),
            |i| i.generation += 1,
        ];
        for change in changes {
            let mut other = inputs();
            change(&mut other);
            assert_ne!(other.hash(), inputs().hash(), "{other:?}");
        }
    }

    #[test]
    fn l47_the_hash_is_the_same_in_every_version_of_this_program() {
        assert_eq!(inputs().hash(), "1fab103bdfb539cd752c6564b81eab24f4f380f54bb968103721ad62ad8e67a5");
    }

    #[test]
    fn a_value_cannot_pass_for_another_field() {
        let mut left = inputs();
        left.release_version = "4.16.0\nrepository 1 x".into();
        assert_ne!(left.hash(), inputs().hash());
    }

    #[test]
    fn inputs_survive_being_written_down() {
        let written = serde_json::to_string(&inputs()).unwrap();
        assert_eq!(serde_json::from_str::<BuildInputs>(&written).unwrap(), inputs());
    }
}
