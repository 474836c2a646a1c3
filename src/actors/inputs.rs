//! Tells of inputs that belong to no pool, as the supervisor sees them: it sends no requests itself.
//!
//! What it has told is known to the API server by the Events' names, so it may be started anew at any time.

use std::collections::BTreeSet;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::context::Context;
use crate::api::limits::{INPUTS_RETRY_INTERVAL, INPUTS_SETTLE_TIME};
use crate::reconcile::inputs::strays::Strays;

/// The actor of inputs that belong to no pool.
pub struct InputsActor;

/// What it is told.
pub enum InputsMessage {
    /// These keys are no pool's; none are, if there is nothing.
    Seen(Option<Strays>),
    /// It is time to look at what was seen.
    Look,
}

/// What it keeps.
pub struct InputsState {
    context: Context,
    strays: Option<Strays>,
    /// Names of the Events that are told.
    told: BTreeSet<String>,
}

impl Actor for InputsActor {
    type Msg = InputsMessage;
    type State = InputsState;
    type Arguments = Context;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, context: Context) -> Result<InputsState, ActorProcessingErr> {
        Ok(InputsState { context, strays: None, told: BTreeSet::new() })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut InputsState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            InputsMessage::Seen(strays) => {
                // A ConfigMap is often written a moment before the pool that it is for.
                if strays.is_some() {
                    myself.send_after(INPUTS_SETTLE_TIME, || InputsMessage::Look);
                }
                let names = strays.iter().flat_map(|strays| strays.keys.iter().map(|key| strays.event_name(key)));
                let names: BTreeSet<String> = names.collect();
                // Of others, the API server remembers.
                state.told.retain(|name| names.contains(name));
                state.strays = strays;
            }
            InputsMessage::Look => {
                if !state.emit().await {
                    myself.send_after(INPUTS_RETRY_INTERVAL, || InputsMessage::Look);
                }
            }
        }
        Ok(())
    }
}

impl InputsState {
    /// Tells of each key that was not told of; false if that has to be tried again.
    async fn emit(&mut self) -> bool {
        let Some(strays) = &self.strays else { return true };
        for key in &strays.keys {
            let name = strays.event_name(key);
            if self.told.contains(&name) {
                continue;
            }
            match self.context.cluster.emit(&strays.event(key, self.context.clock.now())).await {
                Ok(is_news) => {
                    if is_news {
                        tracing::warn!(key, message = strays.message(key), "a key is no pool's");
                    }
                    self.told.insert(name);
                }
                Err(error) => {
                    tracing::warn!(key, error = error.with_source(), "failed to tell that a key is no pool's");
                    return false;
                }
            }
        }
        true
    }
}
