//! The observed state of a pool, sorted for the decisions about it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

pub(crate) use super::build_object::BuildObject;
use super::effect::{Deletion, Diagnostics, Effect};
use super::refusal::{Refusal, RequestKind};
use super::settings::DecideSettings;
use crate::api::limits::RETRY_BACKOFF_MAX;
use crate::api::{Key, Kind, Pool, names};
use crate::reconcile::inputs::fault::InputFault;
use crate::reconcile::inputs::request::{self, Wanted};
use crate::reconcile::inputs::sources::{Read, Sources};
use crate::reconcile::objects::payload::Payload;
use crate::reconcile::observed::cache::Cache;
use crate::reconcile::observed::status::BuildStatus;
use crate::reconcile::pool::events::PoolEvent;
use crate::reconcile::pool::record::{Attempt, BuildRecord};
use crate::reconcile::slots::Demand;

/// A MachineConfig, read and compressed for a build that is about to start.
#[derive(Debug, Clone)]
pub struct LoadedPayload {
    /// The MachineConfig's name.
    pub rendered: String,
    /// Its resource version in the cache when the read was decided.
    pub version: Option<String>,
    /// The payload, or why there is none.
    pub payload: Result<Payload, InputFault>,
}

/// The inputs of one decision about a pool.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The pool's name.
    pub pool: &'a str,
    /// The part of the cluster state that matters to this pool.
    pub cache: &'a Cache,
    /// What users wrote for all pools, read from the cache.
    pub sources: &'a Read<Sources>,
    /// The settings.
    pub settings: &'a DecideSettings,
    /// How the pool's builds are doing, by the UID of their objects.
    pub statuses: &'a BTreeMap<String, BuildStatus>,
    /// Since when this process has seen their objects, by the same UIDs and the steady clock.
    pub seen: &'a BTreeMap<String, Instant>,
    /// Since when it has seen them run, by the same UIDs and clock.
    pub running: &'a BTreeMap<String, Instant>,
    /// The diagnostics read about them, by the same UIDs.
    pub diagnostics: &'a BTreeMap<String, Diagnostics>,
    /// The MachineConfig of the build that is about to start.
    pub loaded_payload: Option<&'a LoadedPayload>,
    /// Names of the Events that this process has already emitted.
    pub emitted: &'a BTreeSet<String>,
    /// The writes that the API server refuses.
    pub refusals: &'a BTreeMap<RequestKind, Refusal>,
    /// Whether the pool has a slot to build in.
    pub has_slot: bool,
    /// The time, by the clock of the wall.
    pub now: Timestamp,
    /// The same moment, by a clock that is never set.
    pub steady: Instant,
}

/// The inputs, sorted.
pub(crate) struct Observed<'a> {
    pub inputs: &'a Inputs<'a>,
    pub pool: Option<Pool<'a>>,
    pub record: BuildRecord,
    pub wanted: Wanted,
    /// Pods and Builds made for this pool.
    pub builds: Vec<BuildObject<'a>>,
    /// ConfigMaps made for this pool, and digests left by its builds.
    pub config_maps: Vec<BuildObject<'a>>,
    /// Objects with a name that this pool uses, but made by another owner or for another pool.
    pub foreign: Vec<BuildObject<'a>>,
}

impl<'a> Observed<'a> {
    pub(crate) fn of(inputs: &'a Inputs<'a>) -> Self {
        let key = Key::new(Kind::MachineConfigPool, inputs.pool);
        let pool = inputs.cache.get(&key).map(|object| Pool::new(object));
        let (record, wanted) = match pool.as_ref().map(|pool| (pool, BuildRecord::of(pool))) {
            Some((pool, Ok(record))) => {
                let wanted = request::wanted(inputs.sources, inputs.cache, pool, &record);
                (record, wanted)
            }
            Some((_, Err(fault))) => (BuildRecord::default(), Wanted::Faulty(fault)),
            None => (BuildRecord::default(), Wanted::Unknown),
        };
        let mut observed =
            Observed { inputs, pool, record, wanted, builds: Vec::new(), config_maps: Vec::new(), foreign: Vec::new() };
        for kind in [Kind::Pod, Kind::Build, Kind::ConfigMap] {
            for (key, object) in inputs.cache.of_kind(kind) {
                observed.sort(BuildObject { key, object });
            }
        }
        observed
    }

    fn sort(&mut self, made: BuildObject<'a>) {
        // An older helper leaves its digest without labels.
        let is_digest = made.key.name.starts_with(&names::digest("")) && made.is_unlabelled();
        if made.key.is_input_config_map() {
        } else if made.is_for(self.inputs.pool) || (made.key.kind == Kind::ConfigMap && is_digest) {
            let list = if made.key.kind.is_build_object() { &mut self.builds } else { &mut self.config_maps };
            list.push(made);
        } else {
            self.foreign.push(made);
        }
    }

    /// Everything made for this pool. Build objects come first, because a running build must stop before it loses its
    /// inputs.
    pub(super) fn made(&self) -> impl Iterator<Item = BuildObject<'a>> + '_ {
        self.builds.iter().chain(&self.config_maps).copied()
    }

    /// The build objects that are being deleted.
    pub(super) fn terminating(&self) -> impl Iterator<Item = BuildObject<'a>> + '_ {
        self.builds.iter().copied().filter(BuildObject::is_being_deleted)
    }

