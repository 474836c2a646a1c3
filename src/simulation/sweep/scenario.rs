//! The stories, and what a user does in them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::world::{Stuck, World};
use crate::api::conditions::{BUILD_FAILED, BUILD_SUCCESS, NODE_DEGRADED};
use crate::api::pool::is_build_reference;
use crate::api::{Kind, Pool, keys, names};
use crate::builders::openshift::OpenShiftBuilder;
use crate::builders::pod::PodBuilder;
use crate::plan::builder::{BUILDER_TYPE, ImageBuilder};
use crate::simulation::MachineConfigTemplate;
use crate::simulation::seed;

const POOL: &str = "worker";
const FIRST: &str = "rendered-worker-1";
const SECOND: &str = "rendered-worker-2";

/// What happens.
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
    /// Somebody deletes its build object, which is made again.
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

const STORIES: [(Story, &str, &[Runner]); 14] = [
    (Story::Happy, "happy", &Runner::BOTH),
    (Story::Supersede, "supersede", &Runner::BOTH),
    (Story::Failure, "failure", &Runner::BOTH),
    (Story::Evicted, "evicted", &Runner::BOTH),
    (Story::Lost, "lost", &Runner::BOTH),
    (Story::OptOut, "opt-out", &Runner::BOTH),
    (Story::Deletion, "deletion", &Runner::BOTH),
    (Story::LegacySecrets, "legacy-secrets", &Runner::BOTH),
    (Story::Rebuild, "rebuild", &Runner::BOTH),
    (Story::RebuildRunning, "rebuild-running", &Runner::BOTH),
    (Story::BuilderChange, "builder-change", &Runner::BOTH),
    (Story::DigestLeft, "digest-left", &[Runner::Pod]),
    (Story::Mended, "mended", &[Runner::Pod]),
    (Story::Degraded, "degraded", &Runner::BOTH),
];

/// What runs the builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Runner {
    Pod,
    OpenShift,
}

impl Runner {
    const BOTH: [Self; 2] = [Self::Pod, Self::OpenShift];

    fn builder(self) -> &'static str {
        match self {
            Self::Pod => PodBuilder.name(),
            Self::OpenShift => OpenShiftBuilder.name(),
        }
    }
}

/// A story, and what runs the builds in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scenario {
    story: Story,
    name: &'static str,
    runner: Runner,
}

/// A name that no scenario has.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no scenario; there are {1}")]
pub struct UnknownScenario(String, String);

/// How a build ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
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
            .flat_map(|(story, name, runners)| runners.iter().map(move |runner| Self { story, name, runner: *runner }))
            .collect()
    }

    /// How the build of `rendered` ends whose object is the `number`th, from 1, of its inputs.
    pub(super) fn end_of(self, rendered: &str, number: usize) -> End {
        match self.story {
            Story::Failure if rendered == FIRST => End::Failure,
            Story::Evicted if number == 1 => End::Loss,
            Story::DigestLeft => End::DigestLeft,
            _ => End::Success,
        }
    }

    /// Puts into the cluster what is there when the daemon starts.
    pub(super) async fn prepare(self, world: &World) -> Result<(), Stuck> {
        for object in seed::inputs(Some(self.runner.builder())) {
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

    /// What a user does.
    pub(super) async fn play(self, world: &World) -> Result<(), Stuck> {
        let pool = Kind::MachineConfigPool;
        let build = if self.runner == Runner::Pod { Kind::Pod } else { Kind::Build };
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
                let other = if self.runner == Runner::Pod { Runner::OpenShift } else { Runner::Pod };
                let data = json!({"data": {BUILDER_TYPE: other.builder()}});
                world.merge(Kind::ConfigMap, names::BUILD_CONFIG, data).await?;
                roll_out(world).await
            }
            Story::Degraded => {
                degrade(world, "True").await?;
                roll_out(world).await?;
                sleep(Duration::from_secs(600)).await;
                degrade(world, "False").await
            }
            _ => roll_out(world).await,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, if self.runner == Runner::Pod { "pod" } else { "openshift" })
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

async fn shows(world: &World, condition: &str) -> Result<(), Stuck> {
    world
        .until(&format!("the pool shows {condition}"), async || {
            let pool = world.get(Kind::MachineConfigPool, POOL).await?;
            Ok(pool.filter(|pool| Pool::new(pool).is_true(condition)).map(drop))
        })
        .await
}

/// Waits until the first build runs, and the pool refers to it.
async fn runs(world: &World, kind: Kind) -> Result<(), Stuck> {
    world
        .until("the first build runs", async || {
            let build = world.get(kind, &names::build(FIRST)).await?;
            let pool = world.get(Kind::MachineConfigPool, POOL).await?;
            let is_running = build.is_some_and(|build| build.data["status"]["phase"] == "Running");
            let is_referred_to = pool.is_some_and(|pool| Pool::new(&pool).spec_source().iter().any(is_build_reference));
            Ok((is_running && is_referred_to).then_some(()))
        })
        .await
}

async fn create_config(world: &World, name: &str) -> Result<(), Stuck> {
    world.create(MachineConfigTemplate::default().render(name, 1)).await
}

/// Lets the pool want the second config.
async fn roll_out(world: &World) -> Result<(), Stuck> {
    create_config(world, SECOND).await?;
    world.merge(Kind::MachineConfigPool, POOL, json!({"spec": {"configuration": {"name": SECOND}}})).await
}

async fn set_pullspec(world: &World, pullspec: &str) -> Result<(), Stuck> {
    world.merge(Kind::ConfigMap, names::BUILD_CONFIG, json!({"data": {"finalImagePullspec": pullspec}})).await
}

/// Sets a condition of another controller's, beside those that are there.
async fn degrade(world: &World, status: &str) -> Result<(), Stuck> {
    let pool = world.get(Kind::MachineConfigPool, POOL).await?;
    let mut conditions = pool.map(|pool| Pool::new(&pool).conditions().to_vec()).unwrap_or_default();
    conditions.retain(|condition| condition["type"] != NODE_DEGRADED);
    conditions.push(json!({"type": NODE_DEGRADED, "status": status, "reason": "NodesSick"}));
    world.merge_status(Kind::MachineConfigPool, POOL, json!({ "conditions": conditions })).await
}

fn legacy_secret(name: &str, password: &str) -> Value {
    let auth = STANDARD.encode(format!("{name}:{password}"));
    let body = json!({"registry.example.com": {"auth": auth}}).to_string();
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
        "type": "kubernetes.io/dockercfg", "data": {".dockercfg": STANDARD.encode(body)},
    })
}
