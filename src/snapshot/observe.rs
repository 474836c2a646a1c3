//! Observes pools, and reads the objects that their decisions ask for.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Error, Snapshot};
use crate::api::names::canonical_secret;
use crate::api::pool::field;
use crate::api::{Key, Kind, Pool};
use crate::jitter::Jitter;
use crate::reconcile::decide::{DecideSettings, Effect};
use crate::reconcile::inputs::fault::FaultReason;
use crate::reconcile::machine::{Answer, MachineContext};
use crate::reconcile::objects::payload::Payload;
use crate::reconcile::observed::cache::{Cache, Change};
use crate::reconcile::observed::digest::Digest;
use crate::report::{self, DryRun, Observation, PoolReport, Progress};

/// The reports on all pools, and when they have to be made anew even if nothing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reports {
    /// The reports, by the pools' names.
    pub pools: Vec<PoolReport>,
    /// When to look again.
    pub requeue_at: Option<Timestamp>,
}

impl Snapshot {
    /// Reports on every pool, and on those that are gone and have left something.
    pub async fn reports(&self, settings: &DecideSettings, now: Timestamp) -> Result<Reports, Error> {
        let there = self.index.cache().of_kind(Kind::MachineConfigPool).map(|(key, _)| key.name.clone());
        let pools: BTreeSet<String> = there.chain(self.index.pools()).collect();
        let context = MachineContext { settings: Arc::new(settings.clone()), jitter: Jitter::seeded(0) };
        let mut all = Vec::with_capacity(pools.len());
        for pool in pools {
            all.push(self.observe_pool(&pool, context.clone(), now).await?);
        }
        let requeue_at = all.iter().filter_map(|seen| seen.requeue_at).min();
        Ok(Reports { pools: report::reports(all), requeue_at })
    }

    /// Looks at one pool, and reads whatever that asks for.
    async fn observe_pool(&self, pool: &str, context: MachineContext, now: Timestamp) -> Result<Observation, Error> {
        let mut cache = self.index.of_pool(pool);
        let is_blind = self.unsee_secrets(&mut cache, pool);
        let mut dry_run = DryRun::new(pool, cache, context, now);
        loop {
            match dry_run.advance() {
                Progress::Seen(mut seen) => {
                    seen.report.notes = self.notes(&seen.report, is_blind);
                    return Ok(*seen);
                }
                Progress::Reads(effects) => {
                    for effect in effects {
                        if let Some(answer) = self.answer(&effect, dry_run.cache()).await? {
                            dry_run.completed(&effect, answer);
                        }
                    }
                }
            }
        }
    }

    /// Reads what an effect asks for; `None` if what comes of it is for the daemon to judge.
    async fn answer(&self, effect: &Effect, cache: &Cache) -> Result<Option<Answer>, Error> {
        match effect {
            // Lists tell of all objects, but for those that run builds and have lost their labels.
            Effect::Read(key) if key.kind.is_build_object() && cache.serves(key.kind) => {
                let change = self.cluster.get(key).await.map_err(Error::Unread)?;
                Ok(Some(Answer::Object(change)))
            }
            Effect::Read(key) => Ok(Some(Answer::Object(Change::Gone(key.clone(), None)))),
            Effect::LoadPayload { rendered, .. } => self.load_payload(rendered).await.map(Some),
            Effect::ReadDigest { build, .. } => {
                Ok(self.cluster.get(&Digest::config_map_of(build)).await.ok().map(Answer::Object))
            }
            _ => Ok(None),
        }
    }

    /// Where the daemon says that there is something wrong with a Secret, one that may not be read is not taken to be
    /// usable; true if that is so.
    fn unsee_secrets(&self, cache: &mut Cache, pool: &str) -> bool {
        let shown = cache
            .get(&Key::new(Kind::MachineConfigPool, pool))
            .and_then(|object| Pool::new(object).shown().map(|shown| field(shown, "reason").to_owned()));
        let faults = [FaultReason::SecretMissing, FaultReason::SecretInvalid].map(|fault| fault.as_str());
        let is_blind = !self.unreadable.is_empty() && shown.is_some_and(|reason| faults.contains(&reason.as_str()));
        for name in self.unreadable.iter().filter(|_| is_blind) {
            cache.apply(&Change::Unknown(Key::new(Kind::Secret, name)));
        }
        is_blind
    }

    fn notes(&self, report: &PoolReport, is_blind: bool) -> Vec<String> {
        // What is not opted in reads no Secrets, and of what is derived from one, nothing is said here.
        let is_named = |name: &&String| self.secrets.contains(&canonical_secret(name));
        let unreadable = self.unreadable.iter().filter(is_named).filter(|_| !report.inputs.is_empty());
        let taken = if is_blind { "what the pool shows is taken for granted" } else { "it is taken to be usable" };
        unreadable.map(|name| format!("Secret {name} may not be read with these credentials; {taken}")).collect()
    }

    /// Reads and compresses a MachineConfig, to see whether it still does not fit.
    async fn load_payload(&self, rendered: &str) -> Result<Answer, Error> {
        let key = Key::new(Kind::MachineConfig, rendered);
        let document = self.cluster.read(&key).await.map_err(Error::Unread)?;
        Ok(match document {
            Some(document) => Answer::Payload(Payload::of_machine_config(&key, &document)),
            None => Answer::Object(Change::Gone(key, None)),
        })
    }
}
