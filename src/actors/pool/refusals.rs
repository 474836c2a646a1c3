//! Writes that the API server refuses: noted as they are answered, and tried again later each time.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::state::State;
use crate::api::limits::{REFUSAL_BACKOFF_FIRST, REFUSAL_BACKOFF_MAX, TROUBLE_IS_REFUSAL_AFTER};
use crate::api::{Key, Kind, names};
use crate::cluster::door::Error;
use crate::plan::decide::{Effect, Part, Refusal, Write};

/// The writes that the API server refuses.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// As decisions are told of them.
    pub(super) known: BTreeMap<Write, Refusal>,
    times: BTreeMap<Write, Times>,
    /// The write that failed last for a trouble of the server's own, and since when it has.
    trouble: Option<(Write, Instant)>,
}

/// When a refused write was refused first, and when it is tried again: by a clock that is not set meanwhile, as that of
/// the wall may be.
#[derive(Debug, Clone, Copy)]
struct Times {
    first: Instant,
    due: Instant,
}

impl Refusals {
    /// Says of each refusal when it began and when it is due again by the clock of the wall, which shows `now`.
    pub(super) fn tell_time(&mut self, now: Timestamp) {
        let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        for (write, refusal) in &mut self.known {
            let Some(Times { first, due }) = self.times.get(write) else { continue };
            let (left, overdue) = (signed(due.saturating_duration_since(Instant::now())), signed(due.elapsed()));
            refusal.since = now.checked_sub(signed(first.elapsed())).unwrap_or(Timestamp::MIN);
            refusal.retry_at = now.checked_add(left - overdue).unwrap_or(Timestamp::MAX);
        }
    }

    /// One write is due at a time: of those before it, none is refused any more. That of the status may be due beside it.
    fn note(&mut self, write: Write, refusal: Refusal, wait: Duration) {
        if write != Write::Status {
            self.known.retain(|known, _| [write, Write::Status].contains(known));
        }
        let is_known = self.known.insert(write, refusal).is_some();
        let first = self.times.get(&write).filter(|_| is_known).map_or_else(Instant::now, |times| times.first);
        self.times.insert(write, Times { first, due: Instant::now() + wait });
    }
}

impl State {
    /// The object that an effect writes.
    pub(super) fn object_of(&self, effect: &Effect) -> Key {
        match effect {
            Effect::Create(part, request) => {
                let rendered = &request.inputs.rendered_config;
                match part {
                    Part::Payload => Key::new(Kind::ConfigMap, names::payload(rendered)),
                    Part::Containerfile => Key::new(Kind::ConfigMap, names::containerfile(rendered)),
                    Part::Build => Key::new(request.builder.kind(), names::build(rendered)),
                }
            }
            Effect::WriteSecret(secret) => Key::of(Kind::Secret, secret.expose()),
            Effect::Delete(doomed) => doomed.key.clone(),
            Effect::Prepare { rendered, .. } => Key::new(Kind::MachineConfig, rendered),
            Effect::Read(key) => key.clone(),
            _ => Key::new(Kind::MachineConfigPool, &self.pool),
        }
    }

    /// Takes note of how a write was answered; true if it is refused, and so is to be shown rather than repeated.
    pub(super) fn note_refusal(
        &mut self,
        (write, object): (Write, Key),
        sent: Instant,
        outcome: &Result<bool, Error>,
    ) -> bool {
        let Err(error) = outcome else {
            self.refusals.known.remove(&write);
            self.refusals.trouble.take_if(|(known, _)| *known == write);
            return false;
        };
        // An answer that is lost on its way says nothing of what was done.
        let is_known = error.is_server_trouble() && !error.is_silence() && self.refusals.known.contains_key(&write);
        if !error.is_refusal() && !is_known && !self.is_lasting_trouble(write, sent, error) {
            return false;
        }
        let words = error.words();
        let is_certain = error.is_refusal() || words.contains("failed calling webhook");
        let now = self.context.clock.now();
        let known = self.refusals.known.get(&write);
        let (since, tries) = known.map_or((now, 1), |known| (known.since, known.tries.saturating_add(1)));
        let wait = self.context.jitter.backoff(REFUSAL_BACKOFF_FIRST, REFUSAL_BACKOFF_MAX, tries);
        let wait = wait.max(error.retry_after());
        let shown = self.scrubbed(&words);
        tracing::warn!(pool = self.pool, ?write, %object, error = shown, ?wait, tries, "the API server refuses a request; an effect failed");
        let retry_at = now.checked_add(SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX)).unwrap_or(now);
        self.refusals.note(write, Refusal { words, object, is_certain, since, tries, retry_at }, wait);
        true
    }

    /// Whether a trouble of the server's own has lasted for so long that it is as good as a refusal.
    fn is_lasting_trouble(&mut self, write: Write, sent: Instant, error: &Error) -> bool {
        if !error.is_server_trouble() {
            self.refusals.trouble = None;
            return false;
        }
        let known = self.refusals.trouble.filter(|(known, _)| *known == write);
        let since = known.map_or(sent, |(_, since)| since);
        self.refusals.trouble = Some((write, since));
        // One answer may be lost on its way.
        let is_told = known.is_some() || !error.is_silence();
        is_told && since.elapsed().max(error.retry_after()) >= TROUBLE_IS_REFUSAL_AFTER
    }
}
