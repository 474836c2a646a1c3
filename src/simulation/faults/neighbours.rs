//! Other controllers, which write to the same pools.

use std::time::Duration;

use kube::api::PostParams;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::time::{self, Instant};

use super::ingredient::{Ingredient, each};
use super::users;
use super::world::World;
use crate::api::conditions::DEGRADED;
use crate::api::{Kind, Object};
use crate::simulation::random::within;
use crate::simulation::seed;

/// The name under which another controller sends its requests.
pub const USER_AGENT: &str = "neighbour";

const STATUS_WRITES: u64 = 130;
const DEGRADATIONS: u64 = 131;
const RESETS: u64 = 132;
const STORMS: u64 = 133;

/// The conditions by which others degrade a pool.
const DEGRADING: [&str; 3] = [DEGRADED, "NodeDegraded", "RenderDegraded"];
/// The reason that others give.
const REASON: &str = "NodeFailed";
/// Times that a status is written, should others write it too.
const TRIES_MAX: u32 = 10;

/// Status writes, alone and in storms, degradations and resets.
pub(super) fn ingredients(world: &World) -> Vec<Ingredient<'_>> {
    let neighbours = &world.scenario.neighbours;
    vec![
        each(world, neighbours.status_writes, STATUS_WRITES, async |random| {
            let (pool, count) = (world.any_pool(random), random.random_range(0..100));
            write_count(world, &pool, count).await;
        }),
        each(world, neighbours.conflict_storms, STORMS, async |random| storm(world, random).await),
        each(world, neighbours.degradations, DEGRADATIONS, async |random| degrade(world, random).await),
        each(world, neighbours.resets, RESETS, async |_| users::reset(world).await),
    ]
}

/// Waits until the daemon sends a request for a pool, then writes that pool's status repeatedly: at random intervals,
/// and after each request of the daemon, before the daemon acts on the answer.
async fn storm(world: &World, random: &mut ChaCha8Rng) {
    let pool = world.watched_daemon.next_pool().await;
    let ends = Instant::now() + within(random, 1..4);
    let mut count = random.random_range(0..100);
    while Instant::now() < ends {
        count += 1;
        write_count(world, &pool, count).await;
        let pause = Duration::from_millis(random.random_range(10..90));
        // The next write is due after the pause or after the daemon's next request, so a timeout is no error.
        let _ = time::timeout(pause, world.watched_daemon.next_pool()).await;
    }
}

async fn write_count(world: &World, pool: &str, count: u32) {
    write_status(world, pool, |status| {
        status["machineCount"] = count.into();
        set_condition(status, "Updated", count.is_multiple_of(2), "Counted");
    })
    .await;
}

async fn degrade(world: &World, random: &mut ChaCha8Rng) {
    let (pool, which) = (world.any_pool(random), random.random_range(0..DEGRADING.len()));
    let lasts = within(random, 5..400);
    write_status(world, &pool, |status| set_condition(status, DEGRADING[which], true, REASON)).await;
    time::sleep(lasts).await;
    write_status(world, &pool, clear).await;
}

/// Clears the conditions by which other controllers degrade a pool.
pub async fn clear_all(world: &World) {
    for pool in world.fleet.pool_names() {
        write_status(world, &pool, clear).await;
    }
}

fn clear(status: &mut Value) {
    let degraded: Vec<String> = conditions(status)
        .filter(|condition| condition["reason"] == REASON && condition["status"] == "True")
        .filter_map(|condition| condition["type"].as_str().map(str::to_owned))
        .collect();
    degraded.iter().for_each(|kind| set_condition(status, kind, false, ""));
}

fn conditions(status: &Value) -> impl Iterator<Item = &Value> {
    status["conditions"].as_array().into_iter().flatten()
}

fn set_condition(status: &mut Value, kind: &str, is_true: bool, reason: &str) {
    let condition = json!({"type": kind, "status": if is_true { "True" } else { "False" }, "reason": reason});
    let mut conditions: Vec<Value> = conditions(status).filter(|known| known["type"] != kind).cloned().collect();
    conditions.push(condition);
    status["conditions"] = conditions.into();
}

/// Reads a pool and writes its status, as other controllers do: whole, in the version that was read.
async fn write_status(world: &World, pool: &str, change: impl Fn(&mut Value)) {
    let pools = seed::api(&world.server.client(USER_AGENT), Kind::MachineConfigPool);
    for _ in 0..TRIES_MAX {
        let Ok(mut object) = pools.get(pool).await else { return };
        let before = status_of(&mut object).clone();
        change(status_of(&mut object));
        if *status_of(&mut object) == before {
            return;
        }
        match pools.replace_status(pool, &PostParams::default(), &object).await {
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            _ => return,
        }
    }
}

fn status_of(object: &mut Object) -> &mut Value {
    if object.data["status"].is_null() {
        object.data["status"] = json!({});
    }
    &mut object.data["status"]
}
