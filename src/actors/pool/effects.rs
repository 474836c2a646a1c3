//! Carries out effects: those on a build's objects through the build actor, all others here.

use futures::future::{join, join_all};
use ractor::ActorRef;
use ractor::rpc::CallResult;

use super::children::build_id;
use super::state::PoolState;
use crate::actors::build::BuildId;
use crate::actors::context::Context;
use crate::actors::events::Means;
use crate::actors::messages::BuildMessage;
use crate::api::{Key, Kind, Object, Pool};
use crate::cluster::client::Error;
use crate::reconcile::decide::{Effect, Part};
use crate::reconcile::machine::{Answer, Failure};
use crate::reconcile::objects::payload::Payload;
use crate::reconcile::observed::cache::Change;
use crate::reconcile::pool::events::PoolEvent;

/// An effect and its answer.
type Completed = (Effect, Result<Answer, Failure>);

impl PoolState {
    /// Carries out effects, all at once, and applies each answer. It does not wait for reads about a build.
    pub(super) async fn carry_out(&mut self, effects: Vec<Effect>) {
        let (mut own, mut builds) = (Vec::new(), Vec::<(BuildId, Vec<Effect>)>::new());
        for effect in effects {
            tracing::debug!(?effect, "due");
            match self.build_of(&effect) {
                Some(id) => match builds.iter_mut().find(|(known, _)| *known == id) {
                    Some((_, effects)) => effects.push(effect),
                    None => builds.push((id, vec![effect])),
                },
                None => own.push(effect),
            }
        }
        if own.iter().any(|effect| matches!(effect, Effect::LoadPayload { .. })) {
            // The semaphore is first come, first served. A pool with a permit waits for nothing but requests until it
            // releases the permit, so there is no deadlock.
            self.payload_place = None;
            self.payload_place = self.context.payloads.clone().acquire_owned().await.ok();
        }
        let mut asked = Vec::new();
        for (id, effects) in builds {
            asked.push((self.build_actor(&id).await, effects));
        }
        let payload = self.machine.payload();
        let asked = asked.into_iter().map(|(actor, effects)| ask(actor, effects, payload));
        let own = own.into_iter().map(|effect| async {
            let answer = self.carry_out_own(&effect).await;
            (effect, answer.map_err(Failure::from))
        });
        let (own, asked) = join(join_all(own), join_all(asked)).await;
        for (effect, answer) in own.into_iter().chain(asked.into_iter().flatten()) {
            self.completed(&effect, answer);
        }
        self.request_step();
    }

    /// The build whose actor carries out `effect`. An object with this daemon's labels but none of its names belongs to
    /// no build.
    fn build_of(&self, effect: &Effect) -> Option<BuildId> {
        let of_object = |key: &Key| build_id(key, self.machine.cache().get(key)?);
        match effect {
            Effect::Create(_, request) => {
                Some(BuildId { rendered: request.inputs.rendered_config.clone(), hash: request.hash.clone() })
            }
            Effect::Delete(deletion) => of_object(&deletion.key),
            Effect::ReadDiagnostics(search) => of_object(&search.build),
            Effect::ReadDigest { build, .. } => of_object(build),
            _ => None,
        }
    }

    async fn carry_out_own(&self, effect: &Effect) -> Result<Answer, Error> {
        let (cluster, pool) = (&self.context.cluster, self.machine.key());
        Ok(Answer::Object(match effect {
            Effect::PatchPool(patch) => cluster.patch(&pool, patch).await?,
            Effect::PatchStatus(patch) => cluster.patch_status(&pool, patch).await?,
            Effect::Emit(pool_event) => return self.emit(&pool, pool_event).await,
            Effect::LoadPayload { rendered, .. } => return self.load_payload(rendered).await,
            Effect::Read(key) => cluster.get(key).await?,
            Effect::WriteSecret(secret) => self.write_secret(secret.expose()).await?,
            Effect::Delete(deletion) => cluster.delete(deletion).await?,
            Effect::Create(..) | Effect::ReadDiagnostics(_) | Effect::ReadDigest { .. } => return Err(Error::NotFound),
        }))
    }

    async fn emit(&self, pool: &Key, pool_event: &PoolEvent) -> Result<Answer, Error> {
        let object = self.machine.cache().get(pool).ok_or(Error::NotFound)?;
        let event = pool_event.event(&Pool::new(object), self.context.clock.now());
        let Context { cluster, meter, jitter, emitter, .. } = &self.context;
        let means = Means { cluster: cluster.clone(), meter: meter.clone(), jitter: jitter.clone() };
        emitter.emit(means, pool_event.clone(), event).await?;
        let (reason, message) = (pool_event.reason.as_str(), &pool_event.message);
        if pool_event.reason.is_warning() {
            tracing::warn!(reason, message, "event");
        } else {
            tracing::info!(reason, message, "event");
        }
        Ok(Answer::Told)
    }

    /// Reads a MachineConfig and compresses it, and keeps only the payload.
    async fn load_payload(&self, rendered: &str) -> Result<Answer, Error> {
        let key = Key::new(Kind::MachineConfig, rendered);
        let Some(text) = self.context.cluster.read_text(&key).await? else {
            return Ok(Answer::Object(Change::Gone(key, None)));
        };
        let config = key.clone();
        let encode = move || serde_json::from_str(&text).map(|document| Payload::of_machine_config(&config, &document));
        let payload = self.context.computation.run(encode).await.map_err(|error| Error::unreadable(&key, error))?;
        Ok(Answer::Payload(payload))
    }

    /// Creates a canonical Secret, or replaces its cached version.
    async fn write_secret(&self, secret: &Object) -> Result<Change, Error> {
        let key = Key::of(Kind::Secret, secret);
        let cluster = &self.context.cluster;
        if secret.metadata.resource_version.is_some() {
            return cluster.replace(&key, secret).await;
        }
        // The actor of another pool may have been faster, and created the same Secret.
        cluster.create_or_get(&key, secret).await
    }
}

/// Sends effects to a build actor. It answers reads later, by a message.
async fn ask(actor: Option<ActorRef<BuildMessage>>, effects: Vec<Effect>, payload: Option<&Payload>) -> Vec<Completed> {
    let Some(actor) = actor else { return all_failed(effects) };
    let (reads, writes): (Vec<_>, Vec<_>) = effects
        .into_iter()
        .partition(|effect| matches!(effect, Effect::ReadDiagnostics(_) | Effect::ReadDigest { .. }));
    let mut unsent = Vec::new();
    for read in reads {
        if actor.cast(BuildMessage::Read(read.clone())).is_err() {
            unsent.push(read);
        }
    }
    let mut completed = all_failed(unsent);
    if writes.is_empty() {
        return completed;
    }
    let needs_payload = writes.iter().any(|effect| matches!(effect, Effect::Create(Part::Payload, _)));
    let payload = payload.filter(|_| needs_payload).cloned();
    let sent = writes.clone();
    match actor.call(|reply| BuildMessage::Write { effects: sent, payload, reply }, None).await {
        Ok(CallResult::Success(answers)) => completed.extend(answers),
        _ => completed.extend(all_failed(writes)),
    }
    completed
}

fn all_failed(effects: Vec<Effect>) -> Vec<Completed> {
    effects.into_iter().map(|effect| (effect, Err(Error::ActorGone.into()))).collect()
}
