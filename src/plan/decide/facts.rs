//! What is known of a pool, sorted for the decisions about it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

pub(in crate::plan) use super::made::Made;
use super::refusal::{Refusal, Write};
use super::{Doomed, Effect, Evidence};
use crate::api::limits::{
    ATTEMPTS_MAX_DEFAULT, BUILD_DEADLINE_DEFAULT, CONCURRENT_BUILDS_DEFAULT, PENDING_DEADLINE_DEFAULT,
    RETRY_BACKOFF_FIRST, RETRY_BACKOFF_MAX,
};
use crate::api::{DEFAULT_NAMESPACE, Key, Kind, Pool, Sensitive, names};
use crate::plan::builder::DigestHandoff;
use crate::plan::cache::Cache;
use crate::plan::fault::InputFault;
use crate::plan::payload::Payload;
use crate::plan::record::{Attempt, BuildRecord};
use crate::plan::request::{self, Wanted};
use crate::plan::scrub;
use crate::plan::sources::{Read, Sources};
use crate::plan::status::BuildStatus;

/// Settings that decisions depend on.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where build objects, input ConfigMaps and Secrets live.
    pub namespace: String,
    /// How build pods hand over their digest, as in the settings of builds.
    pub digest_handoff: DigestHandoff,
    /// What must never be shown, besides what is in the watched Secrets.
    pub credentials: Vec<Sensitive<String>>,
    /// Attempts at a build whose object is lost, the first included.
    pub attempts_max: u32,
    /// Builds that run at once; 0 is no limit. Only shown to users here: [`Slots`](crate::plan::slots::Slots) counts.
    pub concurrent_builds_max: usize,
    /// How long a build object may take to start before it is given up as lost.
    pub pending_deadline: Duration,
    /// How long a build may be seen to run before it is given up as failed. What runs it has the same deadline, and ends
    /// it; this one is for nodes that do not get to that.
    pub build_deadline: Duration,
    /// Wait before the second attempt; doubled with each further one, up to [`RETRY_BACKOFF_MAX`].
    pub retry_backoff: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            namespace: DEFAULT_NAMESPACE.to_owned(),
            digest_handoff: DigestHandoff::default(),
            credentials: Vec::new(),
            attempts_max: ATTEMPTS_MAX_DEFAULT,
            concurrent_builds_max: CONCURRENT_BUILDS_DEFAULT,
            pending_deadline: PENDING_DEADLINE_DEFAULT,
            build_deadline: BUILD_DEADLINE_DEFAULT,
            retry_backoff: RETRY_BACKOFF_FIRST,
        }
    }
}

/// A MachineConfig, read and compressed for a build that is about to start.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The MachineConfig's name.
    pub rendered: String,
    /// Its version, as it was known when it was asked for.
    pub version: Option<String>,
    /// The payload, or why there is none.
    pub payload: Result<Payload, InputFault>,
}

/// All that a look at a pool takes in.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The pool's name.
    pub pool: &'a str,
    /// What is known of the cluster, as far as it matters to this pool.
    pub cache: &'a Cache,
    /// What users wrote for all pools, read from the cache.
    pub sources: &'a Read<Sources>,
    /// The settings.
    pub settings: &'a Settings,
    /// How the pool's builds are doing, by the UID of their objects.
    pub statuses: &'a BTreeMap<String, BuildStatus>,
    /// Since when this process has seen them run, by the same UIDs and the steady clock.
    pub running: &'a BTreeMap<String, Instant>,
    /// What else was read about them, by the same UIDs.
    pub evidence: &'a BTreeMap<String, Evidence>,
    /// The MachineConfig of the build that is about to start.
    pub prepared: Option<&'a Prepared>,
    /// Names of the Events that were told already.
    pub told: &'a BTreeSet<String>,
    /// The writes that the API server refuses.
    pub refusals: &'a BTreeMap<Write, Refusal>,
    /// Whether the pool has a slot to build in.
    pub has_slot: bool,
    /// The time, by the clock of the wall.
    pub now: Timestamp,
    /// The same moment, by a clock that is never set.
    pub steady: Instant,
}

