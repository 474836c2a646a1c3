//! Looks at pools, and reads whatever that asks for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Error, Snapshot};
use crate::api::names::canonical_secret;
use crate::api::pool::field;
use crate::api::{Key, Kind, Object, Pool, names};
use crate::builders;
use crate::cluster::door;
use crate::plan::cache::{Cache, Change};
use crate::plan::decide::{Prepared, Settings, View};
use crate::plan::digest::Digest;
use crate::plan::fault::FaultReason;
use crate::plan::payload::Payload;
use crate::plan::report::{self, PoolReport, Seen, Wish};
use crate::plan::sources::Sources;
use crate::plan::status::BuildStatus;

/// Things that one look may ask for, one after the other; more than a few there are not.
const WISHES_MAX: usize = 8;

/// The reports on all pools, and when they have to be made anew even if nothing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reports {
    /// The reports, by the pools' names.
    pub pools: Vec<PoolReport>,
    /// When to look again.
    pub wake: Option<Timestamp>,
}

impl Snapshot {
    /// Reports on every pool, and on those that are gone and have left something.
    pub async fn reports(&self, settings: &Settings, now: Timestamp) -> Result<Reports, Error> {
        let there = self.index.cache().of_kind(Kind::MachineConfigPool).map(|(key, _)| key.name.clone());
        let pools: BTreeSet<String> = there.chain(self.index.pools()).collect();
        let mut all = Vec::with_capacity(pools.len());
        for pool in pools {
            all.push(self.see(&pool, settings, now).await?);
        }
        let wake = all.iter().filter_map(|seen| seen.wake).min();
        Ok(Reports { pools: report::reports(all), wake })
    }

    /// Looks at one pool, and reads whatever that asks for.
    async fn see(&self, pool: &str, settings: &Settings, now: Timestamp) -> Result<Seen, Error> {
        let mut cache = self.index.of_pool(pool);
        let is_blind = self.unsee_secrets(&mut cache, pool);
        let statuses = self.statuses(&cache).await;
        let (mut prepared, mut wishes) = (None, 0);
        loop {
            let view = View {
                pool,
                cache: &cache,
                sources: &Sources::read(&cache, &builders::ALL),
                settings,
                statuses: &statuses,
                running: &BTreeMap::new(),
                evidence: &BTreeMap::new(),
                prepared: prepared.as_ref(),
                told: &BTreeSet::new(),
                refusals: &BTreeMap::new(),
                has_slot: false,
                now,
            };
            wishes += 1;
            match report::see(&view) {
                Ok(mut seen) => {
                    seen.report.notes = self.notes(&seen.report, is_blind);
                    return Ok(seen);
                }
                Err(_) if wishes > WISHES_MAX => return Err(Error::Unread(door::Error::NoEffect)),
                Err(Wish::Object(key)) => self.look_for(&mut cache, &key).await?,
                Err(Wish::Payload(rendered, version)) => prepared = self.prepare(&mut cache, rendered, version).await?,
            }
        }
    }

    /// Where the daemon says that there is something wrong with a Secret, one that may not be read is not taken to be
    /// usable; true if that is so.
    fn unsee_secrets(&self, cache: &mut Cache, pool: &str) -> bool {
        let shown = cache
            .get(&Key::new(Kind::MachineConfigPool, pool))
            .and_then(|object| Pool::new(object).shown().map(|shown| field(shown, "reason").to_owned()));
        let faults = [FaultReason::SecretMissing, FaultReason::SecretInvalid].map(FaultReason::as_str);
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

    /// How the builds are doing, by the UID of their objects.
    async fn statuses(&self, cache: &Cache) -> BTreeMap<String, BuildStatus> {
        let mut statuses = BTreeMap::new();
        for (key, object) in cache.iter() {
            let Some(builder) = builders::for_kind(key.kind) else { continue };
            let status = match builder.classify(object) {
                BuildStatus::DigestInConfigMap => self.digest(key, object).await.map(BuildStatus::Succeeded),
                status => Some(status),
            };
            let uid = object.metadata.uid.clone().unwrap_or_default();
            statuses.insert(uid, status.unwrap_or(BuildStatus::DigestInConfigMap));
        }
        statuses
    }

    /// The digest that a build left in its ConfigMap; that none can be read is for the daemon to judge.
    async fn digest(&self, key: &Key, build: &Object) -> Option<Digest> {
        let name = names::digest(names::rendered_of(&key.name)?);
        match self.door.get(&Key::new(Kind::ConfigMap, name)).await {
            Ok(Change::Applied(_, config_map)) => Digest::left_by(build, &config_map),
            _ => None,
        }
    }

    /// Sees whether there is an object that a decision depends on. Lists tell of all, but for objects that run builds
    /// and have lost their labels.
    async fn look_for(&self, cache: &mut Cache, key: &Key) -> Result<(), Error> {
        let change = match key.kind.is_build_object() && cache.serves(key.kind) {
            true => self.door.get(key).await.map_err(Error::Unread)?,
            false => Change::Gone(key.clone(), None),
        };
        let is_gone = matches!(change, Change::Gone(..));
        cache.apply(&change);
        if is_gone {
            cache.confirm_absent(key);
        }
        Ok(())
    }

    /// Reads and compresses a MachineConfig, to see whether it still does not fit.
    async fn prepare(
        &self,
        cache: &mut Cache,
        rendered: String,
        version: Option<String>,
    ) -> Result<Option<Prepared>, Error> {
        let key = Key::new(Kind::MachineConfig, &rendered);
        let Some(document) = self.door.read(&key).await.map_err(Error::Unread)? else {
            cache.apply(&Change::Gone(key, None));
            return Ok(None);
        };
        let payload = Payload::of_machine_config(&key, &document);
        Ok(Some(Prepared { rendered, version, payload }))
    }
}
