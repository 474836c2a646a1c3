//! Drives a pool's machine as its actor would, up to the first effect that is not on the pool itself.
//!
//! The dry run applies the daemon's writes of the pool to the machine's copy of it. So it shows a pool as it will be,
//! even if the daemon has not processed it yet or does not run. It stops at the first effect on another object, because
//! its outcome is open.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::state::DryRunResult;
use super::{Observation, parts};
use crate::api::{Object, ResourceVersion, Sensitive};
use crate::clock::Moment;
use crate::reconcile::decide::observed::Observed;
use crate::reconcile::decide::{Effect, Inputs};
use crate::reconcile::inputs::request::Wanted;
use crate::reconcile::machine::{Answer, Failure, MachineContext, PoolMachine, Step};
use crate::reconcile::observed::cache::{Cache, Change};
use crate::reconcile::slots::Demand;

/// The most steps of one dry run.
const STEPS_MAX: usize = 32;

/// The dry run of one pool.
pub struct DryRun {
    machine: PoolMachine,
    /// The cluster as it is, without the writes of the dry run.
    before: Cache,
    /// The time, at least the latest that the daemon has recorded: the daemon's clock decides.
    now: Moment,
    /// The time by the clock of this process.
    today: Timestamp,
    due: Option<Effect>,
    steps: usize,
}

/// The progress of a dry run.
#[derive(Debug, Clone)]
pub enum Progress {
    /// The driver has to read these, and pass each answer to [`DryRun::completed`].
    Reads(Vec<Effect>),
    /// The result.
    Seen(Box<Observation>),
}

impl DryRun {
    /// A dry run of `pool` with the state in `cache`.
    ///
    /// It has no slot, so a pool that needs one waits. It emits no Event: each Event counts as emitted, because only the
    /// API server knows which ones exist.
    pub fn new(pool: &str, cache: Cache, context: MachineContext, now: Timestamp) -> Self {
        let mut machine = PoolMachine::new(pool, cache, context);
        let mut moment = Moment { wall: now, steady: Instant::now() };
        moment.wall = latest(&machine.inputs(moment));
        Self { before: machine.cache().clone(), machine, now: moment, today: now, due: None, steps: 0 }
    }

    /// The cluster, with the pool as the daemon will patch it.
    pub const fn cache(&self) -> &Cache {
        self.machine.cache()
    }

    /// Takes steps until it needs a read, or has the result.
    pub fn advance(&mut self) -> Progress {
        loop {
            let step = self.machine.step(self.now);
            self.steps += 1;
            let is_last = self.steps >= STEPS_MAX;
            if let Some(Demand::Wait(since)) = step.demand
                && !is_last
                && self.has_begun()
                && self.machine.granted(since)
            {
                continue;
            }
            let reads: Vec<Effect> = step.effects.iter().filter(|effect| is_read(effect, &step)).cloned().collect();
            if !reads.is_empty() && !is_last {
                return Progress::Reads(reads);
            }
            if !self.carry_out(&step) || is_last {
                return Progress::Seen(Box::new(self.seen(step)));
            }
        }
    }

    /// Applies the answer to a read. The driver leaves out a read that failed.
    pub fn completed(&mut self, effect: &Effect, answer: Answer) {
        if let Answer::Object(change) = &answer {
            self.before.apply(change);
            if let (Effect::Read(key), Change::Gone(..)) = (effect, change) {
                self.before.confirm_absent(key);
            }
        }
        self.machine.completed(effect, Ok(answer), self.now);
    }

    /// Carries out the effects on the pool itself; false if the step has none.
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
        let inputs = self.machine.inputs(Moment { wall: self.today, ..self.now });
        let (due, cache) = (self.due.clone(), inputs.cache);
        let outcome = DryRunResult { demand, effect, requeue_at: step.requeue_at, due, cache };
        let report = parts::report(&Inputs { cache: &self.before, ..inputs }, &outcome);
        Observation { report, demand, requeue_at: step.requeue_at }
    }

    /// Whether the daemon has claimed an attempt at these inputs: the supervisor granted it a slot then.
    fn has_begun(&mut self) -> bool {
        let inputs = self.machine.inputs(self.now);
        let observed = Observed::of(&inputs);
        let Wanted::Known(request) = &observed.wanted else { return false };
        observed.record.attempt_at(&request.hash).is_some_and(|attempt| attempt.lost.is_none())
    }

    fn pool(&self) -> Option<&Arc<Object>> {
        self.machine.cache().get(&self.machine.key())
    }

    /// The pool with the patch applied.
    fn patched(&self, patch: &json_patch::Patch) -> Option<Change> {
        let before = self.pool()?;
        let mut document = serde_json::to_value(&**before).ok()?;
        json_patch::patch(&mut document, patch).ok()?;
        let mut after: Object = serde_json::from_value(document).ok()?;
        after.metadata.resource_version = Some(ResourceVersion::of(before).next());
        Some(Change::Applied(self.machine.key(), Arc::new(after)))
    }
}

/// Whether the dry run needs the answer to this effect. It reads a MachineConfig only for a pool without a slot, to check
/// that the shown fault of the payload still holds.
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
