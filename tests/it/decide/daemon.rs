//! The daemon as a value: what its pool actor knows, looks at and does, one effect at a time, without a runtime.

use jiff::SignedDuration;
use machine_os_builder::api::{Key, Kind, Object, keys, names};
use machine_os_builder::plan::cache::Change;
use machine_os_builder::plan::decide::{Effect, Evidence, Refusal as ServerRefusal, Write};
use machine_os_builder::plan::index::{Audience, Index, Scope, WatchEvent, owner_of};
use std::sync::Arc;

use super::POOL;
use super::actor::{Actor, Answer, Look, read};
use super::server::{News, Refusal, Server, as_watched};

/// What is hard about the world at the moment.
#[derive(Debug, Clone, Default)]
pub struct Weather {
    /// Watches tell nothing.
    pub is_blind: bool,
    /// Nobody says how a build is doing.
    pub is_deaf: bool,
    /// No slot is given.
    pub is_full: bool,
    /// The API server refuses to create objects.
    pub is_forbidden: bool,
}

#[derive(Clone)]
pub struct Daemon {
    index: Index,
    heard: usize,
    pub actor: Option<Actor>,
}

pub fn pool_key() -> Key {
    Key::new(Kind::MachineConfigPool, POOL)
}

/// The watch that tells of an object, if any does.
fn scope_of(key: &Key, object: &Object) -> Option<Scope> {
    let is_labelled = object.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(keys::BUILD_POD));
    match key.kind {
        Kind::Secret => Some(Scope::named(Kind::Secret, &key.name)),
        Kind::ConfigMap if key.is_input_config_map() => Some(Scope::named(Kind::ConfigMap, &key.name)),
        Kind::Pod | Kind::Build => is_labelled.then(|| Scope::all(key.kind)),
        kind => Some(Scope::all(kind)),
    }
}

/// Every watch.
fn scopes() -> Vec<Scope> {
    let inputs = names::INPUT_CONFIG_MAPS.map(|name| Scope::named(Kind::ConfigMap, name));
    let secrets = ["pull", "push", "pull-canonical", "push-canonical"].map(|name| Scope::named(Kind::Secret, name));
    let kinds = [Kind::MachineConfigPool, Kind::MachineConfig, Kind::ConfigMap, Kind::Pod, Kind::Build].map(Scope::all);
    kinds.into_iter().chain(inputs).chain(secrets).collect()
}

impl Daemon {
    /// A process that has just started, and listed everything.
    pub fn start(server: &Server) -> Self {
        let mut index = Index::default();
        for scope in scopes() {
            let is_covered = |key: &Key, object: &Arc<Object>| scope_of(key, object).as_ref() == Some(&scope);
            let objects = server.objects.iter().filter(|(key, object)| is_covered(key, object));
            let objects = objects.map(|(key, object)| as_watched(key, object)).collect();
            index.observe(WatchEvent::Listing(scope.clone()));
            index.observe(WatchEvent::Listed(scope, objects));
        }
        let mut daemon = Self { index, heard: server.log.len(), actor: None };
        daemon.ensure_actor();
        daemon
    }

    /// Hears everything that watches have to tell.
    pub fn hear(&mut self, server: &Server) {
        for News { key, object, is_gone } in &server.log[self.heard..] {
            let Some(scope) = scope_of(key, object) else { continue };
            let object = as_watched(key, object);
            let event = if *is_gone { WatchEvent::Deleted(scope, object) } else { WatchEvent::Applied(scope, object) };
            let news = self.index.observe(event);
            self.pass_on(news);
        }
        self.heard = server.log.len();
    }

    /// One look of the pool's actor.
    pub fn look(&mut self, server: &Server, weather: &Weather) -> Look {
        match &mut self.actor {
            Some(actor) => actor.look(server, weather),
            None => Look { effect: None, wake: None },
        }
    }

    /// Takes in the answer to a write; true if it is news.
    pub fn take_in(&mut self, change: Change) -> bool {
        let is_news = self.actor.as_mut().is_some_and(|actor| actor.cache.apply(&change));
        let is_watched = match &change {
            Change::Applied(key, object) => !key.kind.is_build_object() || owner_of(object).is_some(),
            _ => true,
        };
        if is_watched {
            let news = self.index.answer(change);
            self.pass_on(news);
        }
        is_news
    }

    /// What woke the actor may be about objects that no watch tells of.
    pub fn wake(&mut self) {
        if let Some(actor) = &mut self.actor {
            let is_watched = |key: &Key, object: &Object| match owner_of(object) {
                Some(owner) => owner == POOL,
                None => !key.kind.is_build_object(),
            };
            actor.cache = actor.cache.subset(is_watched);
        }
    }

    /// Carries an effect out; what comes of it is taken in, unless the answer is lost.
    pub fn carry_out(&mut self, server: &mut Server, weather: &Weather, effect: Effect, is_lost: bool) -> Outcome {
        let actor = self.actor.as_mut().expect("an actor decided on the effect");
        let write = Write::of(&effect);
        let asked = if let Effect::Read(key) = &effect { Some(key.clone()) } else { None };
        let answer = actor.send(server, weather, effect);
        if is_lost {
            return Outcome::Done { is_news: true };
        }
        if let Some(write) = write {
            let known = actor.refusals.remove(&write);
            if matches!(answer, Err(Refusal::Forbidden)) {
                let since = known.map_or(server.now, |known| known.since);
                let retry_at = server.now + SignedDuration::from_secs(10);
                let refusal = ServerRefusal {
                    words: "exceeded quota".to_owned(),
                    object: pool_key(),
                    is_certain: true,
                    since,
                    tries: 1,
                    retry_at,
                };
                actor.refusals.insert(write, refusal);
            }
        }
        match answer {
            Ok(Answer::Change(change)) => {
                let is_news = self.take_in(change);
                let is_confirmed = match (asked, &mut self.actor) {
                    (Some(key), Some(actor)) => actor.cache.confirm_absent(&key),
                    _ => false,
                };
                Outcome::Done { is_news: is_news || is_confirmed }
            }
            Ok(Answer::Sought(uid)) => {
                Outcome::Done { is_news: actor.evidence.insert(uid, Evidence::Sought) != Some(Evidence::Sought) }
            }
            Ok(Answer::Told(name)) => Outcome::Done { is_news: actor.told.insert(name) },
            Ok(Answer::Prepared(prepared)) => {
                actor.prepared = Some(prepared);
                Outcome::Done { is_news: true }
            }
            Err(refusal) => {
                if refusal != Refusal::Forbidden {
                    self.take_in(read(server, &pool_key()));
                }
                Outcome::Refused(refusal)
            }
        }
    }

    fn pass_on(&mut self, news: Vec<(Audience, Change)>) {
        for (audience, change) in news {
            let is_for_pool = match audience {
                Audience::All => true,
                Audience::Pools(pools) => pools.contains(POOL),
            };
            if let Some(actor) = self.actor.as_mut().filter(|_| is_for_pool) {
                actor.cache.apply(&change);
            }
            self.ensure_actor();
        }
    }

    fn ensure_actor(&mut self) {
        match (self.index.needs_actor(POOL), &self.actor) {
            (true, None) => self.actor = Some(Actor { cache: self.index.of_pool(POOL), ..Actor::default() }),
            (false, Some(_)) => self.actor = None,
            _ => {}
        }
    }
}

/// What came of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done { is_news: bool },
    Refused(Refusal),
}
