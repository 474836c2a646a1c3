//! The state machine of one pool: everything that the pool's actor knows, and the decisions that follow. It does no
//! I/O.
//!
//! ```text
//! changes ──► update ──┐                        ┌──► effects, each independent of the others
//!                      ├─► what is known ─► step┤
//! answers ─► completed ┘                        └──► the demand for a build slot; when to step again
//! ```
//!
//! A driver passes in the changes from watches, carries out the effects of a [`Step`], and passes in each answer. The
//! pool actor is one driver; [`DryRun`](crate::report::DryRun), behind `status` and `explain`, is another, and so are
//! the property tests. Answers may arrive in any order, twice or never. A repeated write changes nothing: a patch tests
//! the state that it was decided from, a deletion names a UID, and a created object has a fixed name. A later step
//! deletes an object that an outdated effect created.
//!
//! | file | concern |
//! |---|---|
//! | `answer` | applies the answers to effects |
//! | `builds` | the status of the pool's builds, and the reads that it needs |
//! | `outcome` | what a driver passes in: an answer, or a failure |
//! | `refusals` | the requests that the API server refuses |

mod answer;
mod builds;
mod outcome;
mod refusals;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use self::builds::Builds;
pub use self::builds::Transition;
pub use self::outcome::{Answer, Failure, FailureKind};
use self::refusals::Refusals;
use super::decide::{DecideSettings, Decision, Effect, Inputs, LoadedPayload, Part, RequestKind, decide};
use super::inputs::sources::{Read, Sources};
use super::objects;
use super::objects::payload::Payload;
use super::observed::cache::{Cache, Change};
use super::observed::index::{confine, owner_of};
use super::slots::Demand;
use crate::api::{Key, Kind, Object};
use crate::clock::Moment;
use crate::jitter::Jitter;

/// How many emitted Events the machine remembers; beyond that, the API server recognises a repeated Event by its name.
const EMITTED_MAX: usize = 256;
/// The shortest wait: it prevents a busy loop if a decision asks for a time that has already passed.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// The longest wait: the wall clock may be set meanwhile, so that the time comes earlier.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The state machine of one pool.
///
/// ```
/// use std::sync::Arc;
///
/// use machine_os_builder::api::{Key, Kind, Object};
/// use machine_os_builder::clock::Clock;
/// use machine_os_builder::jitter::Jitter;
/// use machine_os_builder::reconcile::decide::Effect;
/// use machine_os_builder::reconcile::machine::{MachineContext, PoolMachine};
/// use machine_os_builder::reconcile::observed::cache::{Cache, Change};
///
/// let context = MachineContext { settings: Arc::default(), jitter: Jitter::seeded(1) };
/// let mut machine = PoolMachine::new("worker", Cache::default(), context);
/// // A pool that is opted out, and still shows a build.
/// let pool: Object = serde_json::from_value(serde_json::json!({
///     "metadata": {"name": "worker"},
///     "status": {"conditions": [{"type": "Building", "status": "True"}]},
/// }))?;
/// machine.update(&Change::Applied(Key::new(Kind::MachineConfigPool, "worker"), Arc::new(pool)));
/// let step = machine.step(Clock::System.moment());
/// // It emits the Event first. Once it has the answer, its next step patches the status.
/// assert!(matches!(&step.effects[..], [Effect::Emit(event)] if event.reason.as_str() == "OptedOut"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone)]
pub struct PoolMachine {
    pool: String,
    settings: Arc<DecideSettings>,
    jitter: Jitter,
    cache: Cache,
    /// The inputs for all pools, parsed; `None` before the first decision, and after a change that they depend on.
    sources: Option<Read<Sources>>,
    builds: Builds,
    loaded_payload: Option<LoadedPayload>,
    emitted: BTreeSet<String>,
    demand: Option<Demand>,
    has_slot: bool,
    refusals: Refusals,
    /// The kinds of requests that the last step issued, and when it issued them.
    issued: Option<(BTreeSet<RequestKind>, Instant)>,
    /// The conflict that showed that the cached pool is outdated: the next step reads the pool before anything else.
    stale_after: Option<Failure>,
    /// After a failure or a crash: when effects are due again.
    backs_off_until: Option<Instant>,
    failures: u32,
    /// When the wait that the last decision asked for ends.
    requeues_at: Option<Instant>,
}

