//! Simulated users: their changes to pools and to the inputs of builds.

use kube::api::{DeleteParams, PostParams};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::time;

use super::ingredient::{Ingredient, each};
use super::world::World;
use crate::api::conditions::BUILD_FAILED;
use crate::api::names::{BUILD_CONFIG, CUSTOM_CONTAINERFILE, OS_IMAGE_URL, sha256_hex};
use crate::api::{Kind, Object, Pool, keys};
use crate::reconcile::inputs::image_builder::{BUILDER_TYPE, ImageBuilder};
use crate::reconcile::pool::record::BuildRecord;
use crate::simulation::machine_config::MachineConfigTemplate;
use crate::simulation::random::within;
use crate::simulation::seed::{self, Builder};

const OPT_OUTS: u64 = 140;
const EDITS: u64 = 141;
const BAD_EDITS: u64 = 142;
const ROLLOUTS: u64 = 143;
const REBUILDS: u64 = 144;
const RECREATIONS: u64 = 145;

/// The share of opt-outs that last.
const OPTED_OUT_FOR_LONG: f64 = 0.2;

/// The Secret that a user deletes now and then.
const PUSH_SECRET: &str = "final-image-push";

/// All actions of users.
pub(super) fn ingredients(world: &World) -> Vec<Ingredient<'_>> {
    let users = &world.scenario.users;
    vec![
        each(world, users.opt_outs, OPT_OUTS, async |random| {
            let pool = world.any_pool(random);
            // Some come back soon, some after all that was theirs has long been removed.
            let lasts = if random.random_bool(OPTED_OUT_FOR_LONG) { 1_200..2_400 } else { 1..400 };
            let lasts = within(random, lasts);
            set_opted_in(world, &pool, false).await;
            time::sleep(lasts).await;
            set_opted_in(world, &pool, true).await;
        }),
        each(world, users.edits, EDITS, async |random| edit(world, random).await),
        each(world, users.bad_edits, BAD_EDITS, async |random| {
            spoil(world, random).await;
            time::sleep(within(random, 1..900)).await;
            reset(world).await;
        }),
        each(world, users.rollouts, ROLLOUTS, async |random| roll_out(world, &world.any_pool(random)).await),
        each(world, users.rebuilds, REBUILDS, async |random| ask_for_rebuild(world, &world.any_pool(random)).await),
        each(world, users.recreations, RECREATIONS, async |random| {
            let (pool, lasts) = (world.any_pool(random), within(random, 1..200));
            let pools = seed::api(&world.user, Kind::MachineConfigPool);
            // Whether it is there or not: it is gone then.
            let _ = pools.delete(&pool, &DeleteParams::default()).await;
            time::sleep(lasts).await;
            create_pool(world, &pool).await;
        }),
    ]
}

/// Creates what is in the cluster before the first build, pools included.
///
/// # Errors
/// If the API server refuses it.
pub async fn begin(world: &World) -> kube::Result<()> {
    for object in inputs(world) {
        seed::create(&world.user, &object).await?;
    }
    for pool in world.fleet.pool_names() {
        create_config(world, &pool, 1).await?;
        seed::create(&world.user, &seed::pool(&pool, &world.wanted(&pool))).await?;
    }
    Ok(())
}

/// Restores what users want in the end: each pool exists, is opted in and wants its newest config, and the inputs of
/// builds are those of the beginning.
pub async fn mend(world: &World) {
    reset(world).await;
    for pool in world.fleet.pool_names() {
        create_pool(world, &pool).await;
        set_opted_in(world, &pool, true).await;
        set_config(world, &pool).await;
    }
}

/// Asks once more for the builds that failed, but for those that were refused: they are tried again unasked. `pools` are
/// all pools.
pub async fn retry_failed(world: &World, pools: &[Object]) {
    for object in pools {
        let pool = Pool::new(object);
        if pool.is_true(BUILD_FAILED) && !is_refused(&pool) && pool.annotation(keys::REBUILD).is_none() {
            ask_for_rebuild(world, pool.name()).await;
        }
    }
}

/// Whether a pool shows a failure for no other cause than that the cluster refuses what its build needs.
fn is_refused(pool: &Pool<'_>) -> bool {
    pool.failure().is_some() && BuildRecord::of(pool).is_ok_and(|record| record.failed.is_none())
}

/// Puts the users' ConfigMaps and Secrets back to what they were at first.
pub async fn reset(world: &World) {
    for object in inputs(world) {
        let (name, kind) = (object.metadata.name.clone().unwrap_or_default(), Kind::of(&object));
        let Ok(kind) = kind else { continue };
        let api = seed::api(&world.user, kind);
        if api.replace(&name, &PostParams::default(), &object).await.is_err() {
            // It is not there, then.
            let _ = api.create(&PostParams::default(), &object).await;
        }
    }
}

