//! The properties.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError};

use machine_os_builder::api::{Key, Kind, Object, Pool, keys};
use machine_os_builder::reconcile::pool::record::BuildRecord;
use serde_json::json;

use super::daemon::Weather;
use super::kubelet::{self, build_pods, is_live};
use super::laws::{is_ours, shown};
use super::rest::wanted;
use super::server::document;
use super::step::{CONFIGS, Kubelet, Step, idle_step, step};
use super::users;
use super::world::{Progress, World};

/// The same cases in every run, unless `PROPTEST_CASES` asks for more, or `PROPTEST_RNG_SEED` for other ones.
pub(super) fn config(cases: u32) -> Config {
    let asked = Config::default();
    let is_set = |name| std::env::var_os(name).is_some();
    Config {
        cases: if is_set("PROPTEST_CASES") { asked.cases } else { cases },
        rng_seed: if is_set("PROPTEST_RNG_SEED") { asked.rng_seed } else { RngSeed::Fixed(7) },
        failure_persistence: None,
        ..asked
    }
}

pub(super) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..most)
}

/// Runs `act` on a world; a failure is reported with the trace up to it.
pub(super) fn traced(
    world: &mut World,
    act: impl FnOnce(&mut World) -> Result<(), String>,
) -> Result<(), TestCaseError> {
    act(world).map_err(|why| TestCaseError::fail(format!("{why}\n{}", world.trace.join("\n"))))
}

pub(super) fn after(steps: &[Step]) -> Result<World, TestCaseError> {
    let mut world = World::new();
    traced(&mut world, |world| steps.iter().try_for_each(|step| world.step(step)))?;
    Ok(world)
}

/// The visible state of a world, without versions, and without digests that no build left: the daemon deletes those
/// only when it reads them.
pub(super) fn seen(world: &World) -> serde_json::Value {
    let is_stray = |key: &Key, object: &Object| key.name.starts_with("digest-") && !is_ours(object);
    let objects = world.server.objects.iter().filter(|(key, object)| !is_stray(key, object)).map(|(key, object)| {
        let mut object = document(object);
        object["metadata"].as_object_mut().unwrap().remove("resourceVersion");
        (key.to_string(), object)
    });
    json!({"objects": objects.collect::<serde_json::Map<_, _>>(), "events": world.server.events})
}

/// The differences of two worlds, and their traces.
pub(super) fn two_ends(undisturbed: &World, disturbed: &World) -> String {
    let ends = [undisturbed, disturbed].map(seen);
    let objects = ends.each_ref().map(|end| end["objects"].as_object().unwrap());
    let names: BTreeSet<&String> = objects.iter().flat_map(|objects| objects.keys()).collect();
    let differing = names.into_iter().filter(|name| objects[0].get(*name) != objects[1].get(*name));
    let lines = differing.map(|name| format!("{name}:\n  {:?}\n  {:?}", objects[0].get(name), objects[1].get(name)));
    let differing = lines.collect::<Vec<_>>().join("\n");
    let traces = [undisturbed, disturbed].map(|world| world.trace.join("\n"));
    format!("two ends\nundisturbed:\n{}\ndisturbed:\n{}\ndiffering:\n{differing}", traces[0], traces[1])
}

/// Ends all disturbances, removes conflicting objects, and opts the pool in.
fn mend(world: &mut World) {
    world.weather = Weather::default();
    users::take_strays(&mut world.server);
    users::hold_config_maps(&mut world.server, false);
    let set = |map, key, value| Step::Edit(map, key, Some(value));
    for name in ["machine-config-osimageurl", "on-cluster-build-config", "pull", "push", CONFIGS[0], CONFIGS[1]] {
        users::act(&mut world.server, &Step::Return(name));
    }
    let mended = [
        set("machine-config-osimageurl", "baseOSContainerImage", "registry.test/os:11"),
        set("machine-config-osimageurl", "releaseVersion", "4.18.0"),
        set("on-cluster-build-config", "finalImagePullspec", "registry.test/final/os"),
        Step::BigConfig(CONFIGS[0], false),
        Step::ReturnPool,
        Step::Want(CONFIGS[0]),
        Step::OptIn(true),
        Step::Condition("NodeDegraded", false),
        Step::Condition("RenderDegraded", false),
        Step::Condition("Degraded", false),
    ];
    mended.iter().for_each(|step| users::act(&mut world.server, step));
}

/// Runs a world to its end: builds succeed, Pods end, and time passes whenever the daemon waits for it.
pub(super) fn run_to_the_end(world: &mut World) -> Result<(), String> {
    for _ in 0..12 {
        world.rest()?;
        let pods = build_pods(&world.server);
        let live = pods.iter().position(|key| is_live(&world.server, key));
        let has_failed = world.pool().is_some_and(|pool| shown(pool) == ["BuildFailed"]);
        match (live, world.requeue_at) {
            _ if pods.len() > usize::from(live.is_some()) => kubelet::end_what_was_told_to(&mut world.server),
            (Some(pod), _) if !has_failed => world.step(&Step::Pod(pod, Kubelet::Succeed))?,
            (None, Some(requeue_at)) => {
                let seconds = requeue_at.duration_since(world.server.now).as_secs() + 1;
                world.step(&Step::Pass(seconds))?;
            }
            _ => return Ok(()),
        }
    }
    Err("not at its end after all".into())
}

