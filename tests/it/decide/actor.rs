//! The driver of the pool's machine as a value: it carries out effects on a server that is also a value.

use std::time::Duration;

use machine_os_builder::api::{Key, Kind, Object, Sensitive};
use machine_os_builder::reconcile::decide::{Deletion, Effect, Part};
use machine_os_builder::reconcile::inputs::build_settings::BuildSettings;
use machine_os_builder::reconcile::inputs::fault::{FaultReason, InputFault};
use machine_os_builder::reconcile::inputs::request::BuildRequest;
use machine_os_builder::reconcile::machine::{Answer, Failure, FailureKind, PoolMachine};
use machine_os_builder::reconcile::objects::payload::Payload;
use machine_os_builder::reconcile::objects::{self, metadata};
use machine_os_builder::reconcile::observed::cache::Change;
use machine_os_builder::reconcile::observed::digest::Digest;

use super::daemon::{Weather, pool_key};
use super::server::{Refusal, Server, as_watched, document};

/// The output of every build.
const LOG: &str = "the end of a log";

/// An object as the answer to a read shows it.
pub(super) fn read(server: &Server, key: &Key) -> Change {
    match server.objects.get(key) {
        Some(object) => Change::Applied(key.clone(), as_watched(key, object)),
        None => Change::Gone(key.clone(), None),
    }
}

/// Whether the machine's driver waits for the answer to an effect before it asks for the next step.
pub(super) const fn is_waited_for(effect: &Effect) -> bool {
    !matches!(effect, Effect::ReadDiagnostics(_) | Effect::ReadDigest { .. })
}

/// Does what an effect says.
pub(super) fn carry_out(
    server: &mut Server,
    weather: &Weather,
    machine: &PoolMachine,
    effect: &Effect,
) -> Result<Answer, Refusal> {
    Ok(Answer::Object(match effect {
        Effect::PatchPool(patch) => Change::Applied(pool_key(), server.patch(&pool_key(), patch, false)?),
        Effect::PatchStatus(patch) => Change::Applied(pool_key(), server.patch(&pool_key(), patch, true)?),
        Effect::Emit(note) => {
            let object = machine.cache().get(&pool_key()).expect("what is told is told of a pool");
            let name = note.event_name(&machine_os_builder::api::Pool::new(object));
            if !server.events.iter().any(|(emitted, _)| *emitted == name) {
                server.events.push((name, note.reason.as_str()));
            }
            return Ok(Answer::Told);
        }
        Effect::ReadDiagnostics(_) => return Ok(Answer::Found(Sensitive::new(LOG.to_owned()))),
        Effect::ReadDigest { build, .. } => {
            let key = Digest::config_map_of(build);
            match server.objects.get(&key) {
                Some(object) => Change::Applied(key.clone(), object.clone()),
                None => Change::Gone(key, None),
            }
        }
        Effect::LoadPayload { rendered, .. } => return Ok(prepare(server, rendered)),
        Effect::Read(key) => read(server, key),
        Effect::Create(..) | Effect::WriteSecret(_) if weather.is_forbidden => return Err(Refusal::Forbidden),
        Effect::Create(part, request) => create(server, machine, *part, request)?,
        Effect::WriteSecret(secret) => write_secret(server, secret.expose())?,
        Effect::Delete(deletion) => delete(server, deletion),
    }))
}

/// A refusal in the form that the machine gets.
pub(super) fn failure(refusal: Refusal) -> Failure {
    let (kind, words) = match refusal {
        Refusal::Conflict | Refusal::AlreadyExists | Refusal::NotFound => (FailureKind::Stale, "it has changed"),
        Refusal::Forbidden => (FailureKind::Refused, "exceeded quota"),
    };
    Failure { kind, words: words.to_owned(), text: words.to_owned(), retry_after: Duration::ZERO }
}

fn create(server: &mut Server, machine: &PoolMachine, part: Part, request: &BuildRequest) -> Result<Change, Refusal> {
    let settings = BuildSettings::default();
    let object = match part {
        Part::Payload => {
            let payload = machine.payload().ok_or(Refusal::NotFound)?;
            metadata::payload_config_map(request, payload, &settings.namespace)
        }
        Part::Containerfile => metadata::containerfile_config_map(request, &settings.namespace),
        Part::Build => objects::build_object(request, &settings),
    };
    let key = part.key(request);
    match server.create(&key, document(&object)) {
        Ok(_) | Err(Refusal::AlreadyExists) => Ok(read(server, &key)),
        Err(refusal) => Err(refusal),
    }
}

fn write_secret(server: &mut Server, secret: &Object) -> Result<Change, Refusal> {
    let key = Key::of(Kind::Secret, secret);
    let version = |object: &Object| object.metadata.resource_version.clone();
    match (version(secret), server.objects.get(&key)) {
        (Some(_), None) => Err(Refusal::NotFound),
        (Some(known), Some(there)) if version(there).as_ref() != Some(&known) => Err(Refusal::Conflict),
        (Some(_), Some(there)) => {
            let uid = there.metadata.uid.clone();
            server.edit(&key, |known| {
                *known = document(secret);
                known["metadata"]["uid"] = uid.into();
            });
            Ok(read(server, &key))
        }
        (None, _) => match server.create(&key, document(secret)) {
            Ok(_) | Err(Refusal::AlreadyExists) => Ok(read(server, &key)),
            Err(refusal) => Err(refusal),
        },
    }
}

fn delete(server: &mut Server, deletion: &Deletion) -> Change {
    match server.delete_exactly(deletion) {
        Change::Applied(key, object) => Change::Applied(key.clone(), as_watched(&key, &object)),
        gone => gone,
    }
}

/// A MachineConfig with the label `big` stands for one that does not fit.
pub(super) fn prepare(server: &Server, rendered: &str) -> Answer {
    let key = Key::new(Kind::MachineConfig, rendered);
    let Some(config) = server.objects.get(&key) else { return Answer::Object(Change::Gone(key, None)) };
    let is_big = config.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key("big"));
    if !is_big {
        return Answer::Payload(Payload::of_machine_config(&key, &document(config)));
    }
    Answer::Payload(Err(InputFault {
        reason: FaultReason::PayloadTooLarge,
        object: key,
        key: None,
        problem: "it is too large".into(),
        fix: "make it smaller".into(),
        is_missing: false,
    }))
}
