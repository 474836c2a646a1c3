//! Emits Events about inputs that belong to no pool. The supervisor finds them, but sends no requests itself.
//!
//! The API server recognises a repeated Event by its name, so the supervisor may restart this actor at any time.

use std::collections::BTreeSet;

use ractor::{Actor, ActorRef};

use super::context::Context;
use super::messages::ActorResult;
use crate::api::limits::{INPUTS_RETRY_INTERVAL, INPUTS_SETTLE_TIME};
use crate::reconcile::inputs::strays::Strays;

/// The actor of inputs that belong to no pool.
pub(super) struct InputsActor;

/// Its messages.
pub(super) enum InputsMessage {
    /// The keys that belong to no pool; `None` if every key belongs to one.
    Seen(Option<Strays>),
    /// The time has come to emit Events about the keys last seen.
    Look,
}

/// Its state.
pub(super) struct InputsState {
    context: Context,
    strays: Option<Strays>,
    /// Names of the Events that this actor has emitted.
    told: BTreeSet<String>,
}

impl Actor for InputsActor {
    type Msg = InputsMessage;
    type State = InputsState;
    type Arguments = Context;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, context: Context) -> ActorResult<InputsState> {
        Ok(InputsState { context, strays: None, told: BTreeSet::new() })
    }

    async fn handle(&self, myself: ActorRef<Self::Msg>, message: Self::Msg, state: &mut InputsState) -> ActorResult {
        match message {
            InputsMessage::Seen(strays) => {
                // Users often write a ConfigMap a moment before the pool that it is for.
                if strays.is_some() {
                    myself.send_after(INPUTS_SETTLE_TIME, || InputsMessage::Look);
                }
                let names = strays.iter().flat_map(|strays| strays.keys.iter().map(|key| strays.event_name(key)));
                let names: BTreeSet<String> = names.collect();
                // The API server recognises a repeat of the others by name.
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
    /// Emits an Event about each key that has none yet; false if it has to be retried.
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
