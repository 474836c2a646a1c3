//! What the daemon does next, and a command that is of use to whoever waits for it.

use super::Next;
use super::look::Looked;
use super::state::State;
use crate::api::{Kind, Pool, keys, names};
use crate::plan::decide::facts::Facts;
use crate::plan::decide::{Effect, Part, commands};
use crate::plan::request::BuildRequest;

/// What is due now; else what is due later; else what is waited for.
pub(super) fn next(facts: &Facts<'_>, looked: &Looked<'_>, state: State) -> Option<Next> {
    // When a refused write is tried again, only the daemon knows.
    let due = looked.due.as_ref().filter(|effect| state != State::Refused && !is_rewording(facts, looked, effect));
    if let Some(effect) = due {
        return Some(Next { what: words(effect, state), is_due: true, at: None });
    }
    // A name is looked at again and again, any time of that is as good; and for how long a build has been seen to run,
    // only the daemon knows.
    let is_untimed = matches!(state, State::NameConflict | State::Building | State::Refused);
    let at = looked.wake.filter(|_| !is_untimed);
    let what = awaited(facts, state, at.is_some())?;
    Some(Next { what, is_due: false, at })
}

/// Whether an effect changes no more than the words in which the same is shown: a setting of the daemon that is not
/// known here is in them.
fn is_rewording(facts: &Facts<'_>, looked: &Looked<'_>, effect: &Effect) -> bool {
    let key = crate::api::Key::new(Kind::MachineConfigPool, facts.view.pool);
    let (Some(before), Some(after)) = (facts.pool, looked.cache.get(&key).map(|object| Pool::new(object))) else {
        return false;
    };
    let shown = |pool: &Pool<'_>| pool.shown().map(|shown| (shown["type"].clone(), shown["reason"].clone()));
    let is_same = shown(&before) == shown(&after)
        && before.status_source() == after.status_source()
        && before.object.metadata.annotations == after.object.metadata.annotations;
    matches!(effect, Effect::PatchStatus(_)) && looked.effect.is_none() && is_same
}

/// An effect, as a verb phrase.
fn words(effect: &Effect, state: State) -> String {
    match effect {
        Effect::PatchPool(_) => match state {
            State::Publishing | State::Built => "publish the image on the pool".into(),
            State::Failed => "record on the pool that the build failed".into(),
            State::Retrying => "record on the pool that the attempt is lost".into(),
            State::OptingOut => "take off the pool what it has written there".into(),
            _ => "write its record of builds on the pool".into(),
        },
        Effect::PatchStatus(_) => "show it in the pool's conditions".into(),
        Effect::Tell(note) => format!("tell of it with the Event {}", note.reason),
        Effect::Prepare { rendered, .. } => format!("read MachineConfig {rendered}"),
        Effect::Seek(search) => format!("find out more about {}", search.build),
        Effect::ReadDigest { build, .. } => format!("read the digest that {build} has left"),
        Effect::Read(key) => format!("see whether there is a {key}"),
        Effect::Create(part, request) => format!("create {}", part_name(*part, request)),
        Effect::WriteSecret(secret) => {
            format!("write Secret {}", secret.expose().metadata.name.as_deref().unwrap_or_default())
        }
        Effect::Delete(doomed) if doomed.is_forced => format!("delete {} by force", doomed.key),
        Effect::Delete(doomed) => format!("delete {}", doomed.key),
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
fn awaited(facts: &Facts<'_>, state: State, is_timed: bool) -> Option<String> {
    let attempt = facts.record.attempt.as_ref().map_or(1, |attempt| attempt.number);
    Some(match state {
        State::Queued => "build once a slot is free".into(),
        State::Blocked => "build once nobody says any more that the pool is broken".into(),
        State::NotRendered => "build once the pool is rendered".into(),
        State::NameConflict => "see whether the name is free".into(),
        State::InputInvalid => "build as soon as that is mended".into(),
        State::Retrying => format!("begin attempt {}", attempt + 1),
        State::Pending => "give the attempt up as lost, unless it has started by then".into(),
        State::Building => "publish the image once it is pushed".into(),
        State::Publishing => "publish the image once its digest is known".into(),
        State::OptingOut | State::Deleting | State::Superseding if is_timed => {
            "delete by force what has not ended by then".into()
        }
        State::Superseding => "build what is wanted now, once what was is gone".into(),
        State::Refused => {
            "try that again, once a minute or more often, and go on once the API server accepts it".into()
        }
        State::Failed => "build once an input changes, or a fresh build is asked for".into(),
        State::Built | State::NotOptedIn | State::Starting | State::OptingOut | State::Deleting | State::Unknown => {
            return None;
        }
    })
}

/// A command that is of use now. Where the message ends with one, that is not repeated.
pub(super) fn command(facts: &Facts<'_>, state: State) -> Option<String> {
    let (pool, namespace) = (facts.view.pool, &facts.view.settings.namespace);
    let build = facts.builds.iter().find(|build| !build.is_being_deleted());
    let object = build.map(|build| format!("{}/{}", build.key.kind.name().to_lowercase(), build.key.name));
    match state {
        State::NotOptedIn => Some(format!("oc label machineconfigpool/{pool} {}=", keys::LAYERING_ENABLED)),
        State::Blocked | State::NotRendered => Some(format!("oc describe machineconfigpool/{pool}")),
        State::Pending => Some(format!("oc --namespace {namespace} describe {}", object?)),
        State::Building => Some(format!("oc --namespace {namespace} logs --follow {}", object?)),
        State::Failed => Some(commands::rebuild(pool)),
        _ => None,
    }
}
