//! The supervisor: forwards changes from watches, grants build slots, and restarts crashed pool actors.
//!
//! It reads watch events and the pool actors' messages; it writes nothing and never waits for an answer. Pools are
//! isolated from each other: after a crash the supervisor restarts that actor alone, later each time.

mod pools;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ractor::{Actor, ActorId, ActorRef, SupervisionEvent};
use tokio::sync::Notify;

use super::context::Context;
use super::inputs::{InputsActor, InputsMessage};
use super::messages::{ActorResult, PoolMessage, SupervisorMessage};
use super::meter;
use super::overview::Overview;
use super::restart::Crashes;
use crate::api::limits::OPTIONAL_LIST_WAIT;
use crate::api::names::{BUILD_CONFIG, canonical_secret};
use crate::api::{Key, Kind};
use crate::cluster::watch::{self, Watches};
use crate::cluster::watch_health::WatchHealth;
use crate::reconcile::inputs::sources::secret_names;
use crate::reconcile::inputs::strays::Strays;
use crate::reconcile::observed::cache::Change;
use crate::reconcile::observed::index::{Index, Scope, Subscribers, WatchEvent};
use crate::reconcile::slots::Slots;

/// The supervisor of one daemon.
pub struct Supervisor;

/// The arguments of the supervisor.
pub struct Arguments {
    /// What all actors share.
    pub context: Context,
    /// The client to watch with.
    pub client: kube::Client,
    /// The health of its watches.
    pub health: WatchHealth,
    /// Notified when a new supervisor with an empty cache has to replace this one, because the cluster went back to an
    /// older state.
    pub anew: Arc<Notify>,
}

/// The state of the supervisor.
pub struct SupervisorState {
    context: Context,
    watches: Watches,
    health: WatchHealth,
    index: Index,
    slots: Slots,
    /// The Secrets that are watched.
    secrets: BTreeSet<String>,
    pools: BTreeMap<String, ActorRef<PoolMessage>>,
    crashes: BTreeMap<String, Crashes>,
    /// Pools whose actor crashed and is not due for a restart yet.
    resting: BTreeSet<String>,
    /// Pools whose actor started with the daemon and has not sent its demand yet. The supervisor grants no slot before
    /// all have: a pool that builds, or has waited longest, must not lose its slot to the actor that sends first.
    unheard: BTreeSet<String>,
    is_ready: bool,
    /// Whether only the lists of optional kinds are missing.
    waits_for_optional: bool,
    is_draining: bool,
    anew: Arc<Notify>,
    /// The actor that reports inputs of no pool, once there were any.
    inputs: Option<ActorRef<InputsMessage>>,
    strays: Option<Strays>,
}