/// The view, sorted.
pub(in crate::plan) struct Facts<'a> {
    pub view: &'a View<'a>,
    pub pool: Option<Pool<'a>>,
    pub record: BuildRecord,
    pub wanted: Wanted,
    /// Pods and Builds made for this pool.
    pub builds: Vec<Made<'a>>,
    /// ConfigMaps made for this pool, and digests left by its builds.
    pub config_maps: Vec<Made<'a>>,
    /// Objects that have the name of one of this pool's, and belong to somebody else.
    pub foreign: Vec<Made<'a>>,
}

impl<'a> Facts<'a> {
    pub(in crate::plan) fn of(view: &'a View<'a>) -> Self {
        let key = Key::new(Kind::MachineConfigPool, view.pool);
        let pool = view.cache.get(&key).map(|object| Pool::new(object));
        let (record, wanted) = match pool.as_ref().map(|pool| (pool, BuildRecord::of(pool))) {
            Some((pool, Ok(record))) => {
                let wanted = request::wanted(view.sources, view.cache, pool, &record);
                (record, wanted)
            }
            Some((_, Err(fault))) => (BuildRecord::default(), Wanted::Faulty(fault)),
            None => (BuildRecord::default(), Wanted::Unknown),
        };
        let mut facts =
            Facts { view, pool, record, wanted, builds: Vec::new(), config_maps: Vec::new(), foreign: Vec::new() };
        for kind in [Kind::Pod, Kind::Build, Kind::ConfigMap] {
            for (key, object) in view.cache.of_kind(kind) {
                facts.sort(Made { key, object });
            }
        }
        facts
    }

    fn sort(&mut self, made: Made<'a>) {
        // A build pod leaves its digest without labels, should the helper be an older one.
        let is_digest = made.key.name.starts_with(&names::digest("")) && made.is_unlabelled();
        if made.key.is_input_config_map() {
        } else if made.is_for(self.view.pool) || (made.key.kind == Kind::ConfigMap && is_digest) {
            let list = if made.key.kind.is_build_object() { &mut self.builds } else { &mut self.config_maps };
            list.push(made);
        } else {
            self.foreign.push(made);
        }
    }

    /// Everything made for this pool: build objects first, as what runs must be stopped before it loses its inputs.
    pub(super) fn made(&self) -> impl Iterator<Item = Made<'a>> + '_ {
        self.builds.iter().chain(&self.config_maps).copied()
    }

    /// The build objects that are on their way out.
    pub(super) fn leaving(&self) -> impl Iterator<Item = Made<'a>> + '_ {
        self.builds.iter().copied().filter(Made::is_being_deleted)
    }

