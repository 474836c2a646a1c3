//! Refused writes: quotas, policies and unavailable webhooks refuse the daemon's writes for a while.
//!
//! Deletions, Events and the lease are never refused: these faults test whether the daemon reports a refusal to users,
//! which takes Events and the lease.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use tokio::time;

use super::ingredient::{Ingredient, each};
use super::refusals::Target;
use super::world::World;
use crate::apiserver::Refusal;
use crate::simulation::random::within;

const QUOTAS: u64 = 150;
const POD_POLICIES: u64 = 151;
const POOL_POLICIES: u64 = 152;
const WEBHOOK_OUTAGES: u64 = 153;

/// Seconds that most refusals last.
const LASTS_S: std::ops::Range<u64> = 20..480;
/// Seconds that those last that outlast the deadline for what does not start.
const LASTS_LONG_S: std::ops::Range<u64> = 700..1_500;
/// The share of refusals that do; none does of writes that cleaning up takes.
const LONG: f64 = 0.25;

/// Quotas, policies and webhooks that are down, each for a while.
pub(super) fn ingredients(world: &World) -> Vec<Ingredient<'_>> {
    let admission = &world.scenario.admission;
    vec![
        each(world, admission.quotas, QUOTAS, async |random| {
            let pool = maybe_one(world, random);
            refuse(world, random, |number, _| {
                let name = format!("builds-{number}");
                (Target::Builds, pool, Refusal::quota(&name, 4), format!("exceeded quota: {name},"))
            })
            .await;
        }),
        each(world, admission.pod_policies, POD_POLICIES, async |random| {
            let pool = maybe_one(world, random);
            refuse(world, random, |number, random| {
                let (refusal, words) = pod_policy(random.random_range(0..6), number);
                (Target::Builds, pool, refusal, words)
            })
            .await;
        }),
        each(world, admission.pool_policies, POOL_POLICIES, async |random| {
            let pool = maybe_one(world, random);
            refuse(world, random, |number, random| {
                let target = if random.random_bool(0.7) { Target::Pools } else { Target::PoolStatus };
                let (refusal, words) = policy(number);
                (target, pool, refusal, words)
            })
            .await;
        }),
        each(world, admission.webhook_outages, WEBHOOK_OUTAGES, async |random| {
            let pool = maybe_one(world, random);
            refuse(world, random, |number, random| {
                let targets = [Target::Builds, Target::ConfigMaps, Target::Pools, Target::All];
                let webhook = format!("check-{number}.example.com");
                let words = format!("failed calling webhook {webhook:?}");
                (targets[random.random_range(0..4)], pool, Refusal::webhook_down(&webhook, "check.ops"), words)
            })
            .await;
        }),
    ]
}

/// Refuses for a while what `draw` says.
async fn refuse(
    world: &World,
    random: &mut ChaCha8Rng,
    draw: impl FnOnce(u32, &mut ChaCha8Rng) -> (Target, Option<String>, Refusal, String),
) {
    let (is_long, long, short) = (random.random_bool(LONG), within(random, LASTS_LONG_S), within(random, LASTS_S));
    let mut is_for_builds = false;
    let number = world.refusals.begin(|number| {
        let drawn = draw(number, random);
        is_for_builds = matches!(drawn.0, Target::Builds | Target::ConfigMaps);
        drawn
    });
    time::sleep(if is_long && is_for_builds { long } else { short }).await;
    world.refusals.end(number);
}

/// One pool, or none for all of them.
fn maybe_one(world: &World, random: &mut ChaCha8Rng) -> Option<String> {
    let pool = world.any_pool(random);
    random.random_bool(0.5).then_some(pool)
}

fn policy(number: u32) -> (Refusal, String) {
    let (policy, binding) = (format!("policy-{number}"), format!("binding-{number}"));
    let words = format!("ValidatingAdmissionPolicy '{policy}' with binding");
    (Refusal::Policy { policy, binding, message: "ask the owners of this policy first".into() }, words)
}

/// Reasons to refuse a build pod.
fn pod_policy(which: u32, number: u32) -> (Refusal, String) {
    match which {
        0 => (Refusal::pod_security("restricted", "image-build"), "violates PodSecurity".into()),
        1 => (Refusal::security_context_constraints(), "unable to validate against any security context".into()),
        2 => {
            let webhook = format!("deny-{number}.example.com");
            let words = format!("admission webhook {webhook:?} denied the request");
            (Refusal::Webhook { webhook, message: "no builds on this cluster today".into() }, words)
        }
        3 => {
            let (field, why) = ("spec.priorityClassName".to_owned(), format!("no class of tier {number} is left"));
            let words = why.clone();
            (Refusal::Invalid { field, value: "builds".into(), why }, words)
        }
        4 => {
            let why = format!("maximum memory usage per Container is {}Mi, but limit is 8Gi", 100 + number);
            (Refusal::Forbidden(why.clone()), why)
        }
        _ => policy(number),
    }
}
