//! Writes that the API server refuses: noted as they are answered, and tried again later each time.

use tokio::time::Instant;

use jiff::SignedDuration;

use super::state::State;
use crate::api::limits::{REFUSAL_BACKOFF_FIRST, REFUSAL_BACKOFF_MAX, TROUBLE_IS_REFUSAL_AFTER};
use crate::api::{Key, Kind, names};
use crate::cluster::door::Error;
use crate::plan::decide::{Effect, Part, Refusal, Write};

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
            self.refusals.remove(&write);
            self.trouble = None;
            return false;
        };
        if !error.is_refusal() && !self.is_lasting_trouble(write, sent, error) {
            return false;
        }
        let words = error.words();
        let now = self.context.clock.now();
        let known = self.refusals.get(&write);
        let (since, tries) = known.map_or((now, 1), |known| (known.since, known.tries.saturating_add(1)));
        let wait = self.context.jitter.backoff(REFUSAL_BACKOFF_FIRST, REFUSAL_BACKOFF_MAX, tries);
        tracing::warn!(pool = self.pool, ?write, %object, error = words, ?wait, tries, "the API server refuses a write; an effect failed");
        let retry_at = now.checked_add(SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX)).unwrap_or(now);
        self.refusals.insert(write, Refusal { words, object, since, tries, retry_at });
        true
    }

    /// Whether a trouble of the server's own has lasted for so long that it is as good as a refusal.
    fn is_lasting_trouble(&mut self, write: Write, sent: Instant, error: &Error) -> bool {
        if !error.is_server_trouble() {
            self.trouble = None;
            return false;
        }
        let since = self.trouble.filter(|(known, _)| *known == write).map_or(sent, |(_, since)| since);
        self.trouble = Some((write, since));
        since.elapsed() >= TROUBLE_IS_REFUSAL_AFTER
    }
}
