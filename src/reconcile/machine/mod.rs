//! The machine of one pool: everything that the pool's actor knows, and what follows from it. It does no I/O.
//!
//! ```text
//! changes ──► update ──┐                        ┌──► effects, each independent of the others
//!                      ├─► what is known ─► step┤
//! answers ─► completed ┘                        └──► what the pool wants of the slots; when to step again
//! ```
//!
//! A driver passes on what watches tell, carries out the effects of a [`Step`], and passes on each answer. The actor of a
//! pool is one driver, `status` and `explain` are another, and so are the property tests. An answer may come in any
//! order, twice or never: each effect names the state that it was decided from, so one that is out of date does nothing.
//!
//! | file | concern |
//! |---|---|
//! | `answer` | takes in what came of an effect |
//! | `builds` | how the pool's builds are doing, and what has to be read to know |
//! | `refusals` | the writes that the API server refuses |

mod answer;
mod builds;
mod refusals;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

pub use self::answer::{Answer, Failure, FailureKind};
use self::builds::Builds;
pub use self::builds::Transition;
use self::refusals::Refusals;
use super::decide::{DecideSettings, Decision, Effect, Inputs, LoadedPayload, Part, Write, decide};
use super::inputs::sources::{Read, Sources};
use super::objects::builder::Builders;
use super::objects::payload::Payload;
use super::observed::cache::{Cache, Change};
use super::observed::index::{confine, owner_of};
use super::slots::Demand;
use crate::api::{Key, Kind, Object};
use crate::clock::Moment;
use crate::jitter::Jitter;

/// Events that are remembered to have been told; beyond that, the API server remembers.
const EMITTED_MAX: usize = 256;
/// The shortest wait for a time to come: never a loop, should a time that has come still be asked for.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// The longest: the clock may be set in the meantime, and the time come earlier than it seemed.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The machine of one pool.
#[derive(Clone)]
pub struct PoolMachine {
    pool: String,
    settings: Arc<DecideSettings>,
    builders: &'static Builders,
    jitter: Jitter,
    cache: Cache,
    /// What users wrote for all pools, unless it changed since it was read.
    sources: Option<Read<Sources>>,
    builds: Builds,
    loaded_payload: Option<LoadedPayload>,
    emitted: BTreeSet<String>,
    demand: Option<Demand>,
    has_slot: bool,
    refusals: Refusals,
    /// What the driver was told to do last, and when.
    issued: Option<(BTreeSet<Write>, Instant)>,
    /// The failure after which the pool is read again before anything else.
    stale_after: Option<Failure>,
    /// No effect before this: the last one failed.
    backs_off_until: Option<Instant>,
    failures: u32,
    /// When a wait ends that a decision asked for.
    requeues_at: Option<Instant>,
}

/// What all machines of one daemon share.
#[derive(Clone)]
pub struct MachineContext {
    /// What decisions depend on.
    pub settings: Arc<DecideSettings>,
    /// The backends that run builds.
    pub builders: &'static Builders,
    /// Jitter for waits.
    pub jitter: Jitter,
}

/// What a machine asks of its driver.
#[derive(Debug, Clone)]
pub struct Step {
    /// What the pool wants of the build slots; `None` if that is not known yet.
    pub demand: Option<Demand>,
    /// What to do now, in any order.
    pub effects: Vec<Effect>,
    /// When something is due by itself, by the clock of the wall.
    pub requeue_at: Option<Timestamp>,
    /// How long to wait for the next step, even if nothing changes.
    pub wait: Option<Duration>,
}

