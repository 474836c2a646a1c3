//! How builds end, and who deletes them.

use std::sync::{Arc, Mutex, PoisonError};

use kube::api::{DeleteParams, ListParams};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::world::{Calm, random};
use super::{Ingredient, World, each};
use crate::api::{Kind, Object, keys};
use crate::simulation::ending::{Ending, Endings, Rejection};
use crate::simulation::scenario::Builds;
use crate::simulation::seed;

const DELETIONS: u64 = 120;
const ENDINGS: u64 = 121;

/// How builds end until there is calm; after that, they succeed.
pub fn endings(builds: &Builds, seed: u64, calm: Calm) -> Endings {
    let (builds, random) = (builds.clone(), Mutex::new(random(seed, ENDINGS)));
    Arc::new(move || {
        if calm.is_now() {
            return Ending::Succeeds;
        }
        ending(&builds, &mut random.lock().unwrap_or_else(PoisonError::into_inner))
    })
}

/// What is the user's fault, or that of a registry that says no.
const FAILURES: [Ending; 6] = [
    Ending::Fails,
    Ending::PullDenied,
    Ending::PushDenied,
    Ending::BadPayload,
    Ending::PullImpossible,
    Ending::PushImpossible,
];
/// A number of which that of the endings of each kind is a divisor.
const DRAWS: usize = 42;

fn ending(builds: &Builds, random: &mut ChaCha8Rng) -> Ending {
    let mut left: f64 = random.random_range(0.0..1.0);
    let which = random.random_range(0..DRAWS);
    let rejections = Rejection::ALL.map(Ending::Rejected);
    let kinds: [(_, &[Ending]); 14] = [
        (builds.failures, &FAILURES),
        (builds.evictions, &[Ending::Evicted]),
        (builds.node_losses, &[Ending::NodeLost]),
        (builds.registry_faults, &[Ending::PullFails, Ending::PushFails]),
        (builds.late_starts, &[Ending::PullBackOff]),
        (builds.never_starts, &[Ending::NeverStarts]),
        (builds.rejections, &rejections),
        (builds.out_of_memory, &[Ending::OutOfMemory]),
        (builds.unknown_ends, &[Ending::Unknown]),
        (builds.init_failures, &[Ending::InitFails]),
        (builds.full_disks, &[Ending::DiskFull]),
        (builds.start_errors, &[Ending::CannotRun]),
        (builds.overruns, &[Ending::Overruns]),
        (builds.bare_ends, &[Ending::Bare]),
    ];
    for (share, endings) in kinds {
        left -= share.get();
        if left < 0.0 {
            return endings[which % endings.len()];
        }
    }
    Ending::Succeeds
}

/// Somebody who deletes build objects.
pub(super) fn ingredients(world: &World) -> Vec<Ingredient<'_>> {
    vec![each(world, world.scenario.builds.deletions, DELETIONS, async |random| delete_one(world, random).await)]
}

async fn delete_one(world: &World, random: &mut ChaCha8Rng) {
    let mut found: Vec<(Kind, Object)> = Vec::new();
    for kind in [Kind::Pod, Kind::Build] {
        let list = seed::api(&world.user, kind).list(&ListParams::default().labels(keys::BUILD_POD)).await;
        found.extend(list.into_iter().flatten().map(|object| (kind, object)));
    }
    if found.is_empty() {
        return;
    }
    let (kind, object) = &found[random.random_range(0..found.len())];
    let name = object.metadata.name.as_deref().unwrap_or_default();
    // It may be gone by now.
    let _ = seed::api(&world.user, *kind).delete(name, &DeleteParams::default()).await;
}
