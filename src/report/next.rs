//! The daemon's next step, and a command that helps a user who waits for it.

use super::Next;
use super::state::{DryRunResult, PoolPhase};
use crate::api::{Kind, Pool, keys, names};
use crate::reconcile::decide::observed::Observed;
use crate::reconcile::decide::{Effect, Part, commands};
use crate::reconcile::inputs::request::BuildRequest;

/// What is due now; else what is due later; else what is waited for.
pub(super) fn next(observed: &Observed<'_>, outcome: &DryRunResult<'_>, state: PoolPhase) -> Option<Next> {
    // When a refused write is tried again, only the daemon knows.
    let due =
        outcome.due.as_ref().filter(|effect| state != PoolPhase::Refused && !is_rewording(observed, outcome, effect));
    if let Some(effect) = due {
        return Some(Next { what: words(effect, state), is_due: true, at: None });
    }
    // A name is looked at again and again, any time of that is as good; and for how long a build has been seen to run,
    // only the daemon knows.
    let is_untimed = matches!(state, PoolPhase::NameConflict | PoolPhase::Building | PoolPhase::Refused);
    let at = outcome.requeue_at.filter(|_| !is_untimed);
    let what = awaited(observed, state, at.is_some())?;
    Some(Next { what, is_due: false, at })
}

/// Whether an effect changes no more than the words in which the same is shown: a setting of the daemon that is not
/// known here is in them.
fn is_rewording(observed: &Observed<'_>, outcome: &DryRunResult<'_>, effect: &Effect) -> bool {
    let key = crate::api::Key::new(Kind::MachineConfigPool, observed.inputs.pool);
    let (Some(before), Some(after)) = (observed.pool, outcome.cache.get(&key).map(|object| Pool::new(object))) else {
        return false;
    };
    let shown = |pool: &Pool<'_>| pool.shown().map(|shown| (shown["type"].clone(), shown["reason"].clone()));
    let is_same = shown(&before) == shown(&after)
        && before.status_source() == after.status_source()
        && before.object.metadata.annotations == after.object.metadata.annotations;
    matches!(effect, Effect::PatchStatus(_)) && outcome.effect.is_none() && is_same
}

/// An effect, as a verb phrase.
fn words(effect: &Effect, state: PoolPhase) -> String {
    match effect {
        Effect::PatchPool(_) => match state {
            PoolPhase::Publishing | PoolPhase::Built => "publish the image on the pool".into(),
            PoolPhase::Failed => "record on the pool that the build failed".into(),
            PoolPhase::Retrying => "record on the pool that the attempt is lost".into(),
            PoolPhase::OptingOut => "take off the pool what it has written there".into(),
            _ => "write its record of builds on the pool".into(),
        },
        Effect::PatchStatus(_) => "show it in the pool's conditions".into(),
        Effect::Emit(note) => format!("tell of it with the Event {}", note.reason.as_str()),
        Effect::LoadPayload { rendered, .. } => format!("read MachineConfig {rendered}"),
        Effect::ReadDiagnostics(search) => format!("find out more about {}", search.build),
        Effect::ReadDigest { build, .. } => format!("read the digest that {build} has left"),
        Effect::Read(key) => format!("see whether there is a {key}"),
        Effect::Create(part, request) => format!("create {}", part_name(*part, request)),
        Effect::WriteSecret(secret) => {
            format!("write Secret {}", secret.expose().metadata.name.as_deref().unwrap_or_default())
        }
        Effect::Delete(deletion) if deletion.is_forced => format!("delete {} by force", deletion.key),
        Effect::Delete(deletion) => format!("delete {}", deletion.key),
    }
}

fn part_name(part: Part, request: &BuildRequest) -> String {
    let rendered = &request.inputs.rendered_config;
    match part {
        Part::Payload => format!("ConfigMap {}", names::payload(rendered)),
        Part::Containerfile => format!("ConfigMap {}", names::containerfile(rendered)),
        Part::Build => format!("{} {}", request.builder.kind().name(), names::build(rendered)),
    }
}

/// What comes next in this state: at a time that is known, or once what is waited for has happened.
fn awaited(observed: &Observed<'_>, state: PoolPhase, is_timed: bool) -> Option<String> {
    let attempt = observed.record.attempt.as_ref().map_or(1, |attempt| attempt.number);
    Some(match state {
        PoolPhase::Queued => "build once a slot is free".into(),
        PoolPhase::Blocked => "build once nobody says any more that the pool is broken".into(),
        PoolPhase::NotRendered => "build once the pool is rendered".into(),
        PoolPhase::NameConflict => "see whether the name is free".into(),
        PoolPhase::InputInvalid => "build as soon as that is mended".into(),
        PoolPhase::Retrying => format!("begin attempt {}", attempt + 1),
        PoolPhase::Pending => "give the attempt up as lost, unless it has started by then".into(),
        PoolPhase::Building => "publish the image once it is pushed".into(),
        PoolPhase::Publishing => "publish the image once its digest is known".into(),
        PoolPhase::OptingOut | PoolPhase::Deleting | PoolPhase::Superseding if is_timed => {
            "delete by force what has not ended by then".into()
        }
        PoolPhase::Superseding => "build what is wanted now, once what was is gone".into(),
        PoolPhase::Refused => {
            "try that again, once a minute or more often, and go on once the API server accepts it".into()
        }
        PoolPhase::Failed => "build once an input changes, or a fresh build is asked for".into(),
        PoolPhase::Built
        | PoolPhase::NotOptedIn
        | PoolPhase::Starting
        | PoolPhase::OptingOut
        | PoolPhase::Deleting
        | PoolPhase::Unknown => {
            return None;
        }
    })
}

/// A command that is of use now. Where the message ends with one, that is not repeated.
pub(super) fn command(observed: &Observed<'_>, state: PoolPhase) -> Option<String> {
    let (pool, namespace) = (observed.inputs.pool, &observed.inputs.settings.namespace);
    let build = observed.builds.iter().find(|build| !build.is_being_deleted());
    let object = build.map(|build| format!("{}/{}", build.key.kind.name().to_lowercase(), build.key.name));
    match state {
        PoolPhase::NotOptedIn => Some(format!("oc label machineconfigpool/{pool} {}=", keys::LAYERING_ENABLED)),
        PoolPhase::Blocked | PoolPhase::NotRendered => Some(format!("oc describe machineconfigpool/{pool}")),
        PoolPhase::Pending => Some(format!("oc --namespace {namespace} describe {}", object?)),
        PoolPhase::Building => Some(format!("oc --namespace {namespace} logs --follow {}", object?)),
        PoolPhase::Failed => Some(commands::rebuild(pool)),
        _ => None,
    }
}
