//! The actions of the simulated user, and the states that it waits for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::world::{Stuck, World};
use crate::api::conditions::NODE_DEGRADED;
use crate::api::pool::is_build_reference;
use crate::api::{Kind, Pool, names};
use crate::simulation::MachineConfigTemplate;

/// The pool of every scenario.
pub(super) const POOL: &str = "worker";
/// The config that it wants at first.
pub(super) const FIRST: &str = "rendered-worker-1";
/// The config that it wants later, in some scenarios.
const SECOND: &str = "rendered-worker-2";

/// Waits until the pool shows this condition.
pub(super) async fn shows(world: &World, condition: &str) -> Result<(), Stuck> {
    world
        .until(&format!("the pool shows {condition}"), async || {
            let pool = world.get(Kind::MachineConfigPool, POOL).await?;
            Ok(pool.is_some_and(|pool| Pool::new(&pool).is_true(condition)))
        })
        .await
}

/// Waits until the first build runs, and the pool refers to it.
pub(super) async fn runs(world: &World, kind: Kind) -> Result<(), Stuck> {
    world
        .until("the first build runs", async || {
            let build = world.get(kind, &names::build(FIRST)).await?;
            let pool = world.get(Kind::MachineConfigPool, POOL).await?;
            let is_running = build.is_some_and(|build| build.data["status"]["phase"] == "Running");
            let is_referred_to = pool.is_some_and(|pool| Pool::new(&pool).spec_source().iter().any(is_build_reference));
            Ok(is_running && is_referred_to)
        })
        .await
}

pub(super) async fn create_config(world: &World, name: &str) -> Result<(), Stuck> {
    world.create(MachineConfigTemplate::default().render(name, 1)).await
}

/// Lets the pool want the second config.
pub(super) async fn roll_out(world: &World) -> Result<(), Stuck> {
    create_config(world, SECOND).await?;
    world.merge(Kind::MachineConfigPool, POOL, json!({"spec": {"configuration": {"name": SECOND}}})).await
}

pub(super) async fn set_pullspec(world: &World, pullspec: &str) -> Result<(), Stuck> {
    world.merge(Kind::ConfigMap, names::BUILD_CONFIG, json!({"data": {"finalImagePullspec": pullspec}})).await
}

/// Sets a condition of another controller's, beside those that are there.
pub(super) async fn degrade(world: &World, status: &str) -> Result<(), Stuck> {
    let pool = world.get(Kind::MachineConfigPool, POOL).await?;
    let mut conditions = pool.map(|pool| Pool::new(&pool).conditions().to_vec()).unwrap_or_default();
    conditions.retain(|condition| condition["type"] != NODE_DEGRADED);
    conditions.push(json!({"type": NODE_DEGRADED, "status": status, "reason": "NodesSick"}));
    world.merge_status(Kind::MachineConfigPool, POOL, json!({ "conditions": conditions })).await
}

pub(super) fn legacy_secret(name: &str, password: &str) -> Value {
    let auth = STANDARD.encode(format!("{name}:{password}"));
    let body = json!({"registry.example.com": {"auth": auth}}).to_string();
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
        "type": "kubernetes.io/dockercfg", "data": {".dockercfg": STANDARD.encode(body)},
    })
}
