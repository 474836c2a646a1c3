//! The ends of builds, and deletions of build objects.

use std::sync::{Arc, Mutex, PoisonError};

use kube::api::{DeleteParams, ListParams};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::ingredient::{Ingredient, each};
use super::options::FaultGate;
use super::world::World;
use crate::api::{Kind, Object, keys};
use crate::simulation::outcome::{BuildOutcome, BuildOutcomes, Rejection};
use crate::simulation::random::stream;
use crate::simulation::scenario::Builds;
use crate::simulation::seed;

const DELETIONS: u64 = 120;
const ENDINGS: u64 = 121;

/// Decides how builds end until the faults stop; from then on, they succeed.
pub fn endings(builds: &Builds, seed: u64, calm: FaultGate) -> BuildOutcomes {
    let (builds, random) = (builds.clone(), Mutex::new(stream(seed, ENDINGS)));
    Arc::new(move || {
        if calm.is_now() {
            return BuildOutcome::Succeeds;
        }
        ending(&builds, &mut random.lock().unwrap_or_else(PoisonError::into_inner))
    })
}

/// Failures by the user's fault, or by a refusal of the registry.
const FAILURES: [BuildOutcome; 6] = [
    BuildOutcome::Fails,
    BuildOutcome::PullDenied,
    BuildOutcome::PushDenied,
    BuildOutcome::BadPayload,
    BuildOutcome::PullImpossible,
    BuildOutcome::PushImpossible,
];
/// A number of which that of the endings of each kind is a divisor.
const DRAWS: usize = 42;

fn ending(builds: &Builds, random: &mut ChaCha8Rng) -> BuildOutcome {
    let mut left: f64 = random.random_range(0.0..1.0);
    let which = random.random_range(0..DRAWS);
    let rejections = Rejection::ALL.map(BuildOutcome::Rejected);
    let kinds: [(_, &[BuildOutcome]); 14] = [
        (builds.failures, &FAILURES),
        (builds.evictions, &[BuildOutcome::Evicted]),
        (builds.node_losses, &[BuildOutcome::NodeLost]),
        (builds.registry_faults, &[BuildOutcome::PullFails, BuildOutcome::PushFails]),
        (builds.late_starts, &[BuildOutcome::PullBackOff]),
        (builds.never_starts, &[BuildOutcome::NeverStarts]),
        (builds.rejections, &rejections),
        (builds.out_of_memory, &[BuildOutcome::OutOfMemory]),
        (builds.unknown_ends, &[BuildOutcome::Unknown]),
        (builds.init_failures, &[BuildOutcome::InitFails]),
        (builds.full_disks, &[BuildOutcome::DiskFull]),
        (builds.start_errors, &[BuildOutcome::CannotRun]),
        (builds.overruns, &[BuildOutcome::Overruns]),
        (builds.bare_ends, &[BuildOutcome::Bare]),
    ];
    for (share, endings) in kinds {
        left -= share.get();
        if left < 0.0 {
            return endings[which % endings.len()];
        }
    }
    BuildOutcome::Succeeds
}

/// Another client that deletes build objects.
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
