//! Checks of the state after the faults have stopped.

use kube::api::ListParams;

use crate::api::names::OS_IMAGE_URL;
use crate::api::{Kind, Object, Pool};
use crate::reconcile::pool::record::BuildRecord;
use crate::simulation::checks::at_rest;
use crate::simulation::checks::invariants::Invariants;
use crate::simulation::faults::World;
use crate::simulation::people::registry::FakeRegistry;
use crate::simulation::seed;

/// All pools.
pub(super) async fn pools(world: &World) -> kube::Result<Vec<Object>> {
    Ok(seed::api(&world.user, Kind::MachineConfigPool).list(&ListParams::default()).await?.items)
}

/// Unfinished work: each pool must have the image of its newest config, built from the current inputs, and no object of
/// a build may be left.
pub(super) async fn unfinished(
    world: &World,
    ledger: &FakeRegistry,
    invariants: &Invariants,
) -> kube::Result<Vec<String>> {
    let images = seed::api(&world.user, Kind::ConfigMap).get_opt(OS_IMAGE_URL).await?;
    let mut found = Vec::new();
    for object in pools(world).await? {
        let pool = Pool::new(&object);
        let faults = at_rest::pool_faults(&object, &world.wanted(pool.name()), ledger);
        let all = faults.into_iter().chain(images.as_ref().and_then(|images| outdated(&pool, images)));
        found.extend(all.map(|what| format!("MachineConfigPool {}: {what}", pool.name())));
    }
    let left = at_rest::leftovers(&world.user).await?;
    found.extend(left.iter().map(ToString::to_string));
    found.extend(invariants.at_rest().iter().map(ToString::to_string));
    Ok(found)
}

/// The inputs of the published image that differ from the current ones.
fn outdated(pool: &Pool<'_>, images: &Object) -> Option<String> {
    let published = BuildRecord::of(pool).unwrap_or_default().published?.inputs;
    let written = |key: &str| images.data["data"][key].as_str().map(str::to_owned);
    let today = (
        written("baseOSContainerImage").unwrap_or_default(),
        written("baseOSExtensionsContainerImage"),
        written("releaseVersion").unwrap_or_default(),
        None,
    );
    let then =
        (published.base_image, published.extensions_image, published.release_version, published.custom_containerfile);
    (then != today).then(|| format!("its image was built from {then:?}, and today that would be {today:?}"))
}

/// Requests that a run may need for each build, whatever goes wrong with them; undisturbed, it is 17.
const TRIED_PER_BUILD_MAX: u64 = 30;
/// Requests that each process that is started may add to that.
const TRIED_PER_PROCESS_MAX: u64 = 10;
/// Requests for opt-outs, bad inputs and the like, which belong to no build.
const TRIED_BESIDES_MAX: u64 = 200;

/// Whether more was asked of the API server than a run with so many builds and processes needs.
pub(super) fn is_excessive(tried: u64, builds: usize, processes: u64) -> bool {
    tried > TRIED_PER_BUILD_MAX * builds as u64 + TRIED_PER_PROCESS_MAX * processes + TRIED_BESIDES_MAX
}