/// The state that all machines of one daemon share.
#[derive(Clone)]
pub struct MachineContext {
    /// The settings that decisions depend on.
    pub settings: Arc<DecideSettings>,
    /// Jitter for waits.
    pub jitter: Jitter,
}

/// A [`Decision`] as the driver needs it: with the digests to read, and with the time to wait.
#[derive(Debug, Clone)]
pub struct Step {
    /// The pool's demand for build slots; `None` if it is not known yet.
    pub demand: Option<Demand>,
    /// The effects to carry out now, in any order.
    pub effects: Vec<Effect>,
    /// When the decision asks for another step even if nothing changes, by the wall clock: for reports.
    pub requeue_at: Option<Timestamp>,
    /// How long the driver waits for the next step, at most: for timers. It also covers backoff and reads of digests.
    pub wait: Option<Duration>,
}

impl PoolMachine {
    /// A machine for `pool`, with the state in `cache`.
    pub fn new(pool: &str, cache: Cache, context: MachineContext) -> Self {
        let MachineContext { settings, jitter } = context;
        let mut machine = Self {
            pool: pool.to_owned(),
            settings,
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
        let builds: Vec<_> = machine.build_objects().map(|(key, object)| (key.clone(), object.clone())).collect();
        for (key, object) in builds {
            machine.classify(&key, &object);
        }
        machine
    }

    /// Applies a change; false if the cache knew it already.
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

    /// Takes a granted slot, if the pool has been waiting since `waiting_since`. Returns whether it has.
    pub fn granted(&mut self, waiting_since: Timestamp) -> bool {
        let is_waiting = self.demand == Some(Demand::Wait(waiting_since));
        self.has_slot |= is_waiting;
        is_waiting
    }

    /// Decides the next step.
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
        if first_part(&decision.effects) == Some(Part::Payload) && !self.holds_payload() {
            // The payload's ConfigMap has been deleted, and the machine has no copy any more: read the MachineConfig
            // again.
            self.let_go_of_payload();
            decision = decide(&self.inputs(now));
        }
        if self.demand != Some(decision.demand) {
            self.has_slot = self.has_slot && decision.demand == Demand::Hold;
            self.demand = Some(decision.demand);
        }
        self.issue(decision, now)
    }

