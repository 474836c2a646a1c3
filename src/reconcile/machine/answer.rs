//! Applies the answers to effects.

use super::PoolMachine;
use super::outcome::{Answer, Failure, FailureKind};
use super::refusals::Answered;
use crate::api::limits::{POOL_BACKOFF_FIRST, POOL_BACKOFF_MAX};
use crate::api::{Key, Kind, Pool, Sensitive, names};
use crate::clock::Moment;
use crate::reconcile::decide::{Effect, LoadedPayload, Part, Refusal, RequestKind};
use crate::reconcile::observed::cache::Change;
use crate::reconcile::observed::index::owner_of;

/// Conflicts after which the machine decides again at once; after more it backs off.
const CONFLICTS_AT_ONCE: u32 = 3;

impl PoolMachine {
    /// Applies the answer to an effect. Returns the changes that the machines of other pools, and a successor of this
    /// machine, have to see too.
    pub fn completed(&mut self, effect: &Effect, answer: Result<Answer, Failure>, now: Moment) -> Vec<Change> {
        match effect {
            Effect::ReadDiagnostics(search) => {
                let text = if let Ok(Answer::Found(text)) = answer { text } else { Sensitive::default() };
                self.builds.found(&search.uid, text);
                Vec::new()
            }
            Effect::ReadDigest { build, uid } => self.take_in_digest((build, uid), answer, now),
            Effect::Read(key) if self.stale_after.is_some() && *key == self.key() => self.take_in_pool(answer, now),
            _ if self.note_refusal(effect, &answer, now) => Vec::new(),
            _ => match answer {
                Ok(answer) => self.take_in(effect, answer, now),
                Err(failure) => self.fail(failure, now),
            },
        }
    }

    /// Notes the answer to a write; true if the API server refuses it, so that the pool has to show the refusal before
    /// a retry.
    fn note_refusal(&mut self, effect: &Effect, answer: &Result<Answer, Failure>, now: Moment) -> bool {
        let Some(write) = RequestKind::of(effect) else { return false };
        let Err(failure) = answer else {
            self.refusals.accepted(write);
            return false;
        };
        let object = self.object_of(effect);
        let (beside, sent) = self.issued.clone().unwrap_or_else(|| ([write].into(), now.steady));
        let wait = self.refusals.failed(&Answered { write, object, beside, sent }, failure, &self.jitter, now);
        let refused = self.refusals.known().get(&write).zip(wait);
        if let Some((Refusal { object, tries, .. }, wait)) = refused {
            let error = self.scrubbed(&failure.words);
            tracing::warn!(?write, %object, error, ?wait, tries, "the API server refuses a request; an effect failed");
        }
        refused.is_some()
    }

    /// `text` without credentials.
    fn scrubbed(&self, text: &str) -> String {
        self.settings.scrubbed(text, &self.cache)
    }

    fn take_in(&mut self, effect: &Effect, answer: Answer, now: Moment) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut is_news = false;
        match (effect, answer) {
            (Effect::Emit(pool_event), Answer::Told) => {
                if let Some(pool) = self.cache.get(&self.key()) {
                    is_news = self.emitted.insert(pool_event.event_name(&Pool::new(pool)));
                }
            }
            (Effect::LoadPayload { rendered, version }, Answer::Payload(payload)) => {
                self.loaded_payload =
                    Some(LoadedPayload { rendered: rendered.clone(), version: version.clone(), payload });
                is_news = true;
            }
            (Effect::Create(part, request), Answer::Object(change)) => {
                changes.push(change);
                match part {
                    Part::Payload => self.spend_payload(),
                    Part::Containerfile => {}
                    // From here on the build may leave a digest.
                    Part::Build => {
                        let digest = names::digest(&request.inputs.rendered_config);
                        changes.push(Change::Unknown(Key::new(Kind::ConfigMap, digest)));
                    }
                }
            }
            (_, Answer::Object(change)) => changes.push(change),
            _ => {}
        }
        for change in &changes {
            is_news |= self.update(change);
        }
        if let (Effect::Read(key), Some(Change::Gone(..))) = (effect, changes.first()) {
            // A confirmed absence is news too.
            is_news |= self.cache.confirm_absent(key);
        }
        if is_news {
            self.failures = 0;
        } else {
            // The request succeeded but changed nothing: an immediate repeat would not help.
            self.failures += 1;
            self.back_off("the request changed nothing", now);
        }
        changes.retain(is_watched);
        changes
    }

    fn fail(&mut self, failure: Failure, now: Moment) -> Vec<Change> {
        self.failures += 1;
        match failure.kind {
            FailureKind::Stale => self.stale_after = Some(failure),
            _ => self.back_off(&failure.text, now),
        }
        Vec::new()
    }

    /// Applies the pool as read after a conflict. The machine decides again at once, and backs off if conflicts keep
    /// happening.
    fn take_in_pool(&mut self, answer: Result<Answer, Failure>, now: Moment) -> Vec<Change> {
        let stale_after = self.stale_after.take();
        match (answer, stale_after) {
            (Ok(Answer::Object(change)), Some(failure)) => {
                self.update(&change);
                if self.failures > CONFLICTS_AT_ONCE {
                    self.back_off(&failure.text, now);
                }
                vec![change]
            }
            (Err(failure), _) => {
                self.back_off(&failure.text, now);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn take_in_digest(
        &mut self,
        (build, uid): (&Key, &str),
        answer: Result<Answer, Failure>,
        now: Moment,
    ) -> Vec<Change> {
        match answer {
            Ok(Answer::Object(change)) => {
                self.update(&change);
                let found = if let Change::Applied(_, object) = &change { Some(&**object) } else { None };
                let build = self.cache.get(build).filter(|build| build.metadata.uid.as_deref() == Some(uid));
                self.builds.digest_read(uid, build.map(|build| &**build), found, now.steady);
                vec![change]
            }
            Ok(_) => Vec::new(),
            Err(failure) => {
                self.builds.digest_unread(uid, &failure, &self.jitter, now.steady);
                Vec::new()
            }
        }
    }

    fn back_off(&mut self, why: &str, now: Moment) {
        let wait = self.jitter.backoff(POOL_BACKOFF_FIRST, POOL_BACKOFF_MAX, self.failures);
        let error = self.scrubbed(why);
        tracing::warn!(error, ?wait, failures = self.failures, "an effect failed");
        self.rest(wait, now);
    }

    /// The object that an effect writes.
    fn object_of(&self, effect: &Effect) -> Key {
        match effect {
            Effect::Create(part, request) => part.key(request),
            Effect::WriteSecret(secret) => Key::of(Kind::Secret, secret.expose()),
            Effect::Delete(deletion) => deletion.key.clone(),
            Effect::LoadPayload { rendered, .. } => Key::new(Kind::MachineConfig, rendered),
            Effect::Read(key) => key.clone(),
            _ => self.key(),
        }
    }
}

/// Whether a watch would report the deletion of the object in a change: no watch covers a build object that has lost
/// its labels, so only the machine that read it knows of it.
fn is_watched(change: &Change) -> bool {
    match change {
        Change::Applied(key, object) => !key.kind.is_build_object() || owner_of(object).is_some(),
        Change::Gone(..) | Change::Unknown(_) | Change::Serves(..) | Change::Reaches(..) => true,
    }
}
