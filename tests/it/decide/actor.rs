//! The pool's actor as a value: what it keeps, its looks, and how it carries effects out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use machine_os_builder::api::{Key, Kind, Object, Pool, Sensitive, names};
use machine_os_builder::builders::{self, BuildSettings};
use machine_os_builder::plan::cache::{Cache, Change};
use machine_os_builder::plan::decide::{
    Doomed, Effect, Evidence, Part, Prepared, Refusal as ServerRefusal, Settings, View, Write, decide,
};
use machine_os_builder::plan::digest::Digest;
use machine_os_builder::plan::fault::{FaultReason, InputFault};
use machine_os_builder::plan::objects;
use machine_os_builder::plan::payload::Payload;
use machine_os_builder::plan::request::BuildRequest;
use machine_os_builder::plan::slots::Demand;
use machine_os_builder::plan::sources::Sources;
use machine_os_builder::plan::status::{BuildFailure, BuildStatus};

use super::POOL;
use super::daemon::{Weather, pool_key};
use super::server::{Refusal, Server, as_watched, document};

/// What every build has printed.
const LOG: &str = "the end of a log";

/// What a look came to.
pub struct Look {
    pub effect: Option<Effect>,
    pub wake: Option<Timestamp>,
}

/// What the actor of the pool keeps.
#[derive(Clone, Default)]
pub struct Actor {
    pub cache: Cache,
    pub statuses: BTreeMap<String, BuildStatus>,
    pub evidence: BTreeMap<String, Evidence>,
    pub prepared: Option<Prepared>,
    pub told: BTreeSet<String>,
    pub demand: Option<Demand>,
    pub has_slot: bool,
    pub refusals: BTreeMap<Write, ServerRefusal>,
}

/// What the server answers to a write.
pub enum Answer {
    Change(Change),
    Told(String),
    Sought(String),
    Prepared(Prepared),
}

/// An object as the answer to a read shows it.
pub fn read(server: &Server, key: &Key) -> Change {
    match server.objects.get(key) {
        Some(object) => Change::Applied(key.clone(), as_watched(key, object)),
        None => Change::Gone(key.clone(), None),
    }
}

impl Actor {
    pub fn look(&mut self, server: &Server, weather: &Weather) -> Look {
        if !weather.is_deaf {
            self.classify(server);
        }
        loop {
            let decision = decide(&View {
                pool: POOL,
                cache: &self.cache,
                sources: &Sources::read(&self.cache, &builders::ALL),
                settings: &Settings::default(),
                statuses: &self.statuses,
                running: &BTreeMap::new(),
                evidence: &self.evidence,
                prepared: self.prepared.as_ref(),
                told: &self.told,
                refusals: &self.refusals,
                has_slot: self.has_slot,
                now: server.now,
            });
            if self.demand != Some(decision.demand) {
                self.has_slot = self.has_slot && decision.demand == Demand::Hold;
                self.demand = Some(decision.demand);
            }
            let is_waiting = matches!(decision.demand, Demand::Wait(_)) && !self.has_slot;
            if decision.effect.is_none() && is_waiting && !weather.is_full {
                self.has_slot = true;
                continue;
            }
            if decision.effect.is_none() {
                self.prepared = self.prepared.take().filter(|prepared| prepared.payload.is_err());
            }
            return Look { effect: decision.effect, wake: decision.wake };
        }
    }

    /// Brings what is known of the builds in step with what is known of their objects.
    pub fn classify(&mut self, server: &Server) {
        let mut statuses = BTreeMap::new();
        for (key, object) in self.cache.iter() {
            let Some(builder) = builders::for_kind(key.kind).filter(|_| key.kind.is_build_object()) else { continue };
            let uid = object.metadata.uid.clone().unwrap_or_default();
            let status = match builder.classify(object) {
                BuildStatus::DigestInConfigMap => {
                    let known = self.statuses.get(&uid).filter(|status| status.is_finished());
                    known.cloned().unwrap_or_else(|| look_for_digest(server, &key.name, object))
                }
                status => status,
            };
            statuses.insert(uid, status);
        }
        self.statuses = statuses;
        // What was looked for is found by the time that there is other news.
        for evidence in self.evidence.values_mut().filter(|evidence| **evidence == Evidence::Sought) {
            *evidence = Evidence::Found(Sensitive::new(LOG.to_owned()));
        }
    }

