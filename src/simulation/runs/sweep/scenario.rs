//! The scenarios of the sweep.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::user::{FIRST, POOL, create_config, degrade, legacy_secret, roll_out, runs, set_pullspec, shows};
use super::world::{Stuck, World};
use crate::api::conditions::{BUILD_FAILED, BUILD_SUCCESS};
use crate::api::{Kind, keys, names};
use crate::reconcile::inputs::image_builder::{BUILDER_TYPE, ImageBuilder};
use crate::simulation::seed;

/// The course of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Story {
    /// A pool is built.
    Happy,
    /// Its config changes while it is built.
    Supersede,
    /// Its build fails, and its next config can be built.
    Failure,
    /// Its build is taken off its node, and tried again.
    Evicted,
    /// Another client deletes its build object; the daemon creates it again.
    Lost,
    /// It is opted out while it is built.
    OptOut,
    /// It is deleted while it is built.
    Deletion,
    /// Its pull secrets are of the old kind; one is rotated, and another config is built.
    LegacySecrets,
    /// It is built again on request.
    Rebuild,
    /// A fresh build is asked for while one runs.
    RebuildRunning,
    /// While it is built, the builder changes, and then the config.
    BuilderChange,
    /// Its build leaves the digest in a ConfigMap alone.
    DigestLeft,
    /// An input cannot be read, and is mended.
    Mended,
    /// Others degrade it while it is built, its config changes, and it heals.
    Degraded,
}

/// Both kinds of build objects.
const BOTH: [Kind; 2] = [Kind::Pod, Kind::Build];

const STORIES: [(Story, &str, &[Kind]); 14] = [
    (Story::Happy, "happy", &BOTH),
    (Story::Supersede, "supersede", &BOTH),
    (Story::Failure, "failure", &BOTH),
    (Story::Evicted, "evicted", &BOTH),
    (Story::Lost, "lost", &BOTH),
    (Story::OptOut, "opt-out", &BOTH),
    (Story::Deletion, "deletion", &BOTH),
    (Story::LegacySecrets, "legacy-secrets", &BOTH),
    (Story::Rebuild, "rebuild", &BOTH),
    (Story::RebuildRunning, "rebuild-running", &BOTH),
    (Story::BuilderChange, "builder-change", &BOTH),
    (Story::DigestLeft, "digest-left", &[Kind::Pod]),
    (Story::Mended, "mended", &[Kind::Pod]),
    (Story::Degraded, "degraded", &BOTH),
];

/// A course of events, and the kind of its build objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scenario {
    story: Story,
    name: &'static str,
    builds: Kind,
}

/// A name that no scenario has.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no scenario; there are {1}")]
pub struct UnknownScenario(String, String);

/// How a build ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BuildEnd {
    Success,
    DigestLeft,
    Failure,
    Loss,
}

impl Scenario {
    /// Every scenario.
    pub fn all() -> Vec<Self> {
        STORIES
            .into_iter()
            .flat_map(|(story, name, kinds)| kinds.iter().map(move |builds| Self { story, name, builds: *builds }))
            .collect()
    }

    /// How the build of `rendered` ends whose object is the `number`th, from 1, of its inputs.
    pub(super) fn end_of(self, rendered: &str, number: usize) -> BuildEnd {
        match self.story {
            Story::Failure if rendered == FIRST => BuildEnd::Failure,
            Story::Evicted if number == 1 => BuildEnd::Loss,
            Story::DigestLeft => BuildEnd::DigestLeft,
            _ => BuildEnd::Success,
        }
    }

    /// Puts into the cluster what is there when the daemon starts.
    pub(super) async fn prepare(self, world: &World) -> Result<(), Stuck> {
        for object in seed::inputs(ImageBuilder::for_kind(self.builds).map(ImageBuilder::name)) {
            seed::create(&world.client, &object).await?;
        }
        match self.story {
            Story::LegacySecrets => {
                for name in ["base-image-pull", "final-image-push"] {
                    world.delete(Kind::Secret, name).await?;
                    world.create(legacy_secret(name, "first")).await?;
                }
            }
            Story::Mended => set_pullspec(world, "not a pullspec").await?,
            _ => {}
        }
        create_config(world, FIRST).await?;
        seed::create(&world.client, &seed::pool(POOL, FIRST)).await?;
        Ok(())
    }

    /// The actions of the user.
    pub(super) async fn play(self, world: &World) -> Result<(), Stuck> {
        let pool = Kind::MachineConfigPool;
        let build = self.builds;
        match self.story {
            Story::Happy | Story::Evicted | Story::DigestLeft => return Ok(()),
            Story::Failure | Story::Mended => shows(world, BUILD_FAILED).await?,
            Story::LegacySecrets | Story::Rebuild => shows(world, BUILD_SUCCESS).await?,
            _ => runs(world, build).await?,
        }
        match self.story {
            Story::Lost => world.delete(build, &names::build(FIRST)).await,
            Story::OptOut => {
                world.merge(pool, POOL, json!({"metadata": {"labels": {keys::LAYERING_ENABLED: null}}})).await
            }
            Story::Deletion => world.delete(pool, POOL).await,
            Story::Rebuild | Story::RebuildRunning => {
                world.merge(pool, POOL, json!({"metadata": {"annotations": {keys::REBUILD: ""}}})).await
            }
            Story::Mended => set_pullspec(world, &format!("{}:latest", seed::REPOSITORY)).await,
            Story::LegacySecrets => {
                let rotated = legacy_secret("base-image-pull", "second");
                world.merge(Kind::Secret, "base-image-pull", json!({"data": rotated["data"]})).await?;
                roll_out(world).await
            }
            Story::BuilderChange => {
                let other = ImageBuilder::ALL.into_iter().find(|builder| builder.kind() != build);
                let data = json!({"data": {BUILDER_TYPE: other.map(ImageBuilder::name)}});
                world.merge(Kind::ConfigMap, names::BUILD_CONFIG, data).await?;
                roll_out(world).await
            }
            Story::Degraded => {
                degrade(world, "True").await?;
                roll_out(world).await?;
                sleep(Duration::from_secs(120)).await;
                degrade(world, "False").await
            }
            _ => roll_out(world).await,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, if self.builds == Kind::Pod { "pod" } else { "openshift" })
    }
}

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(name: &str) -> Result<Self, UnknownScenario> {
        let all = Self::all();
        let names: Vec<String> = all.iter().map(ToString::to_string).collect();
        let found = all.into_iter().zip(&names).find(|(_, known)| *known == name);
        found.map(|(scenario, _)| scenario).ok_or_else(|| UnknownScenario(name.to_owned(), names.join(", ")))
    }
}
