//! The actor of one pool: the only writer of the pool, and of what is told about it.
//!
//! Reads what the supervisor passes on; keeps the newest of it, and the answers to its own writes; looks again
//! whenever anything is new, one effect at a time. Any number of changes that arrive before a look make one look.

mod effects;
mod refusals;
mod state;
mod stopwatch;

use std::sync::Arc;

use jiff::Timestamp;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};

use self::state::State;
use super::context::Context;
use super::supervisor::SupervisorMessage;
use crate::api::Sensitive;
use crate::plan::cache::{Cache, Change};
use crate::plan::decide::Evidence;
use crate::plan::status::BuildStatus;

/// The actor of one pool.
pub(super) struct PoolActor;

/// What a pool actor is told.
#[derive(Debug, Clone)]
pub(super) enum PoolMessage {
    /// Something changed that matters to the pool.
    Changed(Change),
    /// A build is doing otherwise than before.
    BuildStatus { uid: String, status: BuildStatus },
    /// This was found about a build, beside its object.
    Evidence { uid: String, text: Sensitive<String> },
    /// The pool may build, if it still waits as it did then.
    SlotGranted { waiting_since: Timestamp },
    /// Look at what is known, and do what is due.
    Look,
    /// Look, and take nothing for granted that no watch would tell of.
    Wake,
}

pub(super) struct PoolArguments {
    pub context: Context,
    pub pool: String,
    pub cache: Cache,
    pub supervisor: ActorRef<SupervisorMessage>,
}

impl Actor for PoolActor {
    type Msg = PoolMessage;
    type State = State;
    type Arguments = PoolArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        arguments: PoolArguments,
    ) -> Result<State, ActorProcessingErr> {
        let mut state = State::new(arguments, myself);
        state.request_look();
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            PoolMessage::Changed(change) => {
                state.take_in(&change);
            }
            PoolMessage::BuildStatus { uid, status } => state.note_status(uid, status),
            PoolMessage::Evidence { uid, text } => {
                state.evidence.insert(uid, Evidence::Found(text));
                state.request_look();
            }
            PoolMessage::SlotGranted { waiting_since } => state.accept_slot(waiting_since),
            PoolMessage::Look => state.look().await,
            PoolMessage::Wake => {
                state.forget_unwatched();
                state.request_look();
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(actor, error) => state.child_crashed(actor.get_id(), &error.to_string()),
            SupervisionEvent::ActorTerminated(actor, ..) => state.child_ended(actor.get_id()),
            _ => {}
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<Self::Msg>, state: &mut State) -> Result<(), ActorProcessingErr> {
        state.stop_timers();
        Ok(())
    }
}

/// An object, shared.
type Shared = Arc<crate::api::Object>;

fn uid_of(object: &crate::api::Object) -> &str {
    object.metadata.uid.as_deref().unwrap_or_default()
}