    /// The build object made from the inputs of this hash, unless it is being deleted; of several, the one that the
    /// pool refers to.
    pub(crate) fn build_of(&self, hash: &str) -> Option<BuildObject<'a>> {
        let is_referred_to = |build: &BuildObject<'_>| {
            self.pool.as_ref().is_some_and(|pool| pool.spec_source().contains(&build.reference()))
        };
        self.live(hash).find(is_referred_to).or_else(|| self.live(hash).next())
    }

    /// Further objects of the same build: a Pod beside a Build, if a user changed the builder during the creation of
    /// one.
    pub(super) fn duplicates_of(&self, hash: &str) -> impl Iterator<Item = BuildObject<'a>> {
        let followed = self.build_of(hash).map(|build| build.uid());
        self.live(hash).filter(move |build| Some(build.uid()) != followed)
    }

    fn live(&self, hash: &str) -> impl Iterator<Item = BuildObject<'a>> {
        self.builds.iter().copied().filter(move |build| self.is_claimed(build, hash) && !build.is_being_deleted())
    }

    /// Whether `made` was made for the claimed attempt at the build of `hash`; the daemon trusts no other object.
    pub(super) fn is_claimed(&self, made: &BuildObject<'_>, hash: &str) -> bool {
        made.hash() == Some(hash)
            && self.record.attempt_at(hash).is_some_and(|attempt| attempt.claim.as_deref() == made.claim())
    }

    pub(crate) fn status_of(&self, build: BuildObject<'_>) -> Option<&'a BuildStatus> {
        self.inputs.statuses.get(build.uid())
    }

    /// Whether a build object runs, or may run.
    pub(super) fn is_running(&self, build: BuildObject<'_>) -> bool {
        self.status_of(build).is_none_or(|status| !status.is_finished())
    }

    /// Whether any build object of this pool runs, even one that is being deleted.
    pub(super) fn runs_anything(&self) -> bool {
        self.builds.iter().any(|build| self.is_running(*build))
    }

    /// The deletion of one of `deletion`, if there is one left to delete.
    pub(super) fn deletion(&self, deletion: impl IntoIterator<Item = BuildObject<'a>>) -> Option<Effect> {
        deletion.into_iter().find_map(|made| self.deletion_of(made))
    }

    /// The deletions of `deletion`, all at once: first of the build objects, because a running build must stop before
    /// it loses its inputs.
    pub(super) fn deletions(&self, deletion: impl IntoIterator<Item = BuildObject<'a>>) -> Vec<Effect> {
        let (runners, inputs): (Vec<_>, Vec<_>) =
            deletion.into_iter().partition(|made| made.key.kind.is_build_object());
        let of = |deletion: Vec<BuildObject<'a>>| -> Vec<Effect> {
            deletion.into_iter().filter_map(|made| self.deletion_of(made)).collect()
        };
        let deletions = of(runners);
        if deletions.is_empty() { of(inputs) } else { deletions }
    }

    fn deletion_of(&self, made: BuildObject<'a>) -> Option<Effect> {
        let is_forced = made.forced_at().is_some_and(|time| time <= self.inputs.now);
        (!made.is_being_deleted() || is_forced)
            .then(|| Effect::Delete(Deletion { key: made.key.clone(), uid: made.uid().to_owned(), is_forced }))
    }

    /// When the first of the objects that are being deleted needs a forced deletion.
    pub(super) fn next_forced_deletion(&self) -> Option<Timestamp> {
        self.made().filter_map(|made| made.forced_at()).min()
    }

    /// The demand of a pool that starts no build: it holds its slot while one of its build objects may still run.
    pub(super) fn demand(&self) -> Demand {
        if self.runs_anything() { Demand::Hold } else { Demand::None }
    }

    /// The effect that emits the Event about a transition, unless this process has emitted it.
    pub(super) fn emit(&self, pool: &Pool<'_>, pool_event: PoolEvent) -> Option<Effect> {
        (!self.inputs.emitted.contains(&pool_event.event_name(pool))).then_some(Effect::Emit(pool_event))
    }

    /// `text` without credentials.
    pub(crate) fn scrubbed(&self, text: &str) -> String {
        self.inputs.settings.scrubbed(text, self.inputs.cache)
    }

    /// When `build` is given up as lost if it has not started. The object may be much younger than the claim, if the
    /// API server refused it at first. A creation time in the future comes from a clock that differs from that of this
    /// process, so the object counts as created when this process first saw it.
    pub(super) fn pending_deadline(&self, attempt: &Attempt, build: BuildObject<'_>) -> Timestamp {
        let now = self.inputs.now;
        let seen = || now.checked_sub(self.time_since(self.inputs.seen, build)).unwrap_or(attempt.started);
        let made = build.object.metadata.creation_timestamp.as_ref().map(|time| time.0).filter(|time| *time <= now);
        let since = attempt.started.max(made.unwrap_or_else(seen));
        since.checked_add(self.inputs.settings.pending_deadline).unwrap_or(Timestamp::MAX)
    }

    /// How long `build` may still run; none once its deadline has passed.
    pub(super) fn time_left(&self, build: BuildObject<'_>) -> Option<Duration> {
        let ran_for = self.time_since(self.inputs.running, build);
        self.inputs.settings.build_deadline.checked_sub(ran_for).filter(|left| !left.is_zero())
    }

    /// How long ago `times` has `build`, by the steady clock; zero if it does not.
    fn time_since(&self, times: &BTreeMap<String, Instant>, build: BuildObject<'_>) -> Duration {
        let since = times.get(build.uid()).copied().unwrap_or(self.inputs.steady);
        self.inputs.steady.saturating_duration_since(since)
    }

    /// The wait after attempt `number` was lost.
    pub(crate) fn retry_backoff(&self, number: u32) -> SignedDuration {
        let doubled = 2u32.saturating_pow(number.saturating_sub(1));
        let wait = self.inputs.settings.retry_backoff.saturating_mul(doubled).min(RETRY_BACKOFF_MAX);
        SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX)
    }
}