fn inputs(world: &World) -> Vec<Object> {
    let containerfiles = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CUSTOM_CONTAINERFILE}, "data": {},
    });
    let containerfiles = serde_json::from_value(containerfiles).expect("this is an object");
    seed::inputs(world.scenario.builder.name()).into_iter().chain([containerfiles]).collect()
}

async fn create_pool(world: &World, pool: &str) {
    // It may be there already.
    let _ = seed::create(&world.user, &seed::pool(pool, &world.wanted(pool))).await;
}

async fn set_opted_in(world: &World, pool: &str, is_in: bool) {
    let value = if is_in { json!("") } else { Value::Null };
    let patch = json!({"metadata": {"labels": {keys::LAYERING_ENABLED: value}}});
    world.merge(Kind::MachineConfigPool, pool, patch).await;
}

async fn ask_for_rebuild(world: &World, pool: &str) {
    world.merge(Kind::MachineConfigPool, pool, json!({"metadata": {"annotations": {keys::REBUILD: ""}}})).await;
}

async fn roll_out(world: &World, pool: &str) {
    let number = world.next_config(pool);
    if let Err(error) = create_config(world, pool, number).await {
        tracing::warn!(%error, pool, "failed to roll out a config");
    }
    set_config(world, pool).await;
}

/// Lets a pool want its newest config.
async fn set_config(world: &World, pool: &str) {
    let patch = json!({"spec": {"configuration": {"name": world.wanted(pool)}}});
    world.merge(Kind::MachineConfigPool, pool, patch).await;
}

async fn create_config(world: &World, pool: &str, number: usize) -> kube::Result<()> {
    let rendered = world.fleet.rendered(pool, number);
    let config = MachineConfigTemplate::default().render(&rendered, number);
    seed::create(&world.user, &serde_json::from_value(config).expect("a template is an object")).await?;
    Ok(())
}

/// Changes an input to another good one.
async fn edit(world: &World, random: &mut ChaCha8Rng) {
    let number = random.random_range(0..1_000_u32);
    let image = |name: &str| format!("registry.example.com/release/{name}@sha256:{}", sha256_hex(number.to_string()));
    let pool = world.any_pool(random);
    let builder = ImageBuilder::ALL[random.random_range(0..ImageBuilder::ALL.len())].name();
    let is_mixed = world.scenario.builder == Builder::Mixed;
    let (name, data) = match random.random_range(0..6) {
        0 => (OS_IMAGE_URL, json!({"baseOSContainerImage": image("base-os")})),
        1 => (OS_IMAGE_URL, json!({"baseOSExtensionsContainerImage": image("extensions")})),
        2 => (OS_IMAGE_URL, json!({"releaseVersion": format!("4.16.{number}")})),
        3 => (CUSTOM_CONTAINERFILE, json!({pool: format!("RUN echo {number}\n")})),
        4 if is_mixed => (BUILD_CONFIG, json!({BUILDER_TYPE: builder})),
        _ => (BUILD_CONFIG, json!({"finalImagePullspec": format!("{}-{number}:latest", seed::REPOSITORY)})),
    };
    world.merge(Kind::ConfigMap, name, json!({"data": data})).await;
}

/// Makes an input bad.
async fn spoil(world: &World, random: &mut ChaCha8Rng) {
    let (name, data) = match random.random_range(0..8) {
        0 => (BUILD_CONFIG, json!({"finalImagePullspec": "typo"})),
        1 => (BUILD_CONFIG, json!({"finalImagePullspec": null})),
        2 => (BUILD_CONFIG, json!({BUILDER_TYPE: "kaniko"})),
        3 => (BUILD_CONFIG, json!({"baseImagePullSecretName": "no-such-secret"})),
        4 => (OS_IMAGE_URL, json!({"baseOSContainerImage": ""})),
        5 => (OS_IMAGE_URL, json!({"releaseVersion": "4.16.0\nRUN something-else"})),
        6 => {
            let config_maps = seed::api(&world.user, Kind::ConfigMap);
            // It may be gone already.
            let _ = config_maps.delete(OS_IMAGE_URL, &DeleteParams::default()).await;
            return;
        }
        _ => {
            let _ = seed::api(&world.user, Kind::Secret).delete(PUSH_SECRET, &DeleteParams::default()).await;
            return;
        }
    };
    world.merge(Kind::ConfigMap, name, json!({"data": data})).await;
}
