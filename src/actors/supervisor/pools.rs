//! Starts pool actors, grants them slots, and restarts them.

use ractor::{Actor, ActorId, ActorRef};
use tokio::time::Instant;

use super::SupervisorState;
use crate::actors::messages::{PoolMessage, SupervisorMessage};
use crate::actors::meter;
use crate::actors::pool::{PoolActor, PoolArguments};
use crate::reconcile::slots::Demand;

impl SupervisorState {
    /// Starts an actor for `pool` if it needs one and has none; stops the actor of a pool that needs none.
    pub(super) async fn ensure(&mut self, myself: &ActorRef<SupervisorMessage>, pool: &str) {
        match (self.index.needs_actor(pool), self.pools.contains_key(pool)) {
            (true, false) if !self.is_draining && !self.resting.contains(pool) => self.spawn(myself, pool).await,
            (false, true) => {
                if let Some(actor) = self.pools.remove(pool) {
                    actor.stop(Some("nothing is left to do for the pool".into()));
                }
                self.release(pool);
            }
            (false, false) => self.release(pool),
            _ => {}
        }
    }

    async fn spawn(&mut self, myself: &ActorRef<SupervisorMessage>, pool: &str) {
        let arguments = PoolArguments {
            context: self.context.clone(),
            pool: pool.to_owned(),
            cache: self.index.of_pool(pool),
            supervisor: myself.clone(),
        };
        match Actor::spawn_linked(None, PoolActor, arguments, myself.get_cell()).await {
            Ok((actor, _)) => {
                self.pools.insert(pool.to_owned(), actor);
            }
            Err(error) => self.restart_later(myself, pool.to_owned(), &error.to_string()),
        }
    }

    /// Forgets an actor and returns its pool. The pool keeps the slot that it builds in, but no granted one: the
    /// restarted actor asks again.
    pub(super) fn forget(&mut self, id: ActorId) -> Option<String> {
        let pool = self.pools.iter().find(|(_, actor)| actor.get_id() == id).map(|(pool, _)| pool.clone())?;
        self.pools.remove(&pool);
        self.unheard.remove(&pool);
        self.slots.abandon(&pool);
        self.grant();
        Some(pool)
    }

    pub(super) fn restart_later(&mut self, myself: &ActorRef<SupervisorMessage>, pool: String, why: &str) {
        if self.is_draining {
            return;
        }
        let restart = self.crashes.entry(pool.clone()).or_default().note(Instant::now(), &self.context.jitter);
        if restart.is_meltdown {
            self.context.meter.melted_down(meter::Actor::Pool);
            tracing::error!(pool, why, after = ?restart.after, "the pool's actor keeps crashing; it is started again slowly");
        } else {
            tracing::warn!(pool, why, after = ?restart.after, "the pool's actor crashed; it is started again");
        }
        self.unheard.remove(&pool);
        self.resting.insert(pool.clone());
        myself.send_after(restart.after, move || SupervisorMessage::Restart(pool));
    }

    fn release(&mut self, pool: &str) {
        self.unheard.remove(pool);
        self.crashes.remove(pool);
        self.slots.set(pool, Demand::None);
        self.grant();
    }

    pub(super) fn grant(&mut self) {
        if !self.unheard.is_empty() {
            return;
        }
        for (pool, since) in self.slots.grant() {
            if let Some(actor) = self.pools.get(&pool) {
                let _ = actor.cast(PoolMessage::SlotGranted { waiting_since: since });
            }
        }
    }
}