impl PoolMachine {
    /// The machine of `pool`, of which this much is known.
    pub fn new(pool: &str, cache: Cache, context: MachineContext) -> Self {
        let MachineContext { settings, builders, jitter } = context;
        let mut machine = Self {
            pool: pool.to_owned(),
            settings,
            builders,
            jitter,
            cache,
            sources: None,
            builds: Builds::default(),
            loaded_payload: None,
            emitted: BTreeSet::new(),
            demand: None,
            has_slot: false,
            refusals: Refusals::default(),
            issued: None,
            stale_after: None,
            backs_off_until: None,
            failures: 0,
            requeues_at: None,
        };
        let builds: Vec<_> = machine.cache.iter().map(|(key, object)| (key.clone(), object.clone())).collect();
        for (key, object) in builds {
            machine.classify(&key, &object);
        }
        machine
    }

    /// Takes in a change; false if it is no news.
    pub fn update(&mut self, change: &Change) -> bool {
        let is_news = self.cache.apply(change);
        if is_news {
            if Sources::depend_on(change) {
                self.sources = None;
            }
            if let Change::Applied(key, object) = change {
                self.classify(key, object);
            }
        }
        is_news
    }

    /// The pool is given a slot, if it still waits as it did then; whether it does.
    pub fn granted(&mut self, waiting_since: Timestamp) -> bool {
        let is_waiting = self.demand == Some(Demand::Wait(waiting_since));
        self.has_slot |= is_waiting;
        is_waiting
    }

    /// What is due now.
    pub fn step(&mut self, now: Moment) -> Step {
        let left = self.backs_off_until.map(|until| until.saturating_duration_since(now.steady));
        if let Some(left) = left.filter(|left| !left.is_zero()) {
            return self.in_step(Vec::new(), None, Some(left));
        }
        self.backs_off_until = None;
        if self.requeues_at.take_if(|time| *time <= now.steady).is_some() {
            self.forget_unwatched();
        }
        if self.stale_after.is_some() {
            return self.in_step(vec![Effect::Read(self.key())], None, None);
        }
        self.refusals.tell_time(now);
        self.builds.clock_in(now.steady);
        let mut decision = decide(&self.inputs(now));
        if decision.effects.iter().any(|effect| matches!(effect, Effect::Create(Part::Payload, _)))
            && !self.holds_payload()
        {
            // Its ConfigMap has gone since: it is read again.
            self.let_go_of_payload();
            decision = decide(&self.inputs(now));
        }
        if self.demand != Some(decision.demand) {
            self.has_slot = self.has_slot && decision.demand == Demand::Hold;
            self.demand = Some(decision.demand);
        }
        self.issue(decision, now)
    }

