//! Carrying out effects: those on the pool here, those on a build's objects through the build's actor.

use std::sync::Arc;

use jiff::Timestamp;
use ractor::RpcReplyPort;
use ractor::rpc::CallResult;

use super::state::{State, build_id};
use crate::actors::build::{BuildId, BuildMessage};
use crate::actors::context::Context;
use crate::actors::events::Means;
use crate::api::{Key, Kind, Object, Pool, names};
use crate::cluster::door::Error;
use crate::plan::cache::Change;
use crate::plan::decide::{Doomed, Effect, Evidence, Part, Prepared, Search};
use crate::plan::notes::Note;
use crate::plan::payload::Payload;
use crate::plan::request::BuildRequest;

impl State {
    /// Carries one effect out, and takes in what comes of it; false if nothing does.
    pub(super) async fn carry_out(&mut self, effect: Effect) -> Result<bool, Error> {
        let pool = Key::new(Kind::MachineConfigPool, &self.pool);
        let change = match effect {
            Effect::PatchPool(patch) => {
                let now = self.context.clock.now();
                let change = self.context.door.patch(&pool, &patch).await?;
                self.clock_in(&pool, &change, now);
                change
            }
            Effect::PatchStatus(patch) => {
                let change = self.context.door.patch_status(&pool, &patch).await?;
                self.clock_in(&pool, &change, self.context.clock.now());
                change
            }
            Effect::Tell(note) => return self.tell(&pool, &note).await,
            Effect::Prepare { rendered, version } => return self.prepare(rendered, version).await,
            Effect::Create(Part::Payload, _) if self.has_spent_payload() => {
                // Its ConfigMap has gone since: it is read again.
                self.let_go_of_payload();
                return Ok(true);
            }
            Effect::Create(part, request) => self.create(part, request).await?,
            Effect::Read(key) => return self.read(&key).await,
            Effect::Seek(search) => return self.seek(search).await,
            Effect::WriteSecret(secret) => self.write_secret(secret.expose()).await?,
            Effect::Delete(doomed) => self.delete(doomed).await?,
        };
        Ok(self.take_in_answer(change))
    }

    /// Measures what a patch of the pool brought to an end at this time.
    fn clock_in(&mut self, pool: &Key, answer: &Change, now: Timestamp) {
        if let (Some(before), Change::Applied(_, after)) = (self.cache.get(pool), answer) {
            self.stopwatch.patched(&Pool::new(before), &Pool::new(after), now, &self.context.meter);
        }
    }

    /// Looks whether an object is there. That it is not is worth knowing too.
    async fn read(&mut self, key: &Key) -> Result<bool, Error> {
        let change = self.context.door.get(key).await?;
        let is_gone = matches!(change, Change::Gone(..));
        let is_news = self.take_in_answer(change);
        Ok((is_gone && self.cache.confirm_absent(key)) || is_news)
    }

    /// Has a build's actor look for more about its build, and does not wait for what it finds.
    async fn seek(&mut self, search: Search) -> Result<bool, Error> {
        let object = self.cache.get(&search.build).ok_or(Error::NotFound)?;
        let id = build_id(&search.build, object).ok_or(Error::NotFound)?;
        let actor = self.build_actor(&id).await.ok_or(Error::ActorGone)?;
        self.evidence.insert(search.uid.clone(), Evidence::Sought);
        let _ = actor.cast(BuildMessage::Seek(search));
        Ok(true)
    }

    async fn tell(&mut self, pool: &Key, note: &Note) -> Result<bool, Error> {
        let Some(object) = self.cache.get(pool).cloned() else { return Ok(false) };
        let pool = Pool::new(&object);
        let event = note.event(&pool, self.context.clock.now());
        let Context { door, meter, jitter, teller, .. } = &self.context;
        let means = Means { door: door.clone(), meter: meter.clone(), jitter: jitter.clone() };
        teller.tell(means, note.clone(), event).await?;
        tracing::info!(pool = self.pool, reason = note.reason, message = note.message, "event");
        self.told.insert(note.event_name(&pool));
        Ok(true)
    }