    /// Does what an effect says.
    pub fn send(&self, server: &mut Server, weather: &Weather, effect: Effect) -> Result<Answer, Refusal> {
        let change = match effect {
            Effect::PatchPool(patch) => Change::Applied(pool_key(), server.patch(&pool_key(), &patch, false)?),
            Effect::PatchStatus(patch) => Change::Applied(pool_key(), server.patch(&pool_key(), &patch, true)?),
            Effect::Tell(note) => {
                let object = self.cache.get(&pool_key()).expect("what is told is told of a pool");
                let name = note.event_name(&Pool::new(object));
                if !server.events.iter().any(|(told, _)| *told == name) {
                    server.events.push((name.clone(), note.reason));
                }
                return Ok(Answer::Told(name));
            }
            Effect::Seek(search) => return Ok(Answer::Sought(search.uid)),
            Effect::Prepare { rendered, version } => match prepare(server, rendered, version) {
                Ok(prepared) => return Ok(Answer::Prepared(prepared)),
                Err(gone) => gone,
            },
            Effect::Read(key) => read(server, &key),
            Effect::Create(..) | Effect::WriteSecret(_) if weather.is_forbidden => return Err(Refusal::Forbidden),
            Effect::Create(part, request) => self.create(server, part, &request)?,
            Effect::WriteSecret(secret) => self.write_secret(server, secret.expose())?,
            Effect::Delete(doomed) => delete(server, &doomed),
        };
        Ok(Answer::Change(change))
    }

    fn create(&self, server: &mut Server, part: Part, request: &BuildRequest) -> Result<Change, Refusal> {
        let settings = BuildSettings::default();
        let payload = self.prepared.as_ref().and_then(|prepared| prepared.payload.as_ref().ok());
        let (kind, object) = match part {
            Part::Payload => {
                let payload = payload.ok_or(Refusal::NotFound)?;
                (Kind::ConfigMap, objects::payload_config_map(request, payload, &settings.namespace))
            }
            Part::Containerfile => (Kind::ConfigMap, objects::containerfile_config_map(request, &settings.namespace)),
            Part::Build => (request.builder.kind(), request.builder.object(request, &settings)),
        };
        let key = Key::of(kind, &object);
        match server.create(&key, document(&object)) {
            Ok(_) | Err(Refusal::AlreadyExists) => Ok(read(server, &key)),
            Err(refusal) => Err(refusal),
        }
    }

    fn write_secret(&self, server: &mut Server, secret: &Object) -> Result<Change, Refusal> {
        let key = Key::of(Kind::Secret, secret);
        let version = |object: &Arc<Object>| object.metadata.resource_version.clone();
        match (self.cache.get(&key), server.objects.get(&key)) {
            (Some(_), None) => Err(Refusal::NotFound),
            (Some(known), Some(there)) if version(known) != version(there) => Err(Refusal::Conflict),
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
}

fn delete(server: &mut Server, doomed: &Doomed) -> Change {
    match server.delete_exactly(doomed) {
        Change::Applied(key, object) => Change::Applied(key.clone(), as_watched(&key, &object)),
        gone => gone,
    }
}

/// A MachineConfig with the label `big` stands for one that does not fit.
pub fn prepare(server: &Server, rendered: String, version: Option<String>) -> Result<Prepared, Change> {
    let key = Key::new(Kind::MachineConfig, &rendered);
    let Some(config) = server.objects.get(&key) else { return Err(Change::Gone(key, None)) };
    let is_big = config.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key("big"));
    let payload = if is_big {
        Err(InputFault {
            reason: FaultReason::PayloadTooLarge,
            object: key,
            key: None,
            problem: "it is too large".into(),
            fix: "make it smaller".into(),
            is_missing: false,
        })
    } else {
        Payload::of_machine_config(&key, &document(config))
    };
    Ok(Prepared { rendered, version, payload })
}

fn look_for_digest(server: &Server, build: &str, object: &Object) -> BuildStatus {
    let rendered = names::rendered_of(build).unwrap_or_default();
    let found = server
        .get(Kind::ConfigMap, &names::digest(rendered))
        .filter(|config_map| config_map.metadata.creation_timestamp >= object.metadata.creation_timestamp);
    let digest = found.and_then(|config_map| Digest::parse(config_map.data["data"][names::DIGEST_KEY].as_str()?));
    digest.map_or_else(
        || BuildStatus::Lost(BuildFailure::loss("reading the digest", "it left none")),
        BuildStatus::Succeeded,
    )
}
