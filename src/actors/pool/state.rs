//! What a pool actor keeps, and its look at it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use ractor::{Actor, ActorId, ActorRef};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::refusals::Refusals;
use super::stopwatch::Stopwatch;
use super::{PoolArguments, PoolMessage, Shared, uid_of};
use crate::actors::build::{BuildActor, BuildArguments, BuildId, BuildMessage};
use crate::actors::context::Context;
use crate::actors::meter;
use crate::actors::restart::Crashes;
use crate::actors::supervisor::SupervisorMessage;
use crate::api::limits::{POOL_BACKOFF_FIRST, POOL_BACKOFF_MAX};
use crate::api::{Key, Kind, Object, keys, names};
use crate::builders;
use crate::cluster::door::Error;
use crate::plan::cache::{Cache, Change};
use crate::plan::decide::{Evidence, Prepared, View, Write, decide};
use crate::plan::index::{confine, owner_of};
use crate::plan::scrub;
use crate::plan::slots::Demand;
use crate::plan::sources::{Read, Sources};
use crate::plan::status::BuildStatus;

/// Events that are remembered to have been told; beyond that, the API server remembers.
const TOLD_MAX: usize = 256;

/// The shortest wait for a time to come.
const WAKE_MIN: Duration = Duration::from_secs(1);
/// The longest: the clock may be set in the meantime, and the time come earlier than it seemed.
const WAKE_MAX: Duration = Duration::from_secs(60);

/// What a pool actor keeps.
pub(in crate::actors) struct State {
    pub(super) context: Context,
    pub(super) pool: String,
    pub(super) cache: Cache,
    /// What users wrote for all pools, unless it changed since it was read.
    sources: Option<Read<Sources>>,
    pub(super) statuses: BTreeMap<String, BuildStatus>,
    /// Since when builds have been seen to run.
    running: BTreeMap<String, Instant>,
    pub(super) evidence: BTreeMap<String, Evidence>,
    pub(super) prepared: Option<Prepared>,
    /// The place for what is prepared, while that is held.
    pub(super) payload_place: Option<OwnedSemaphorePermit>,
    pub(super) told: BTreeSet<String>,
    pub(super) builds: BTreeMap<BuildId, ActorRef<BuildMessage>>,
    pub(super) stopwatch: Stopwatch,
    supervisor: ActorRef<SupervisorMessage>,
    myself: ActorRef<PoolMessage>,
    demand: Option<Demand>,
    has_slot: bool,
    /// The writes that the API server refuses.
    pub(super) refusals: Refusals,
    is_look_due: bool,
    /// No look before this: the last effect failed.
    rests_until: Option<Instant>,
    failures: u32,
    crashes: Crashes,
    /// Builds whose actor crashed and was not started again yet.
    crashed: BTreeSet<BuildId>,
    wake: Option<AbortHandle>,
    retry: Option<AbortHandle>,
}

impl State {
    pub(super) fn new(arguments: PoolArguments, myself: ActorRef<PoolMessage>) -> Self {
        let PoolArguments { context, pool, cache, supervisor } = arguments;
        Self {
            context,
            pool,
            cache,
            sources: None,
            statuses: BTreeMap::new(),
            running: BTreeMap::new(),
            evidence: BTreeMap::new(),
            prepared: None,
            payload_place: None,
            told: BTreeSet::new(),
            builds: BTreeMap::new(),
            stopwatch: Stopwatch::default(),
            supervisor,
            myself,
            demand: None,
            has_slot: false,
            refusals: Refusals::default(),
            is_look_due: false,
            rests_until: None,
            failures: 0,
            crashes: Crashes::default(),
            crashed: BTreeSet::new(),
            wake: None,
            retry: None,
        }
    }

    /// Sees to it that there will be a look, after all that has arrived before.
    pub(super) fn request_look(&mut self) {
        if !self.is_look_due {
            self.is_look_due = true;
            let _ = self.myself.cast(PoolMessage::Look);
        }
    }

    /// Takes in a change; false if it is no news.
    pub(super) fn take_in(&mut self, change: &Change) -> bool {
        let is_news = self.cache.apply(change);
        if is_news {
            if Sources::depend_on(change) {
                self.sources = None;
            }
            self.observe_build(change);
            self.request_look();
        }
        is_news
    }

    /// Takes in the answer to a write of this actor's, and lets the supervisor know, for whoever succeeds it.
    pub(super) fn take_in_answer(&mut self, change: Change) -> bool {
        // No watch would ever tell of the end of a build object without labels: it is kept here alone.
        let is_watched = match &change {
            Change::Applied(key, object) => !key.kind.is_build_object() || owner_of(object).is_some(),
            Change::Gone(..) | Change::Unknown(_) | Change::Serves(..) | Change::Reaches(..) => true,
        };
        let is_news = self.take_in(&change);
        if is_watched {
            let _ = self.supervisor.cast(SupervisorMessage::Answered(change));
        }
        is_news
    }

