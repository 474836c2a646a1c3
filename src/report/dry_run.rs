//! Drives a pool's machine as its actor would, up to the first effect that is not on the pool itself.
//!
//! The dry run applies the daemon's writes of the pool to the machine's copy of it. So it shows a pool as it will be,
//! even if the daemon has not processed it yet or does not run. It stops at the first effect on another object, because
//! its outcome is open.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Observation, parts};
use crate::api::{Key, Kind, Object, ResourceVersion, Sensitive};
use crate::clock::Moment;
use crate::reconcile::decide::observed::Observed;
use crate::reconcile::decide::{Effect, Inputs};
use crate::reconcile::inputs::request::Wanted;
use crate::reconcile::machine::{Answer, Failure, MachineContext, PoolMachine, Step};
use crate::reconcile::observed::cache::{Cache, Change};
use crate::reconcile::slots::Demand;

/// Steps of one pool in a row; more than these there are not, whatever it is about.
const STEPS_MAX: usize = 32;

/// A pool that is being looked at.
pub struct DryRun {
    machine: PoolMachine,
    /// What is known of the cluster, without what the daemon would write.
    before: Cache,
    /// The time, and no earlier than any that the daemon has written down: its clock is the one that counts.
    now: Moment,
    today: Timestamp,
    due: Option<Effect>,
    steps: usize,
}

/// How far a look has come.
#[derive(Debug, Clone)]
pub enum Progress {
    /// These have to be read, and [`DryRun::completed`] to be told, before it can be said how the pool is.
    Reads(Vec<Effect>),
    /// This is how the pool is.
    Seen(Box<Observation>),
}

/// What the steps came to.
pub(super) struct DryRunResult<'a> {
    /// What the pool wants of the slots.
    pub demand: Demand,
    /// What the last step asked for.
    pub effect: Option<Effect>,
    /// When something is due by itself.
    pub requeue_at: Option<Timestamp>,
    /// The first effect that is due, Events aside.
    pub due: Option<Effect>,
    /// What is known of the cluster, with the pool as it will be.
    pub cache: &'a Cache,
}

impl DryRun {
    /// A look at `pool`, of which `cache` is known.
    ///
    /// It has no slot and has told of nothing: a pool that needs a slot waits for one, and what would be told counts as
    /// told, for the API server alone knows.
    pub fn new(pool: &str, cache: Cache, context: MachineContext, now: Timestamp) -> Self {
        let mut machine = PoolMachine::new(pool, cache, context);
        let mut moment = Moment { wall: now, steady: Instant::now() };
        moment.wall = latest(&machine.inputs(moment));
        Self { before: machine.cache().clone(), machine, now: moment, today: now, due: None, steps: 0 }
    }

    /// What is known of the cluster, with the pool as it will be.
    pub const fn cache(&self) -> &Cache {
        self.machine.cache()
    }

    /// Goes on as far as it can.
    pub fn advance(&mut self) -> Progress {
        loop {
            let step = self.machine.step(self.now);
            self.steps += 1;
            if self.has_begun() && self.granted(&step) {
                continue;
            }
            let is_last = self.steps >= STEPS_MAX;
            let reads: Vec<Effect> = step.effects.iter().filter(|effect| is_read(effect, &step)).cloned().collect();
            if !reads.is_empty() && !is_last {
                return Progress::Reads(reads);
            }
            if !self.carry_out(&step) || is_last {
                return Progress::Seen(Box::new(self.seen(step)));
            }
        }
    }

    /// Takes in what was read. That something cannot be read is for the daemon to judge.
    pub fn completed(&mut self, effect: &Effect, answer: Answer) {
        if let Answer::Object(change) = &answer {
            self.before.apply(change);
            if let (Effect::Read(key), Change::Gone(..)) = (effect, change) {
                self.before.confirm_absent(key);
            }
        }
        self.machine.completed(effect, Ok(answer), self.now);
    }

    /// Carries out what is about the pool alone; false if nothing is.
    fn carry_out(&mut self, step: &Step) -> bool {
        let mut is_news = false;
        for effect in &step.effects {
            let answer = match effect {
                Effect::Emit(_) if self.pool().is_some() => Some(Answer::Told),
                // Only the daemon adds to what is shown, and it waits for nothing that it may find.
                Effect::ReadDiagnostics(_) => Some(Answer::Found(Sensitive::default())),
                Effect::PatchPool(patch) | Effect::PatchStatus(patch) => self.patched(patch).map(Answer::Object),
                _ => None,
            };
            if !matches!(effect, Effect::Emit(_) | Effect::ReadDiagnostics(_) | Effect::ReadDigest { .. }) {
                self.due.get_or_insert_with(|| effect.clone());
            }
            if let Some(answer) = answer {
                is_news = true;
                self.machine.completed(effect, Ok::<_, Failure>(answer), self.now);
            }
        }
        is_news
    }

    fn seen(&mut self, step: Step) -> Observation {
        let demand = step.demand.unwrap_or(Demand::None);
        let is_shown = |effect: &Effect| !matches!(effect, Effect::Emit(_) | Effect::ReadDigest { .. });
        let effect = step.effects.into_iter().find(is_shown);
        let cache = self.machine.cache().clone();
        let outcome =
            DryRunResult { demand, effect, requeue_at: step.requeue_at, due: self.due.clone(), cache: &cache };
        let inputs = self.machine.inputs(Moment { wall: self.today, ..self.now });
        let report = parts::report(&Inputs { cache: &self.before, ..inputs }, &outcome);
        Observation { report, demand, requeue_at: step.requeue_at }
    }

    /// Whether the build that is wanted was begun: who has claimed an attempt was given a slot for it.
    fn has_begun(&mut self) -> bool {
        let inputs = self.machine.inputs(self.now);
        let observed = Observed::of(&inputs);
        let Wanted::Known(request) = &observed.wanted else { return false };
        observed.record.attempt_at(&request.hash).is_some_and(|attempt| attempt.lost.is_none())
    }

    /// Gives the pool the slot that it waits for; false if it waits for none.
    fn granted(&mut self, step: &Step) -> bool {
        matches!(step.demand, Some(Demand::Wait(since)) if self.machine.granted(since))
    }

    fn pool(&self) -> Option<&Arc<Object>> {
        self.machine.cache().get(&self.key())
    }

    fn key(&self) -> Key {
        Key::new(Kind::MachineConfigPool, self.machine.pool())
    }

    /// The pool with a patch carried out.
    fn patched(&self, patch: &json_patch::Patch) -> Option<Change> {
        let before = self.pool()?;
        let mut document = serde_json::to_value(&**before).ok()?;
        json_patch::patch(&mut document, patch).ok()?;
        let mut after: Object = serde_json::from_value(document).ok()?;
        after.metadata.resource_version = Some(ResourceVersion::of(before).next());
        Some(Change::Applied(self.key(), Arc::new(after)))
    }
}

/// Whether an effect reads what the state of the pool depends on. A MachineConfig is read only by a pool that holds no slot
/// for it: to see whether what is shown is still so.
fn is_read(effect: &Effect, step: &Step) -> bool {
    match effect {
        Effect::Read(_) | Effect::ReadDigest { .. } => true,
        Effect::LoadPayload { .. } => step.demand == Some(Demand::None),
        _ => false,
    }
}

fn latest(inputs: &Inputs<'_>) -> Timestamp {
    let attempt = Observed::of(inputs).record.attempt;
    let times = attempt.map(|attempt| attempt.lost.map_or(attempt.started, |lost| lost.at.max(attempt.started)));
    times.map_or(inputs.now, |time| time.max(inputs.now))
}