    /// Reads a MachineConfig and compresses it. Only the payload is kept.
    async fn prepare(&mut self, rendered: String, version: Option<String>) -> Result<bool, Error> {
        let key = Key::new(Kind::MachineConfig, &rendered);
        self.let_go_of_payload();
        // First come, first served. Whoever has a place waits for nothing but requests until it is free again.
        self.payload_place = self.context.payloads.clone().acquire_owned().await.ok();
        let Some(text) = self.context.door.read_text(&key).await? else {
            self.payload_place = None;
            return Ok(self.take_in_answer(Change::Gone(key, None)));
        };
        let config = key.clone();
        let encode = move || serde_json::from_str(&text).map(|document| Payload::of_machine_config(&config, &document));
        let payload = self.context.computation.run(encode).await.map_err(|error| Error::unreadable(&key, error))?;
        if payload.is_err() {
            self.payload_place = None;
        }
        self.prepared = Some(Prepared { rendered, version, payload });
        Ok(true)
    }

    /// Lets go of a compressed MachineConfig, and of the place for it; what is wrong with one stays known.
    pub(super) fn let_go_of_payload(&mut self) {
        self.prepared = self.prepared.take().filter(|prepared| prepared.payload.is_err());
        self.payload_place = None;
    }

    /// At rest: lets go of a compressed MachineConfig, unless what is to be made of it is only refused for now.
    pub(super) fn put_payload_away(&mut self) {
        if self.refusals.known.is_empty() {
            self.let_go_of_payload();
        } else {
            self.lend_payload_place();
        }
    }

    /// Lets go of a compressed MachineConfig while it is not worked with; that it is in its ConfigMap stays known.
    pub(super) fn lend_payload_place(&mut self) {
        if !self.has_spent_payload() {
            self.let_go_of_payload();
        }
    }

    /// The payload is in its ConfigMap: it is not needed any more, unless that goes.
    fn spend_payload(&mut self) {
        if let Some(payload) = self.prepared.as_mut().and_then(|prepared| prepared.payload.as_mut().ok()) {
            *payload = Payload::spent();
        }
        self.payload_place = None;
    }

    async fn create(&mut self, part: Part, request: Arc<BuildRequest>) -> Result<Change, Error> {
        let id = BuildId { rendered: request.inputs.rendered_config.clone(), hash: request.hash.clone() };
        if part != Part::Payload {
            // Its ConfigMap is there already, whichever process created it.
            self.spend_payload();
        }
        let payload = self.prepared.as_ref().and_then(|prepared| prepared.payload.as_ref().ok()).cloned();
        let digest = Key::new(Kind::ConfigMap, names::digest(&request.inputs.rendered_config));
        let change = self.ask(&id, |reply| BuildMessage::Create { part, request, payload, reply }).await?;
        if part == Part::Payload {
            self.spend_payload();
        }
        if part == Part::Build {
            // From here on there may be one.
            self.take_in_answer(Change::Unknown(digest));
        }
        Ok(change)
    }

    fn has_spent_payload(&self) -> bool {
        let payload = self.prepared.as_ref().and_then(|prepared| prepared.payload.as_ref().ok());
        payload.is_some_and(Payload::is_spent)
    }

    async fn delete(&mut self, doomed: Doomed) -> Result<Change, Error> {
        match self.cache.get(&doomed.key).and_then(|object| build_id(&doomed.key, object)) {
            Some(id) => self.ask(&id, |reply| BuildMessage::Delete { doomed, reply }).await,
            // It has our labels and no name of ours, and so no build that it belongs to.
            None => self.context.door.delete(&doomed).await,
        }
    }

    /// Creates a canonical Secret, or replaces the version of it that is known.
    async fn write_secret(&mut self, secret: &Object) -> Result<Change, Error> {
        let key = Key::of(Kind::Secret, secret);
        let door = &self.context.door;
        if let Some(known) = self.cache.get(&key) {
            let mut secret = secret.clone();
            secret.metadata.resource_version = known.metadata.resource_version.clone();
            return door.replace(&key, &secret).await;
        }
        match door.create(&key, secret).await {
            // Another pool's actor was faster: what it made is as good.
            Err(Error::AlreadyExists) => door.get(&key).await,
            answer => answer,
        }
    }

    async fn ask(
        &mut self,
        id: &BuildId,
        message: impl FnOnce(RpcReplyPort<Result<Change, Error>>) -> BuildMessage,
    ) -> Result<Change, Error> {
        let actor = self.build_actor(id).await.ok_or(Error::ActorGone)?;
        match actor.call(message, None).await {
            Ok(CallResult::Success(answer)) => answer,
            _ => Err(Error::ActorGone),
        }
    }
}
