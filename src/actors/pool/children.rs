//! The child actors of a pool actor: one for each build.

use std::collections::BTreeSet;

use ractor::{Actor, ActorId, ActorRef};
use tokio::time::Instant;

use super::state::PoolState;
use crate::actors::build::{BuildActor, BuildArguments, BuildId};
use crate::actors::messages::BuildMessage;
use crate::actors::meter;
use crate::api::{Key, Kind, Object, keys, names};

impl PoolState {
    /// Starts an actor for each build object without one.
    pub(super) async fn follow_builds(&mut self) {
        let objects = self.machine.build_objects();
        let unfollowed: Vec<BuildId> = objects
            .filter_map(|(key, object)| build_id(key, object))
            .filter(|id| !self.children.actors.contains_key(id))
            .collect();
        for id in unfollowed {
            self.build_actor(&id).await;
        }
    }

    /// The actor of a build, started if there is none.
    pub(super) async fn build_actor(&mut self, id: &BuildId) -> Option<ActorRef<BuildMessage>> {
        if let Some(actor) = self.children.actors.get(id) {
            return Some(actor.clone());
        }
        let arguments = BuildArguments {
            context: self.context.clone(),
            pool: self.myself.clone(),
            // A child of the span of the pool.
            span: tracing::error_span!("build", config = id.rendered),
        };
        match Actor::spawn_linked(None, BuildActor, arguments, self.myself.get_cell()).await {
            Ok((actor, _)) => {
                if self.children.crashed.remove(id) {
                    self.context.meter.restarted(meter::Actor::Build);
                }
                self.children.actors.insert(id.clone(), actor.clone());
                Some(actor)
            }
            Err(error) => {
                tracing::warn!(%error, "failed to start the actor of a build");
                None
            }
        }
    }

    /// At rest: ends the actors of builds that have no object left.
    pub(super) fn dismiss_idle(&mut self) {
        let objects = self.machine.cache().iter();
        let alive: BTreeSet<BuildId> = objects.filter_map(|(key, object)| build_id(key, object)).collect();
        self.children.actors.retain(|id, actor| {
            let is_alive = alive.contains(id);
            if !is_alive {
                actor.stop(None);
            }
            is_alive
        });
        self.children.crashed.retain(|id| alive.contains(id));
    }

    /// A build actor crashed: the next step restarts it after a wait.
    pub(super) fn child_crashed(&mut self, id: ActorId, why: &str) {
        let actors = self.children.actors.iter();
        let crashed: Vec<BuildId> =
            actors.filter(|(_, actor)| actor.get_id() == id).map(|(build, _)| build.clone()).collect();
        self.children.crashed.extend(crashed);
        self.child_ended(id);
        let restart = self.children.crashes.note(Instant::now(), &self.context.jitter);
        if restart.is_meltdown {
            self.context.meter.melted_down(meter::Actor::Build);
        }
        tracing::warn!(why, after = ?restart.after, "the actor of a build crashed; it is started again");
        self.rest(restart.after);
    }

    pub(super) fn child_ended(&mut self, id: ActorId) {
        self.machine.abandon_reads();
        self.children.actors.retain(|_, actor| actor.get_id() != id);
    }
}

/// The build that an object belongs to, by its name and its input hash.
pub(super) fn build_id(key: &Key, object: &Object) -> Option<BuildId> {
    let is_made = key.kind.is_build_object() || (key.kind == Kind::ConfigMap && !key.is_input_config_map());
    let rendered = names::rendered_of(&key.name).filter(|_| is_made)?.to_owned();
    let annotations = object.metadata.annotations.as_ref();
    let hash = annotations.and_then(|annotations| annotations.get(keys::INPUT_HASH)).cloned().unwrap_or_default();
    Some(BuildId { rendered, hash })
}
