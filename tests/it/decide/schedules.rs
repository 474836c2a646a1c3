//! Answers may come in any order, late, twice or never: the final state is the same.

use std::collections::BTreeSet;

use proptest::prelude::*;
use regex::Regex;

use super::properties::{after, config, run_to_the_end, seen, steps, traced, two_ends};
use super::step::Step;
use super::world::World;

/// Steps of a driver that does not wait for answers.
fn schedule() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..3usize).prop_map(Step::Work),
        1 => Just(Step::WorkAndLoseTheAnswer(1)),
        4 => (0..4usize, prop::bool::weighted(0.25)).prop_map(|(which, is_twice)| Step::Answer { which, is_twice }),
    ];
    prop::collection::vec(step, 1..40)
}

/// The visible state of a world, without times and without claims, which are derived from times: a back-off after an
/// outdated answer delays later steps.
fn outline(world: &World) -> String {
    let mut seen = seen(world);
    // An attempt that is claimed again at the same moment is the same one, and has one Event.
    let emitted: BTreeSet<&str> = world.server.events.iter().map(|(_, reason)| *reason).collect();
    seen["events"] = emitted.into_iter().collect();
    let text = seen.to_string();
    let of_time = Regex::new("[0-9]{4}-[0-9-]{5}T[0-9:.]+Z|\\b[0-9a-f]{16}\\b").unwrap();
    of_time.replace_all(&text, "-").into_owned()
}

/// Takes the steps while no answer comes by itself, and comes to rest.
fn disturb(world: &mut World, schedule: &[Step]) -> Result<(), String> {
    world.step(&Step::Late(true))?;
    schedule.iter().try_for_each(|step| world.step(step))?;
    world.step(&Step::Rest)
}

proptest! {
    #![proptest_config(config(96))]

    /// From any state, the order in which the answers arrive does not change the final state.
    #[test]
    fn whatever_the_order_of_answers_the_end_is_the_same(steps in steps(16), schedule in schedule()) {
        let mut world = after(&steps)?;
        // A pool that stops has to wait for a slot again, if others build.
        world.weather.is_full = false;
        world.weather.is_blind = false;
        world.weather.is_deaf = false;
        let (mut undisturbed, mut disturbed) = (world.clone(), world);
        traced(&mut undisturbed, |world| world.step(&Step::Rest))?;
        traced(&mut disturbed, |world| disturb(world, &schedule))?;
        prop_assert!(outline(&disturbed) == outline(&undisturbed), "{}", two_ends(&undisturbed, &disturbed));
    }

    /// From the label to the image, whatever the order of the answers.
    #[test]
    fn whatever_the_order_of_answers_there_is_one_build_and_its_image(schedule in schedule()) {
        let mut world = World::new();
        traced(&mut world, |world| disturb(world, &schedule))?;
        traced(&mut world, run_to_the_end)?;
        prop_assert_eq!(world.made.len(), 1, "{}", world.trace.join("\n"));
        traced(&mut world, |world| super::properties::is_built(world))?;
    }
}
