//! Properties of a pool at rest.

use machine_os_builder::api::{Kind, Object, Pool};
use machine_os_builder::reconcile::inputs::build_inputs::BuildInputs;
use machine_os_builder::reconcile::objects;
use machine_os_builder::reconcile::observed::status::BuildStatus;
use machine_os_builder::reconcile::pool::record::BuildRecord;

use super::kubelet::{build_pods, is_live};
use super::laws::{is_ours, shown};
use super::oracle;
use super::world::World;

/// Judges a world at rest.
pub(super) fn judge(world: &World) -> Result<(), String> {
    if world.requeue_at.is_some_and(|requeue_at| requeue_at <= world.server.now) {
        return Err(format!("at rest, and awake at {:?}", world.requeue_at));
    }
    match world.pool() {
        Some(pool) if pool.metadata.deletion_timestamp.is_none() && Pool::new(pool).is_opted_in() => {
            shows_one_of_four(pool)?;
            is_in_step_with_its_build(world, pool)?;
        }
        pool => nothing_is_left(world, pool.filter(|pool| pool.metadata.deletion_timestamp.is_none()).map(|p| &**p))?,
    }
    a_restart_writes_nothing(world)
}

fn shows_one_of_four(pool: &Object) -> Result<(), String> {
    let is_acted_on = !Pool::new(pool).rendered().is_empty() && Pool::new(pool).blocked_by().is_none();
    if is_acted_on && shown(pool).len() != 1 {
        return Err(format!("at rest, {:?} are True", shown(pool)));
    }
    Ok(())
}

/// A build that is there is of today's inputs, and shown as it is. Inputs that cannot be used are no change: then, the
/// build that was claimed goes on.
fn is_in_step_with_its_build(world: &World, pool: &Object) -> Result<(), String> {
    if Pool::new(pool).rendered().is_empty() {
        return Ok(());
    }
    let record = BuildRecord::of(&Pool::new(pool)).unwrap_or_default();
    let claimed = record.attempt.as_ref().map(|attempt| attempt.hash.clone());
    let wanted = wanted(world).map(|inputs| inputs.hash());
    let expected = wanted.clone().or(claimed);
    for key in build_pods(&world.server).iter().filter(|key| is_live(&world.server, key)) {
        let pod = &world.server.objects[key];
        let inputs = pod.metadata.uid.as_ref().and_then(|uid| world.made.get(uid));
        if wanted.is_none() && (inputs.is_none() || expected.is_none()) {
            // Its inputs cannot be compared with the wanted ones, so it stays.
            continue;
        }
        if inputs.map(BuildInputs::hash) != expected {
            return Err(format!("at rest, {key} of other inputs is left"));
        }
        let is_failed = record.failed.is_some();
        let condition = match objects::classify(key.kind, pod) {
            _ if is_failed => "BuildFailed",
            Some(BuildStatus::Pending(_)) => "BuildPending",
            Some(BuildStatus::Running) => "Building",
            status => return Err(format!("at rest, {key} is {status:?}")),
        };
        if shown(pool) != [condition] {
            return Err(format!("at rest, {key} is {condition}, and {:?} is shown", shown(pool)));
        }
    }
    Ok(())
}

fn nothing_is_left(world: &World, pool: Option<&Object>) -> Result<(), String> {
    if pool.is_some_and(|pool| Pool::new(pool).has_traces()) {
        return Err("traces are left on a pool that is not opted in".into());
    }
    let is_left = |object: &Object| is_ours(object) && object.metadata.deletion_timestamp.is_none();
    match world.server.objects.iter().find(|(_, object)| is_left(object)) {
        Some((key, _)) => Err(format!("{key} is left of a pool that is not opted in")),
        None => Ok(()),
    }
}

/// A second look, even by another process, finds nothing to do that could be seen.
fn a_restart_writes_nothing(world: &World) -> Result<(), String> {
    if world.weather.is_forbidden {
        // A build whose objects the server refuses has to queue for its slot again, and shows it.
        return Ok(());
    }
    let mut again = world.clone();
    again.trace.push("(another process looks)".into());
    again.restart();
    again.come_to_rest().map_err(|why| format!("{why}, after a restart\n{}", again.trace.join("\n")))?;
    let is_same = again.server.log.len() == world.server.log.len() && again.server.events == world.server.events;
    if is_same { Ok(()) } else { Err(format!("a restart wrote:\n{}", again.trace.join("\n"))) }
}

/// The inputs that the pool wants, read from the server.
pub(super) fn wanted(world: &World) -> Option<BuildInputs> {
    oracle::inputs(|kind: Kind, name: &str| world.server.get(kind, name).map(|object| &**object))
}