    /// Forgets objects that no watch would tell of: they have to be met again.
    pub(super) fn forget_unwatched(&mut self) {
        let pool = &self.pool;
        let is_unwatched = |key: &Key, object: &Object| match owner_of(object) {
            Some(owner) => owner != *pool,
            None => key.kind.is_build_object(),
        };
        self.cache = self.cache.subset(|key, object| !is_unwatched(key, object));
    }

    pub(super) fn note_status(&mut self, uid: String, status: BuildStatus) {
        if self.statuses.get(&uid) == Some(&status) {
            return;
        }
        if status == BuildStatus::Running {
            self.running.entry(uid.clone()).or_insert_with(Instant::now);
        }
        self.stopwatch.heard(&status, self.context.clock.now());
        self.statuses.insert(uid, status);
        self.request_look();
    }

    pub(super) fn accept_slot(&mut self, waiting_since: Timestamp) {
        if self.demand == Some(Demand::Wait(waiting_since)) {
            self.has_slot = true;
            self.stopwatch.granted(waiting_since);
            self.request_look();
        }
    }

    /// One look: what is due is done, and if there was something, there is another look.
    pub(super) async fn look(&mut self) {
        self.is_look_due = false;
        if self.rests_until.is_some_and(|until| until > Instant::now()) {
            return;
        }
        self.rests_until = None;
        self.follow_builds().await;
        if self.made_builds().any(|(_, object)| !self.statuses.contains_key(uid_of(object))) {
            // How that build is doing is about to be told; until then, it is taken to run.
            return self.ask_for(Demand::Hold);
        }
        let now = self.context.clock.now();
        self.refusals.tell_time(now);
        let decision = decide(&View {
            pool: &self.pool,
            cache: &self.cache,
            sources: self.sources.get_or_insert_with(|| Sources::read(&self.cache, &builders::ALL)),
            settings: &self.context.settings.decide,
            statuses: &self.statuses,
            running: &self.running.iter().map(|(uid, since)| (uid.clone(), since.elapsed())).collect(),
            evidence: &self.evidence,
            prepared: self.prepared.as_ref(),
            told: &self.told,
            refusals: &self.refusals.known,
            has_slot: self.has_slot,
            now,
        });
        self.ask_for(decision.demand);
        self.wake_at(decision.wake);
        let Some(effect) = decision.effect else {
            self.failures = 0;
            if decision.wake.is_none() && decision.demand == Demand::None {
                // Nothing waits for what was refused.
                self.refusals.known.clear();
            }
            return self.tidy();
        };
        tracing::debug!(pool = self.pool, ?effect, "due");
        let write = Write::of(&effect).map(|write| (write, self.object_of(&effect)));
        let sent = Instant::now();
        let outcome = self.carry_out(effect).await;
        if let Some(write) = write
            && self.note_refusal(write, sent, &outcome)
        {
            return self.request_look();
        }
        match outcome {
            Ok(true) => {
                self.failures = 0;
                self.request_look();
            }
            // It was done, and nothing is otherwise than before: doing it again at once would be of no use.
            Ok(false) => {
                self.failures += 1;
                self.rest(&Error::NoEffect);
            }
            Err(error) => self.recover(error).await,
        }
    }

    /// Tells the supervisor what is wanted of the slots, if that is new.
    fn ask_for(&mut self, demand: Demand) {
        if self.demand != Some(demand) {
            self.has_slot = self.has_slot && demand == Demand::Hold;
            self.demand = Some(demand);
            let _ = self.supervisor.cast(SupervisorMessage::Demanded(self.pool.clone(), demand));
        }
    }

    fn wake_at(&mut self, time: Option<Timestamp>) {
        if let Some(wake) = self.wake.take() {
            wake.abort();
        }
        let Some(time) = time else { return };
        let wait = Duration::try_from(time.duration_since(self.context.clock.now())).unwrap_or_default();
        // Never a loop, should a time that has come still be asked for.
        let wait = wait.clamp(WAKE_MIN, WAKE_MAX);
        self.wake = Some(self.myself.send_after(wait, || PoolMessage::Wake).abort_handle());
    }

    /// After a failed effect: what it was decided from is read again if it has changed; else, or if that keeps
    /// happening, the pool rests, longer each time.
    async fn recover(&mut self, error: Error) {
        const CONFLICTS_AT_ONCE: u32 = 3;
        self.failures += 1;
        if matches!(error, Error::Conflict | Error::NotFound | Error::AlreadyExists) {
            let pool = Key::new(Kind::MachineConfigPool, &self.pool);
            tracing::debug!(pool = self.pool, %error, "reading the pool again");
            match self.context.door.get(&pool).await {
                Ok(change) => {
                    self.take_in_answer(change);
                }
                Err(error) => return self.rest(&error),
            }
            if self.failures <= CONFLICTS_AT_ONCE {
                return self.request_look();
            }
        }
        self.rest(&error);
    }

    fn rest(&mut self, error: &Error) {
        let wait = self.context.jitter.backoff(POOL_BACKOFF_FIRST, POOL_BACKOFF_MAX, self.failures);
        tracing::warn!(
            pool = self.pool,
            error = self.scrubbed(&error.with_source()),
            ?wait,
            failures = self.failures,
            "an effect failed"
        );
        self.rest_for(wait);
    }