    /// The build object made from the inputs of this hash, unless it is on its way out; of several, the one that the
    /// pool refers to.
    pub(in crate::plan) fn build_of(&self, hash: &str) -> Option<Made<'a>> {
        let is_referred_to =
            |build: &Made<'_>| self.pool.as_ref().is_some_and(|pool| pool.spec_source().contains(&build.reference()));
        self.live(hash).find(is_referred_to).or_else(|| self.live(hash).next())
    }

    /// Further objects of the same build: a Pod beside a Build, where the builder was changed while one was being made.
    pub(super) fn doubles_of(&self, hash: &str) -> impl Iterator<Item = Made<'a>> {
        let followed = self.build_of(hash).map(|build| build.uid());
        self.live(hash).filter(move |build| Some(build.uid()) != followed)
    }

    fn live(&self, hash: &str) -> impl Iterator<Item = Made<'a>> {
        self.builds.iter().copied().filter(move |build| self.is_claimed(build, hash) && !build.is_being_deleted())
    }

    /// Whether `made` was made for the claim of the build of `hash`: nothing else is believed.
    pub(super) fn is_claimed(&self, made: &Made<'_>, hash: &str) -> bool {
        made.hash() == Some(hash)
            && self.record.attempt_at(hash).is_some_and(|attempt| attempt.claim.as_deref() == made.claim())
    }

    pub(in crate::plan) fn status_of(&self, build: Made<'_>) -> Option<&'a BuildStatus> {
        self.view.statuses.get(build.uid())
    }

    /// Whether a build object runs, for all that is known.
    pub(super) fn is_running(&self, build: Made<'_>) -> bool {
        self.status_of(build).is_none_or(|status| !status.is_finished())
    }

    /// Whether anything of this pool's runs, if only to its end.
    pub(super) fn runs_anything(&self) -> bool {
        self.builds.iter().any(|build| self.is_running(*build))
    }

    /// The deletion of one of `doomed`, if there is one left to delete.
    pub(super) fn deletion(&self, doomed: impl IntoIterator<Item = Made<'a>>) -> Option<Effect> {
        doomed.into_iter().find_map(|made| self.deletion_of(made))
    }

    /// The deletions of `doomed`, at once: of what runs first, which must be stopped before it loses its inputs.
    pub(super) fn deletions(&self, doomed: impl IntoIterator<Item = Made<'a>>) -> Vec<Effect> {
        let (runners, inputs): (Vec<_>, Vec<_>) = doomed.into_iter().partition(|made| made.key.kind.is_build_object());
        let of = |doomed: Vec<Made<'a>>| -> Vec<Effect> {
            doomed.into_iter().filter_map(|made| self.deletion_of(made)).collect()
        };
        let deletions = of(runners);
        if deletions.is_empty() { of(inputs) } else { deletions }
    }

    fn deletion_of(&self, made: Made<'a>) -> Option<Effect> {
        let is_forced = made.forced_at().is_some_and(|time| time <= self.view.now);
        (!made.is_being_deleted() || is_forced)
            .then(|| Effect::Delete(Doomed { key: made.key.clone(), uid: made.uid().to_owned(), is_forced }))
    }

    /// When the first of the objects that are on their way out has to be helped along.
    pub(super) fn next_forced_deletion(&self) -> Option<Timestamp> {
        self.made().filter_map(|made| made.forced_at()).min()
    }

    /// `text` without anything that must never be shown.
    pub(in crate::plan) fn scrubbed(&self, text: &str) -> String {
        scrub::scrub_known(text, self.view.cache, self.view.settings)
    }

    /// When `build` is given up as lost if it has not started. Its object may have been made long after the attempt was
    /// claimed, where the API server refused it at first. A time that is still to come is another clock's, and no time
    /// to go by.
    pub(super) fn pending_deadline(&self, attempt: &Attempt, build: Made<'_>) -> Timestamp {
        let made = build.object.metadata.creation_timestamp.as_ref().map(|time| time.0);
        let made = made.filter(|time| *time <= self.view.now).unwrap_or(attempt.started);
        let since = attempt.started.max(made);
        since.checked_add(self.view.settings.pending_deadline).unwrap_or(Timestamp::MAX)
    }

    /// How long `build` may still run; none if its time is over.
    pub(super) fn time_left(&self, build: Made<'_>) -> Option<Duration> {
        let since = self.view.running.get(build.uid()).copied().unwrap_or(self.view.steady);
        let ran_for = self.view.steady.saturating_duration_since(since);
        self.view.settings.build_deadline.checked_sub(ran_for).filter(|left| !left.is_zero())
    }

    /// The wait after attempt `number` was lost.
    pub(in crate::plan) fn retry_backoff(&self, number: u32) -> SignedDuration {
        let doubled = 2u32.saturating_pow(number.saturating_sub(1));
        let wait = self.view.settings.retry_backoff.saturating_mul(doubled).min(RETRY_BACKOFF_MAX);
        SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX)
    }
}
