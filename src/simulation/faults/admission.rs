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
use crate::simulation::scenario::Every;

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

/// What is refused, how, and a part of the message that no other refusal has.
type Drawn = (Target, Refusal, String);

/// Quotas, policies and webhooks that are down, each for a while.
pub(super) fn ingredients(world: &World) -> Vec<Ingredient<'_>> {
    let admission = &world.scenario.admission;
    vec![
        refusals(world, admission.quotas, QUOTAS, |number, _| {
            let name = format!("builds-{number}");
            (Target::Builds, Refusal::quota(&name, 4), format!("exceeded quota: {name},"))
        }),
        refusals(world, admission.pod_policies, POD_POLICIES, |number, random| {
            let (refusal, words) = pod_policy(random.random_range(0..6), number);
            (Target::Builds, refusal, words)
        }),
        refusals(world, admission.pool_policies, POOL_POLICIES, |number, random| {
            let target = if random.random_bool(0.7) { Target::Pools } else { Target::PoolStatus };
            let (refusal, words) = policy(number);
            (target, refusal, words)
        }),
        refusals(world, admission.webhook_outages, WEBHOOK_OUTAGES, |number, random| {
            let targets = [Target::Builds, Target::ConfigMaps, Target::Pools, Target::All];
            let webhook = format!("check-{number}.example.com");
            let words = format!("failed calling webhook {webhook:?}");
            (targets[random.random_range(0..4)], Refusal::webhook_down(&webhook, "check.ops"), words)
        }),
    ]
}

/// Refuses `every` so often, for a while, what `draw` says: of one pool, or of all of them.
fn refusals(world: &World, every: Every, stream: u64, draw: fn(u32, &mut ChaCha8Rng) -> Drawn) -> Ingredient<'_> {
    each(world, every, stream, async move |random| {
        let pool = world.any_pool(random);
        let pool = random.random_bool(0.5).then_some(pool);
        let (is_long, long, short) = (random.random_bool(LONG), within(random, LASTS_LONG_S), within(random, LASTS_S));
        let mut is_for_builds = false;
        let number = world.refusals.begin(|number| {
            let (target, refusal, words) = draw(number, random);
            is_for_builds = matches!(target, Target::Builds | Target::ConfigMaps);
            (target, pool, refusal, words)
        });
        time::sleep(if is_long && is_for_builds { long } else { short }).await;
        world.refusals.end(number);
    })
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
