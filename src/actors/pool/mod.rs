//! The actor of one pool: the only writer of the pool and of the Events about it.
//!
//! It drives a [machine](crate::reconcile::machine): it passes in each change, carries out the effects of each step, and
//! passes in their answers. All changes that arrive before a step share that step.

mod children;
mod effects;
mod state;
mod stopwatch;

use ractor::{Actor, ActorRef, SupervisionEvent};
use tracing::Instrument as _;

pub(super) use self::state::PoolArguments;
use self::state::PoolState;
use super::messages::{ActorResult, PoolMessage};

/// The actor of one pool.
pub(super) struct PoolActor;

impl Actor for PoolActor {
    type Msg = PoolMessage;
    type State = PoolState;
    type Arguments = PoolArguments;

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, arguments: PoolArguments) -> ActorResult<PoolState> {
        let mut state = PoolState::new(arguments, myself);
        state.request_step();
        Ok(state)
    }

    async fn handle(&self, _: ActorRef<Self::Msg>, message: Self::Msg, state: &mut PoolState) -> ActorResult {
        let span = state.span.clone();
        let handle = async {
            match message {
                PoolMessage::Changed(change) => state.update(&change),
                PoolMessage::Completed(effect, answer) => state.completed(&effect, answer),
                PoolMessage::SlotGranted { waiting_since } => state.granted(waiting_since),
                PoolMessage::Step => state.step().await,
            }
        };
        handle.instrument(span).await;
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        state: &mut PoolState,
    ) -> ActorResult {
        let _span = state.span.clone().entered();
        match event {
            SupervisionEvent::ActorFailed(actor, error) => state.child_crashed(actor.get_id(), &error.to_string()),
            SupervisionEvent::ActorTerminated(actor, ..) => state.child_ended(actor.get_id()),
            _ => {}
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<Self::Msg>, state: &mut PoolState) -> ActorResult {
        state.stop_timer();
        Ok(())
    }
}
