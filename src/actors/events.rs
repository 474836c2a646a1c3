//! Emits the Events about transitions. A pool actor waits a moment for an Event, and goes on without it if that takes
//! longer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time;
use tracing::Instrument as _;

use super::meter::Meter;
use crate::api::Object;
use crate::api::limits::{EVENT_BACKOFF_FIRST, EVENT_BACKOFF_MAX, EVENT_TRIES_MAX, EVENT_WAIT, EVENTS_UNTOLD_MAX};
use crate::cluster::client::{ClusterClient, Error};
use crate::jitter::Jitter;
use crate::reconcile::pool::events::PoolEvent;

/// Emits the Events of all pools. An Event still to be emitted outlives the actor of its pool, and is dropped with the
/// last of the actors.
#[derive(Clone, Default)]
pub struct Emitter {
    telling: Arc<Mutex<JoinSet<()>>>,
    /// Whether the last Event was late, or could not be emitted.
    is_in_trouble: Arc<AtomicBool>,
}

/// The clients that emitting needs. It is not the whole context: that owns the tasks, which would then own themselves.
pub(super) struct Means {
    pub cluster: ClusterClient,
    pub meter: Meter,
    pub jitter: Jitter,
}

impl Emitter {
    /// Emits an Event: at once if the API server accepts it, else with a limited number of retries.
    ///
    /// # Errors
    /// If the task ended without a result, so that it will never be known whether the Event was emitted.
    pub(super) async fn emit(&self, means: Means, pool_event: PoolEvent, event: Object) -> Result<(), Error> {
        let wait = if self.is_in_trouble.load(Ordering::Relaxed) { Duration::ZERO } else { EVENT_WAIT };
        let Some(told) = self.begin(means, pool_event, event) else { return Ok(()) };
        match time::timeout(wait, told).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Error::ActorGone),
            Err(_) => {
                self.is_in_trouble.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Starts to emit an Event; `None` if too many others are waiting.
    fn begin(&self, means: Means, pool_event: PoolEvent, event: Object) -> Option<oneshot::Receiver<()>> {
        let mut telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        while telling.try_join_next().is_some() {}
        if telling.len() >= EVENTS_UNTOLD_MAX {
            tracing::warn!(reason = pool_event.reason.as_str(), "an Event is not told: many others are waited for");
            return None;
        }
        let (told, is_told) = oneshot::channel();
        let is_in_trouble = self.is_in_trouble.clone();
        let emit = async move {
            let is_late = !emit_with_retry(&means, &pool_event, &event).await;
            is_in_trouble.store(is_late, Ordering::Relaxed);
            let _ = told.send(());
        };
        telling.spawn(emit.in_current_span());
        Some(is_told)
    }
}

/// Whether an Event could be emitted in the end.
async fn emit_with_retry(means: &Means, pool_event: &PoolEvent, event: &Object) -> bool {
    for tries in 1..=EVENT_TRIES_MAX {
        match means.cluster.emit(event).await {
            Ok(is_new) => {
                if is_new {
                    means.meter.emitted(pool_event);
                }
                return true;
            }
            Err(error) => {
                let wait = means.jitter.backoff(EVENT_BACKOFF_FIRST, EVENT_BACKOFF_MAX, tries).max(error.retry_after());
                tracing::warn!(reason = pool_event.reason.as_str(), %error, ?wait, tries, "an Event is not told yet");
                time::sleep(wait).await;
            }
        }
    }
    false
}