    fn rest_for(&mut self, wait: Duration) {
        // Others may need its place meanwhile.
        self.lend_payload_place();
        self.rests_until = Some(Instant::now() + wait);
        if let Some(retry) = self.retry.take() {
            retry.abort();
        }
        self.retry = Some(self.myself.send_after(wait, || PoolMessage::Look).abort_handle());
    }

    /// `text` without anything that must never be shown.
    pub(super) fn scrubbed(&self, text: &str) -> String {
        scrub::scrub_known(text, &self.cache, &self.context.settings.decide)
    }

    /// Sees to it that each build object is followed.
    async fn follow_builds(&mut self) {
        let unfollowed: Vec<(BuildId, Shared)> = self
            .made_builds()
            .filter(|(id, _)| !self.builds.contains_key(id))
            .map(|(id, object)| (id, object.clone()))
            .collect();
        for (id, object) in unfollowed {
            if let Some(build) = self.build_actor(&id).await {
                let _ = build.cast(BuildMessage::Observed(object));
            }
        }
    }

    /// The actor of a build, started if there is none.
    pub(super) async fn build_actor(&mut self, id: &BuildId) -> Option<ActorRef<BuildMessage>> {
        if let Some(actor) = self.builds.get(id) {
            return Some(actor.clone());
        }
        let arguments = BuildArguments { context: self.context.clone(), id: id.clone(), pool: self.myself.clone() };
        match Actor::spawn_linked(None, BuildActor, arguments, self.myself.get_cell()).await {
            Ok((actor, _)) => {
                if self.crashed.remove(id) {
                    self.context.meter.restarted(meter::Actor::Build);
                }
                self.builds.insert(id.clone(), actor.clone());
                Some(actor)
            }
            Err(error) => {
                tracing::warn!(pool = self.pool, %error, "failed to start the actor of a build");
                None
            }
        }
    }

    fn observe_build(&self, change: &Change) {
        if let Change::Applied(key, object) = change
            && let Some(actor) = build_id(key, object).and_then(|id| self.builds.get(&id))
            && key.kind.is_build_object()
        {
            let _ = actor.cast(BuildMessage::Observed(object.clone()));
        }
    }

    fn made_builds(&self) -> impl Iterator<Item = (BuildId, &Shared)> {
        self.cache
            .iter()
            .filter(|(key, object)| key.kind.is_build_object() && owner_of(object).as_deref() == Some(&self.pool))
            .filter_map(|(key, object)| Some((build_id(key, object)?, object)))
    }

    /// At rest: lets go of actors whose build has no object left, and of what was known about it.
    fn tidy(&mut self) {
        confine(&mut self.cache, &self.pool);
        let alive: BTreeSet<BuildId> = self.cache.iter().filter_map(|(key, object)| build_id(key, object)).collect();
        self.builds.retain(|id, actor| {
            let is_alive = alive.contains(id);
            if !is_alive {
                actor.stop(None);
            }
            is_alive
        });
        self.crashed.retain(|id| alive.contains(id));
        let uids: BTreeSet<&str> = self.cache.iter().filter_map(|(_, object)| object.metadata.uid.as_deref()).collect();
        self.statuses.retain(|uid, _| uids.contains(uid.as_str()));
        self.running.retain(|uid, _| uids.contains(uid.as_str()));
        self.evidence.retain(|uid, _| uids.contains(uid.as_str()));
        self.put_payload_away();
        if self.told.len() > TOLD_MAX {
            self.told.clear();
        }
    }

    /// A build's actor crashed: it is started again by the look after a wait.
    pub(super) fn child_crashed(&mut self, id: ActorId, why: &str) {
        let crashed = self.builds.iter().filter(|(_, actor)| actor.get_id() == id).map(|(build, _)| build.clone());
        self.crashed.extend(crashed);
        self.child_ended(id);
        let restart = self.crashes.note(Instant::now(), &self.context.jitter);
        if restart.is_meltdown {
            self.context.meter.melted_down(meter::Actor::Build);
        }
        tracing::warn!(pool = self.pool, why, after = ?restart.after, "the actor of a build crashed; it is started again");
        self.rest_for(restart.after);
    }

    pub(super) fn child_ended(&mut self, id: ActorId) {
        // What it was looking for, nobody is looking for any more.
        self.evidence.retain(|_, evidence| *evidence != Evidence::Sought);
        self.builds.retain(|_, actor| actor.get_id() != id);
    }

    pub(super) fn stop_timers(&mut self) {
        for timer in [self.wake.take(), self.retry.take()].into_iter().flatten() {
            timer.abort();
        }
    }
}

/// The build that an object belongs to, by its name and its input hash.
pub(super) fn build_id(key: &Key, object: &Object) -> Option<BuildId> {
    let is_made = key.kind.is_build_object() || (key.kind == Kind::ConfigMap && !key.is_input_config_map());
    let rendered = names::rendered_of(&key.name).filter(|_| is_made)?.to_owned();
    let annotations = object.metadata.annotations.as_ref();
    let hash = annotations.and_then(|annotations| annotations.get(keys::INPUT_HASH)).cloned().unwrap_or_default();
    Some(BuildId { rendered, hash })
}