pub(super) fn is_built(world: &World) -> Result<(), String> {
    let pool = world.pool().ok_or("there is no pool")?;
    let record = BuildRecord::of(&Pool::new(pool)).map_err(|fault| fault.to_string())?;
    let published = record.published.ok_or("nothing is published")?;
    let left: Vec<_> = world.server.objects.iter().filter(|(_, object)| is_ours(object)).map(|(key, _)| key).collect();
    let digest = world.server.get(Kind::ConfigMap, "digest-rendered-worker-1");
    let is_right = Some(&published.inputs) == wanted(world).as_ref()
        && shown(pool) == ["BuildSuccess"]
        && Pool::new(pool).annotation(keys::NEWEST_IMAGE) == Some(published.image.as_str())
        && Pool::new(pool).annotation(keys::REBUILD).is_none()
        && !Pool::new(pool).is_degraded_by_build()
        && left.is_empty()
        && digest.is_none();
    if is_right { Ok(()) } else { Err(format!("{published:?}, {:?}, {left:?}, {digest:?}", shown(pool))) }
}

proptest! {
    #![proptest_config(config(64))]

    /// Each effect is lawful, each rest is one of the states that the contract knows, and the run ends in an image of
    /// the wanted inputs once no foreign object is in the way: the daemon never gets stuck.
    #[test]
    fn whatever_happens_each_rest_is_a_lawful_one_and_the_end_is_an_image(steps in steps(30)) {
        let mut world = after(&steps)?;
        traced(&mut world, |world| {
            mend(world);
            world.trace.push("(everything is mended)".into());
            run_to_the_end(world)?;
            if world.pool().is_some_and(|pool| shown(pool) == ["BuildFailed"]) {
                world.step(&Step::Rebuild)?;
                run_to_the_end(world)?;
            }
            is_built(world)
        })?;
    }

    /// A pool that leaves leaves nothing behind, whatever it was in the middle of.
    #[test]
    fn whatever_happens_an_opt_out_leaves_nothing_behind(steps in steps(30)) {
        let mut world = after(&steps)?;
        traced(&mut world, |world| {
            mend(world);
            users::act(&mut world.server, &Step::OptIn(false));
            world.trace.push("(opted out)".into());
            run_to_the_end(world)?;
            let left: Vec<_> = world.server.objects.iter().filter(|(_, object)| is_ours(object)).collect();
            if left.is_empty() { Ok(()) } else { Err(format!("left: {left:?}")) }
        })?;
    }

    /// A pool with a published image and the same inputs is never built.
    #[test]
    fn a_published_pool_with_unchanged_inputs_is_never_built(steps in prop::collection::vec(idle_step(), 1..25)) {
        let mut world = World::new();
        traced(&mut world, run_to_the_end)?;
        traced(&mut world, |world| is_built(world))?;
        let record = |world: &World| BuildRecord::of(&Pool::new(world.pool().unwrap())).unwrap();
        let (before, builds) = (record(&world), world.made.len());
        traced(&mut world, |world| steps.iter().chain([&Step::Rest]).try_for_each(|step| {
            world.step(step)?;
            let is_same = record(world) == before && world.made.len() == builds;
            if is_same { Ok(()) } else { Err(format!("{:?}, {} builds", record(world), world.made.len())) }
        }))?;
    }
}

proptest! {
    #![proptest_config(config(24))]

    /// To stop after any effect, to lose its answer, and to start again all come to the same end.
    #[test]
    fn l23_every_prefix_of_effects_followed_by_a_fresh_look_comes_to_the_same_end(steps in steps(16)) {
        let mut world = after(&steps)?;
        // A pool that stops has to wait for a slot again if other pools build.
        world.weather.is_full = false;
        let mut undisturbed = world.clone();
        traced(&mut undisturbed, |world| world.rest().map(drop))?;
        for (is_lost, is_restarted) in [(false, true), (true, true), (true, false)] {
            for effects in 1.. {
                let mut disturbed = world.clone();
                let is_over = disturb(&mut disturbed, effects, is_lost, is_restarted)?;
                if seen(&disturbed) != seen(&undisturbed) {
                    return Err(TestCaseError::fail(two_ends(&undisturbed, &disturbed)));
                }
                if is_over {
                    break;
                }
            }
        }
    }
}

/// Carries out some effects, the answer to the last of which may be lost, and comes to rest; true if there were no more.
fn disturb(world: &mut World, effects: usize, is_lost: bool, is_restarted: bool) -> Result<bool, TestCaseError> {
    let mut is_over = false;
    traced(world, |world| {
        world.weather.is_blind = false;
        world.weather.is_deaf = false;
        world.daemon.wake();
        for effect in 1..=effects {
            is_over = world.look(is_lost && effect == effects)? == Progress::Rested || effect > 40;
        }
        if is_restarted {
            world.restart();
            world.trace.push("(restart)".into());
        }
        world.rest().map(drop)
    })?;
    Ok(is_over)
}
