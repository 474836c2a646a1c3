//! Telling of transitions: a pool waits for an Event for a moment, and goes on without it where that takes longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time;

use crate::actors::context::Context;
use crate::api::Object;
use crate::api::limits::{EVENT_BACKOFF_FIRST, EVENT_BACKOFF_MAX, EVENT_TRIES_MAX, EVENT_WAIT, EVENTS_UNTOLD_MAX};
use crate::cluster::door::Error;
use crate::plan::notes::Note;

/// Tells of a pool's transitions. What was not told yet goes with the pool's actor.
#[derive(Default)]
pub(super) struct Teller {
    /// Events that are being told.
    telling: JoinSet<()>,
    /// Whether the last Event that was told could not be told at once.
    is_in_trouble: Arc<AtomicBool>,
}

impl Teller {
    /// Tells of a transition: at once where the API server allows it, else later, again and again, and not for ever.
    ///
    /// # Errors
    /// If it is not known whether it is told, and is never going to be.
    pub(super) async fn tell(&mut self, context: &Context, note: Note, event: Object) -> Result<(), Error> {
        while self.telling.try_join_next().is_some() {}
        if self.telling.len() >= EVENTS_UNTOLD_MAX {
            tracing::warn!(reason = note.reason, "an Event is not told: many others are waited for");
            return Ok(());
        }
        let wait = if self.is_in_trouble.load(Ordering::Relaxed) { Duration::ZERO } else { EVENT_WAIT };
        let (told, is_told) = oneshot::channel();
        let (context, is_in_trouble) = (context.clone(), self.is_in_trouble.clone());
        self.telling.spawn(async move {
            let is_late = !tell_at_last(&context, &note, &event).await;
            is_in_trouble.store(is_late, Ordering::Relaxed);
            let _ = told.send(());
        });
        match time::timeout(wait, is_told).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Error::ActorGone),
            Err(_) => {
                self.is_in_trouble.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }
}

/// Whether an Event could be told in the end.
async fn tell_at_last(context: &Context, note: &Note, event: &Object) -> bool {
    for tries in 1..=EVENT_TRIES_MAX {
        match context.door.tell(event).await {
            Ok(is_new) => {
                if is_new {
                    context.meter.told(note);
                }
                return true;
            }
            Err(error) => {
                let wait = context.jitter.backoff(EVENT_BACKOFF_FIRST, EVENT_BACKOFF_MAX, tries);
                tracing::warn!(reason = note.reason, %error, ?wait, tries, "an Event is not told yet");
                time::sleep(wait.max(error.retry_after())).await;
            }
        }
    }
    false
}