    /// All that is known, as decisions are made from it.
    pub fn inputs(&mut self, now: Moment) -> Inputs<'_> {
        Inputs {
            pool: &self.pool,
            cache: &self.cache,
            sources: self.sources.get_or_insert_with(|| Sources::read(&self.cache, self.builders)),
            settings: &self.settings,
            statuses: self.builds.statuses(),
            running: self.builds.running(),
            diagnostics: self.builds.diagnostics(),
            loaded_payload: self.loaded_payload.as_ref(),
            emitted: &self.emitted,
            refusals: self.refusals.known(),
            has_slot: self.has_slot,
            now: now.wall,
            steady: now.steady,
        }
    }

    /// The name of the pool.
    pub fn pool(&self) -> &str {
        &self.pool
    }

    /// What is known of the cluster.
    pub const fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Whether a compressed MachineConfig is held that is not in its ConfigMap yet.
    pub fn holds_payload(&self) -> bool {
        self.payload().is_some_and(|payload| !payload.is_spent())
    }

    /// The compressed MachineConfig of the build that is about to start; none if it is in its ConfigMap already.
    pub fn payload(&self) -> Option<&Payload> {
        self.loaded_payload.as_ref().and_then(|loaded_payload| loaded_payload.payload.as_ref().ok())
    }

    /// Whether the API server refuses a request that the pool needs.
    pub fn is_refused(&self) -> bool {
        !self.refusals.known().is_empty()
    }

    /// The builds that were found to do otherwise than before, since this was asked last.
    pub fn take_transitions(&mut self) -> Vec<Transition> {
        self.builds.take_transitions()
    }

    /// No effect is due for `wait`.
    pub fn rest(&mut self, wait: Duration, now: Moment) {
        // Others may need the room meanwhile; that it is in its ConfigMap stays known.
        if self.holds_payload() {
            self.let_go_of_payload();
        }
        self.backs_off_until = Some(now.steady + wait);
    }

    /// What was being read about builds will not be answered any more.
    pub fn abandon_reads(&mut self) {
        self.builds.abandon_reads();
    }

    fn key(&self) -> Key {
        Key::new(Kind::MachineConfigPool, &self.pool)
    }

    /// The step that a decision comes to, with what has to be read beside it.
    fn issue(&mut self, decision: Decision, now: Moment) -> Step {
        let Decision { mut effects, requeue_at, demand } = decision;
        if effects.is_empty() {
            self.failures = 0;
            if requeue_at.is_none() && demand == Demand::None {
                // Nothing waits for what was refused.
                self.refusals.forget();
            }
            self.collect_garbage();
        }
        let creates = |wanted: fn(Part) -> bool| {
            effects.iter().any(|effect| matches!(effect, Effect::Create(part, _) if wanted(*part)))
        };
        if creates(|_| true) && !creates(|part| part == Part::Payload) {
            // Its ConfigMap already exists; this process or its predecessor created it.
            self.spend_payload();
        }
        self.issued = Some((effects.iter().filter_map(Write::of).collect(), now.steady));
        for effect in &effects {
            if let Effect::ReadDiagnostics(search) = effect {
                self.builds.read_diagnostics(&search.uid);
            }
        }
        effects.extend(self.builds.read_digests(now.steady));
        let until = requeue_at.map(|time| Duration::try_from(time.duration_since(now.wall)).unwrap_or_default());
        let until = until.map(|wait| wait.clamp(WAIT_MIN, WAIT_MAX));
        self.requeues_at = until.map(|wait| now.steady + wait);
        let wait = until.into_iter().chain(self.builds.next_read(now.steady)).min();
        self.in_step(effects, requeue_at, wait)
    }

    fn in_step(&self, effects: Vec<Effect>, requeue_at: Option<Timestamp>, wait: Option<Duration>) -> Step {
        Step { demand: self.demand, effects, requeue_at, wait }
    }

    /// Takes note of how a build is doing whose object is this one.
    fn classify(&mut self, key: &Key, object: &Object) {
        if key.kind.is_build_object()
            && owner_of(object).as_deref() == Some(&self.pool)
            && let Some(builder) = self.builders.iter().find(|builder| builder.kind() == key.kind)
        {
            self.builds.classified(key, object, builder.classify(object));
        }
    }

    /// Forgets objects that no watch would tell of: they have to be met again. A step does so once a wait for a time is over.
    pub fn forget_unwatched(&mut self) {
        let pool = &self.pool;
        self.cache = self.cache.subset(|key, object| match owner_of(object) {
            Some(owner) => owner == *pool,
            None => !key.kind.is_build_object(),
        });
    }

    /// At rest: lets go of all that nothing depends on any more.
    fn collect_garbage(&mut self) {
        confine(&mut self.cache, &self.pool);
        let uids: BTreeSet<&str> = self.cache.iter().filter_map(|(_, object)| object.metadata.uid.as_deref()).collect();
        self.builds.retain(|uid| uids.contains(uid));
        // A payload of which the ConfigMap is only refused for now is known to be there, and no more than that.
        if self.refusals.known().is_empty() || self.holds_payload() {
            self.let_go_of_payload();
        }
        if self.emitted.len() > EMITTED_MAX {
            self.emitted.clear();
        }
    }

    /// Lets go of a compressed MachineConfig; what is wrong with one stays known.
    fn let_go_of_payload(&mut self) {
        self.loaded_payload = self.loaded_payload.take().filter(|loaded_payload| loaded_payload.payload.is_err());
    }
}
