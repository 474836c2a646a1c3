//! Reports on a pool agree with its daemon.

use machine_os_builder::api::Pool;
use machine_os_builder::report::{self, DryRun, PoolPhase, PoolReport, Progress};
use proptest::prelude::*;

use super::POOL;
use super::actor::carry_out;
use super::daemon::{Daemon, Weather, context};
use super::laws::shown;
use super::properties::{after, config, steps, traced};
use super::step::Step;
use super::world::World;

/// Times that one report may ask for reads.
const READS_MAX: usize = 8;

/// The report on a world as it is now, by a process without history; `None` if there is nothing to report on.
fn report(world: &World) -> Result<Option<PoolReport>, String> {
    let Some(machine) = Daemon::start(&world.server).machine else { return Ok(None) };
    let mut look = DryRun::new(POOL, machine.cache().clone(), context(), world.server.now);
    for _ in 0..READS_MAX {
        match look.advance() {
            Progress::Seen(seen) => return Ok(report::reports([*seen]).pop()),
            Progress::Reads(effects) => {
                for effect in effects {
                    let answer = carry_out(&mut world.server.clone(), &world.weather, &machine, &effect);
                    look.completed(&effect, answer.map_err(|refusal| format!("{effect:?}: {refusal:?}"))?);
                }
            }
        }
    }
    Err("the report never has all that it reads".into())
}

/// A report never claims that a step is done before the pool shows it.
fn is_not_ahead(world: &World) -> Result<(), String> {
    let Some(report) = report(world)? else { return Ok(()) };
    let shown = world.pool().map(|pool| shown(pool)).unwrap_or_default();
    let is_ahead = (report.is_built() && shown != ["BuildSuccess"])
        || (report.is_failed() && report.input_fault.is_none() && shown != ["BuildFailed"]);
    if is_ahead { Err(format!("{shown:?} is shown, and reported is {report:#?}")) } else { Ok(()) }
}

/// A daemon that has nothing to do is not said to have, and the state is what the pool shows.
fn is_of_a_pool_at_rest(world: &World) -> Result<(), String> {
    let Some(report) = report(world)? else { return Ok(()) };
    let pool = world.pool().filter(|pool| Pool::new(pool).is_opted_in() && pool.metadata.deletion_timestamp.is_none());
    let Some(pool) = pool else {
        let is_left = matches!(report.state, PoolPhase::NotOptedIn | PoolPhase::OptingOut | PoolPhase::Deleting);
        return if is_left { Ok(()) } else { Err(format!("no pool is opted in, and reported is {report:#?}")) };
    };
    let is_due = report.next.as_ref().is_some_and(|next| next.is_due);
    let expected = match report.state {
        PoolPhase::Built => "BuildSuccess",
        PoolPhase::Failed | PoolPhase::InputInvalid | PoolPhase::NameConflict => "BuildFailed",
        PoolPhase::Building => "Building",
        PoolPhase::Pending | PoolPhase::Retrying | PoolPhase::Superseding => "BuildPending",
        // It has a slot, and a payload that does not fit, which is nothing to show on a pool that is blocked.
        PoolPhase::Queued if Pool::new(pool).blocked_by().is_some() => "BuildPending",
        PoolPhase::Blocked | PoolPhase::NotRendered => {
            return if is_due { Err(format!("{report:#?}")) } else { Ok(()) };
        }
        _ => "none",
    };
    if is_due || shown(pool) != [expected] {
        return Err(format!("at rest, {:?} is shown, and reported is {report:#?}", shown(pool)));
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(64))]

    /// At any moment there is a report, and none that says too much.
    #[test]
    fn whatever_happens_a_report_is_not_ahead_of_the_pool(steps in steps(30)) {
        let mut world = World::new();
        traced(&mut world, |world| steps.iter().try_for_each(|step| {
            world.step(step)?;
            is_not_ahead(world)
        }))?;
    }

    /// At rest, a report says what the pool shows.
    #[test]
    fn whatever_happens_a_report_on_a_pool_at_rest_is_what_the_pool_shows(steps in steps(30)) {
        let mut world = after(&steps)?;
        traced(&mut world, |world| {
            world.weather = Weather::default();
            world.daemon.wake();
            world.step(&Step::Rest)?;
            is_of_a_pool_at_rest(world)
        })?;
    }
}