impl Actor for Supervisor {
    type Msg = SupervisorMessage;
    type State = SupervisorState;
    type Arguments = Arguments;

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, arguments: Arguments) -> ActorResult<SupervisorState> {
        let Arguments { context, client, health, anew } = arguments;
        let sink = myself;
        let mut watches = Watches::new(
            client,
            context.settings.decide.namespace.clone(),
            context.jitter.clone(),
            Arc::new(move |event| drop(sink.cast(SupervisorMessage::Watched(event)))),
            health.clone(),
        );
        watches.follow(watch::fixed_scopes());
        let slots = Slots::new(context.settings.decide.concurrent_builds_max);
        Ok(SupervisorState {
            context,
            watches,
            health,
            index: Index::default(),
            slots,
            secrets: BTreeSet::new(),
            pools: BTreeMap::new(),
            crashes: BTreeMap::new(),
            resting: BTreeSet::new(),
            unheard: BTreeSet::new(),
            is_ready: false,
            waits_for_optional: false,
            is_draining: false,
            anew,
            inputs: None,
            strays: None,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut SupervisorState,
    ) -> ActorResult {
        match message {
            SupervisorMessage::Watched(WatchEvent::Rewound(scope)) => state.begin_anew(&scope),
            SupervisorMessage::Watched(event) if !state.follows(event.scope()) => {}
            SupervisorMessage::Watched(event) => {
                let mut updates = state.index.observe(event);
                state.follow_secrets(&mut updates);
                state.pass_on(&myself, updates, None).await;
            }
            SupervisorMessage::Answered(actor, change) => {
                let updates = state.index.answer(change);
                state.pass_on(&myself, updates, Some(actor)).await;
            }
            SupervisorMessage::Demanded(pool, demand) => {
                // A pool whose actor the supervisor has stopped since demands nothing any more; one whose actor crashed
                // may be building.
                if state.pools.contains_key(&pool) || state.resting.contains(&pool) {
                    state.unheard.remove(&pool);
                    state.slots.set(&pool, demand);
                    state.grant();
                }
            }
            SupervisorMessage::Restart(pool) => {
                state.resting.remove(&pool);
                let is_there = state.pools.contains_key(&pool);
                state.ensure(&myself, &pool).await;
                if !is_there && state.pools.contains_key(&pool) {
                    state.context.meter.restarted(meter::Actor::Pool);
                }
            }
            SupervisorMessage::Drain(reply) => {
                state.is_draining = true;
                let _ = reply.send(());
            }
            SupervisorMessage::Begin => {
                if !state.is_ready {
                    state.give_up_waiting();
                    state.begin_if_ready(&myself).await;
                }
            }
            SupervisorMessage::Inspect(reply) => drop(reply.send(state.overview())),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        state: &mut SupervisorState,
    ) -> ActorResult {
        let (actor, why) = match event {
            SupervisionEvent::ActorFailed(actor, error) => (actor.get_id(), error.to_string()),
            SupervisionEvent::ActorTerminated(actor, ..) => (actor.get_id(), "the actor ended".to_owned()),
            _ => return Ok(()),
        };
        if state.inputs.as_ref().is_some_and(|inputs| inputs.get_id() == actor) {
            // The next change of those inputs starts the actor again.
            (state.inputs, state.strays) = (None, None);
        }
        if let Some(pool) = state.forget(actor) {
            state.restart_later(&myself, pool, &why);
        }
        Ok(())
    }
}

impl SupervisorState {
    /// Forwards changes to the pools that they concern, once every watch is listed, but not to the actor that reported
    /// them.
    async fn pass_on(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        updates: Vec<(Subscribers, Change)>,
        from: Option<ActorId>,
    ) {
        if !self.is_ready {
            return self.begin_if_ready(myself).await;
        }
        if updates.iter().any(|(_, change)| Strays::depend_on(change)) {
            self.look_for_strays(myself).await;
        }
        let pass = |actor: &ActorRef<PoolMessage>, change: &Change| {
            if from != Some(actor.get_id()) {
                let _ = actor.cast(PoolMessage::Changed(change.clone()));
            }
        };
        for (audience, change) in updates {
            match audience {
                Subscribers::All => self.pools.values().for_each(|actor| pass(actor, &change)),
                Subscribers::Pools(pools) => {
                    for pool in pools {
                        if let Some(actor) = self.pools.get(&pool) {
                            pass(actor, &change);
                        }
                        self.ensure(myself, &pool).await;
                    }
                }
            }
        }
    }

    async fn begin_if_ready(&mut self, myself: &ActorRef<SupervisorMessage>) {
        let (optional, needed): (Vec<_>, Vec<_>) =
            watch::fixed_scopes().into_iter().partition(|scope| scope.kind.is_optional());
        if !self.index.has_listed(&needed) {
            return;
        }
        let is_settled =
            |scope: &Scope| self.index.has_listed([scope]) || self.index.cache().is_unreachable(scope.kind);
        self.is_ready = optional.iter().all(is_settled);
        if !self.is_ready && !std::mem::replace(&mut self.waits_for_optional, true) {
            myself.send_after(OPTIONAL_LIST_WAIT, || SupervisorMessage::Begin);
        }
        if self.is_ready {
            let pools = self.index.pools();
            tracing::info!(pools = pools.len(), "every watch is listed");
            self.unheard = pools.clone();
            for pool in pools {
                self.ensure(myself, &pool).await;
            }
            self.look_for_strays(myself).await;
        }
    }

    /// Sends the keys that belong to no pool to their actor, if they have changed.
    async fn look_for_strays(&mut self, myself: &ActorRef<SupervisorMessage>) {
        let strays = Strays::of(self.index.cache());
        if strays == self.strays || self.is_draining {
            return;
        }
        if self.inputs.is_none() {
            let spawned = Actor::spawn_linked(None, InputsActor, self.context.clone(), myself.get_cell()).await;
            self.inputs = spawned.ok().map(|(actor, _)| actor);
        }
        if let Some(actor) = &self.inputs {
            let _ = actor.cast(InputsMessage::Seen(strays.clone()));
            self.strays = strays;
        }
    }

    /// Whether the supervisor still follows the watch of this scope.
    fn follows(&self, scope: &Scope) -> bool {
        scope.kind != Kind::Secret || scope.name.as_ref().is_some_and(|name| self.secrets.contains(name))
    }

    /// Treats optional kinds that have not been listed as unreachable.
    fn give_up_waiting(&mut self) {
        for scope in watch::fixed_scopes().into_iter().filter(|scope| scope.kind.is_optional()) {
            // The index ignores this for a scope that it has listed.
            self.index.observe(WatchEvent::Unreachable(scope, "it has not answered yet".into()));
        }
    }

    /// Starts no more actors, and makes the daemon start a new supervisor that lists everything again.
    fn begin_anew(&mut self, scope: &Scope) {
        if !self.is_draining {
            tracing::error!(
                watch = %scope,
                "the cluster is at an older version than before, as after it is restored from a backup; starting anew"
            );
            (self.is_ready, self.is_draining) = (false, true);
            self.anew.notify_one();
        }
    }

    /// Watches the Secrets that the build config names, and those derived from them. It forgets the Secrets that the
    /// build config no longer names.
    fn follow_secrets(&mut self, updates: &mut Vec<(Subscribers, Change)>) {
        let config = Key::new(Kind::ConfigMap, BUILD_CONFIG);
        if !updates.iter().any(|(_, change)| change.key() == Some(&config)) {
            return;
        }
        let names = self.index.cache().get(&config).map(|config| secret_names(config)).unwrap_or_default();
        let secrets: BTreeSet<String> = names.into_iter().flat_map(|name| [canonical_secret(&name), name]).collect();
        for name in self.secrets.difference(&secrets) {
            updates.extend(self.index.unfollow(Key::new(Kind::Secret, name)));
        }
        let scopes = secrets.iter().map(|name| Scope::named(Kind::Secret, name));
        self.watches.follow(watch::fixed_scopes().into_iter().chain(scopes));
        self.secrets = secrets;
    }

    fn overview(&self) -> Overview {
        let (building, waiting) = self.slots.occupancy();
        let stale_watches = self.health.stale();
        Overview {
            is_ready: self.is_ready && stale_watches.iter().all(|watch| watch.scope.kind.is_optional()),
            stale_watches,
            pools: self.pools.keys().cloned().collect(),
            building,
            waiting,
            kept: self.index.kept() + self.secrets.len() + self.crashes.len() + self.resting.len() + self.unheard.len(),
        }
    }
}