    /// The inputs of a decision.
    pub fn inputs(&mut self, now: Moment) -> Inputs<'_> {
        Inputs {
            pool: &self.pool,
            cache: &self.cache,
            sources: self.sources.get_or_insert_with(|| Sources::read(&self.cache)),
            settings: &self.settings,
            statuses: self.builds.statuses(),
            seen: self.builds.seen(),
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

    /// The key of the pool.
    pub fn key(&self) -> Key {
        Key::new(Kind::MachineConfigPool, &self.pool)
    }

    /// The build objects of the pool.
    pub fn build_objects(&self) -> impl Iterator<Item = (&Key, &Arc<Object>)> {
        self.cache.iter().filter(|(key, object)| self.is_own_build(key, object))
    }

    /// The cached cluster state.
    pub const fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Whether the machine holds a compressed MachineConfig that is not in its ConfigMap yet.
    pub fn holds_payload(&self) -> bool {
        self.payload().is_some_and(|payload| !payload.is_spent())
    }

    /// The compressed MachineConfig of the build that is about to start; an empty one (see [`Payload::spent`]) once it
    /// is in its ConfigMap.
    pub fn payload(&self) -> Option<&Payload> {
        self.loaded_payload.as_ref().and_then(|loaded_payload| loaded_payload.payload.as_ref().ok())
    }

    /// Whether the API server refuses a request that the pool needs.
    pub fn is_refused(&self) -> bool {
        !self.refusals.known().is_empty()
    }

    /// The builds whose status has changed since the last call.
    pub fn take_transitions(&mut self) -> Vec<Transition> {
        self.builds.take_transitions()
    }

    /// Postpones all effects by `wait`, after a failure or a crash.
    pub fn rest(&mut self, wait: Duration, now: Moment) {
        // Other pools may need the memory during the wait. The machine still remembers that a payload is in its
        // ConfigMap.
        if self.holds_payload() {
            self.let_go_of_payload();
        }
        self.backs_off_until = Some(now.steady + wait);
    }

    /// Forgets the reads about builds that are under way: their actor ended and will not answer.
    pub fn abandon_reads(&mut self) {
        self.builds.abandon_reads();
    }

    fn is_own_build(&self, key: &Key, object: &Object) -> bool {
        key.kind.is_build_object() && owner_of(object).as_deref() == Some(&self.pool)
    }

    /// Turns a decision into a step, and adds the reads of digests that are due.
    fn issue(&mut self, decision: Decision, now: Moment) -> Step {
        let Decision { mut effects, requeue_at, demand } = decision;
        if effects.is_empty() {
            self.failures = 0;
            if requeue_at.is_none() && demand == Demand::None {
                // Nothing waits for the refused requests any more.
                self.refusals.forget();
            }
            self.collect_garbage();
        }
        if first_part(&effects).is_some_and(|part| part != Part::Payload) {
            // The payload's ConfigMap already exists; this process or its predecessor created it.
            self.spend_payload();
        }
        self.issued = Some((effects.iter().filter_map(RequestKind::of).collect(), now.steady));
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

    /// Updates the status of the build that this object runs.
    fn classify(&mut self, key: &Key, object: &Object) {
        if self.is_own_build(key, object)
            && let Some(status) = objects::classify(key.kind, object)
        {
            self.builds.classified(key, object, status);
        }
    }

    /// Forgets objects that no watch covers, so that the next decision reads them again. A step does so once a
    /// requested wait is over.
    pub fn forget_unwatched(&mut self) {
        let pool = &self.pool;
        self.cache = self.cache.subset(|key, object| match owner_of(object) {
            Some(owner) => owner == *pool,
            None => !key.kind.is_build_object(),
        });
    }

    /// At rest: drops state that no decision depends on any more.
    fn collect_garbage(&mut self) {
        confine(&mut self.cache, &self.pool);
        let uids: BTreeSet<&str> = self.cache.iter().filter_map(|(_, object)| object.metadata.uid.as_deref()).collect();
        self.builds.retain(|uid| uids.contains(uid));
        // While the API server refuses a request, the machine still remembers that a payload is in its ConfigMap.
        if self.refusals.known().is_empty() || self.holds_payload() {
            self.let_go_of_payload();
        }
        if self.emitted.len() > EMITTED_MAX {
            self.emitted.clear();
        }
    }

    /// The payload is in its ConfigMap: the machine needs its own copy only if the ConfigMap disappears, and reads it
    /// anew then.
    fn spend_payload(&mut self) {
        if let Some(payload) =
            self.loaded_payload.as_mut().and_then(|loaded_payload| loaded_payload.payload.as_mut().ok())
        {
            *payload = Payload::spent();
        }
    }

    /// Drops a compressed MachineConfig; the fault of an unusable one stays.
    fn let_go_of_payload(&mut self) {
        self.loaded_payload = self.loaded_payload.take().filter(|loaded_payload| loaded_payload.payload.is_err());
    }
}

/// The first of the parts of a build that these effects create, in the order in which a build needs them.
fn first_part(effects: &[Effect]) -> Option<Part> {
    let part = |effect: &Effect| if let Effect::Create(part, _) = effect { Some(*part) } else { None };
    effects.iter().filter_map(part).min()
}
