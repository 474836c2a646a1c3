//! The daemon as a value: its knowledge, and the inputs of its pool's machine, without a runtime.

use std::sync::Arc;

use machine_os_builder::api::{Key, Kind, Object, keys, names};
use machine_os_builder::jitter::Jitter;
use machine_os_builder::reconcile::decide::Effect;
use machine_os_builder::reconcile::machine::{Answer, MachineContext, PoolMachine, Step};
use machine_os_builder::reconcile::observed::cache::Change;
use machine_os_builder::reconcile::observed::index::{Index, Scope, Subscribers, WatchEvent};
use machine_os_builder::reconcile::slots::Demand;

use super::server::{News, Refusal, Server, as_watched};
use super::{POOL, actor};

/// The active disturbances.
#[derive(Debug, Clone, Default)]
pub(super) struct Weather {
    /// Watches deliver nothing.
    pub is_blind: bool,
    /// Reads of diagnostics and digests, for which the driver does not wait, stay unanswered.
    pub is_deaf: bool,
    /// Answers are late.
    pub is_late: bool,
    /// No slot is given.
    pub is_full: bool,
    /// The API server refuses to create objects.
    pub is_forbidden: bool,
}

#[derive(Clone)]
pub(super) struct Daemon {
    index: Index,
    heard: usize,
    pub machine: Option<PoolMachine>,
    /// Answers to effects that have not arrived yet.
    late: Vec<(Effect, Result<Answer, Refusal>)>,
}

pub(super) fn pool_key() -> Key {
    Key::new(Kind::MachineConfigPool, POOL)
}

/// The watch that covers an object, if any does.
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
    pub(super) fn start(server: &Server) -> Self {
        let mut index = Index::default();
        for scope in scopes() {
            let is_covered = |key: &Key, object: &Arc<Object>| scope_of(key, object).as_ref() == Some(&scope);
            let objects = server.objects.iter().filter(|(key, object)| is_covered(key, object));
            let objects = objects.map(|(key, object)| as_watched(key, object)).collect();
            index.observe(WatchEvent::Listing(scope.clone()));
            index.observe(WatchEvent::Listed(scope, objects));
        }
        let mut daemon = Self { index, heard: server.log.len(), machine: None, late: Vec::new() };
        daemon.ensure_machine();
        daemon
    }

    /// Hears everything that watches have to tell.
    pub(super) fn hear(&mut self, server: &Server) {
        for News { key, object, is_gone } in &server.log[self.heard..] {
            let Some(scope) = scope_of(key, object) else { continue };
            let object = as_watched(key, object);
            let event = if *is_gone { WatchEvent::Deleted(scope, object) } else { WatchEvent::Applied(scope, object) };
            let updates = self.index.observe(event);
            self.pass_on(updates);
        }
        self.heard = server.log.len();
    }

    /// The machine's next step. Late answers arrive first, unless the disturbance lasts.
    pub(super) fn step(&mut self, server: &Server, weather: &Weather) -> Step {
        if !weather.is_late && !weather.is_deaf {
            while !self.late.is_empty() {
                self.answer(server, 0, false);
            }
        }
        let Some(machine) = &mut self.machine else {
            return Step { demand: None, effects: Vec::new(), requeue_at: None, wait: None };
        };
        let mut step = machine.step(server.moment());
        if let (Some(Demand::Wait(since)), false, true) = (step.demand, weather.is_full, step.effects.is_empty())
            && machine.granted(since)
        {
            step = machine.step(server.moment());
        }
        step
    }

    /// Carries out an effect; the machine gets the answer at once, later, or never.
    pub(super) fn carry_out(&mut self, server: &mut Server, weather: &Weather, effect: &Effect, fate: Fate) -> Outcome {
        let machine = self.machine.as_mut().expect("a machine asked for the effect");
        let answer = actor::carry_out(server, weather, machine, effect);
        let outcome = answer.as_ref().map_or_else(|refusal| Outcome::Refused(*refusal), |_| Outcome::Done);
        match fate {
            Fate::Lost => machine.abandon_reads(),
            Fate::Answered if actor::is_waited_for(effect) && !weather.is_late => {
                self.completed(server, effect, answer);
            }
            Fate::Answered => self.late.push((effect.clone(), answer)),
        }
        outcome
    }

    /// Delivers one of the late answers, and keeps it for another delivery if `is_twice`.
    pub(super) fn answer(&mut self, server: &Server, which: usize, is_twice: bool) {
        let Some(at) = which.checked_rem(self.late.len()) else { return };
        let (effect, answer) = if is_twice { self.late[at].clone() } else { self.late.remove(at) };
        self.completed(server, &effect, answer);
    }

    fn completed(&mut self, server: &Server, effect: &Effect, answer: Result<Answer, Refusal>) {
        let Some(machine) = &mut self.machine else { return };
        for change in machine.completed(effect, answer.map_err(actor::failure), server.moment()) {
            let updates = self.index.answer(change);
            self.pass_on(updates);
        }
    }

    /// Forgets the objects that no watch covers, so that the machine reads them again.
    pub(super) fn wake(&mut self) {
        if let Some(machine) = &mut self.machine {
            machine.forget_unwatched();
        }
    }

    fn pass_on(&mut self, updates: Vec<(Subscribers, Change)>) {
        for (audience, change) in updates {
            let is_for_pool = match audience {
                Subscribers::All => true,
                Subscribers::Pools(pools) => pools.contains(POOL),
            };
            if let Some(machine) = self.machine.as_mut().filter(|_| is_for_pool) {
                machine.update(&change);
            }
            self.ensure_machine();
        }
    }

    fn ensure_machine(&mut self) {
        match (self.index.needs_actor(POOL), &self.machine) {
            (true, None) => self.machine = Some(PoolMachine::new(POOL, self.index.of_pool(POOL), context())),
            (false, Some(_)) => (self.machine, self.late) = (None, Vec::new()),
            _ => {}
        }
    }
}

/// The context of machines, with default settings.
pub(super) fn context() -> MachineContext {
    MachineContext { settings: Arc::default(), jitter: Jitter::seeded(7) }
}

/// The fate of the answer to an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Answered,
    Lost,
}

/// The result of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Refused(Refusal),
}
