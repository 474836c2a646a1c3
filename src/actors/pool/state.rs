//! The state of a pool actor: its machine, its child actors and its timer, and how it drives the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use ractor::ActorRef;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::AbortHandle;
use tracing::Span;

use super::stopwatch::Stopwatch;
use crate::actors::build::BuildId;
use crate::actors::context::Context;
use crate::actors::messages::{BuildMessage, PoolMessage, SupervisorMessage};
use crate::actors::restart::Crashes;
use crate::api::Pool;
use crate::reconcile::decide::Effect;
use crate::reconcile::machine::{Answer, Failure, PoolMachine, Transition};
use crate::reconcile::observed::cache::{Cache, Change};
use crate::reconcile::slots::Demand;

pub(in crate::actors) struct PoolArguments {
    pub context: Context,
    pub pool: String,
    pub cache: Cache,
    pub supervisor: ActorRef<SupervisorMessage>,
}

/// The actors of a pool's builds.
#[derive(Default)]
pub(super) struct Children {
    pub(super) actors: BTreeMap<BuildId, ActorRef<BuildMessage>>,
    pub(super) crashes: Crashes,
    /// Builds whose actor crashed and has not been restarted yet.
    pub(super) crashed: BTreeSet<BuildId>,
}

/// The state of a pool actor.
pub(in crate::actors) struct PoolState {
    pub(super) context: Context,
    pub(super) pool: String,
    pub(super) machine: PoolMachine,
    /// The permit to keep a payload in memory; all pools share a limited number of them.
    pub(super) payload_place: Option<OwnedSemaphorePermit>,
    pub(super) children: Children,
    pub(super) myself: ActorRef<PoolMessage>,
    /// The context of each log line. Its level is that of the highest lines, so that no filter takes it from them.
    pub(super) span: Span,
    stopwatch: Stopwatch,
    supervisor: ActorRef<SupervisorMessage>,
    /// The demand last sent to the supervisor.
    demanded: Option<Demand>,
    is_step_due: bool,
    timer: Option<AbortHandle>,
}

impl PoolState {
    pub(super) fn new(arguments: PoolArguments, myself: ActorRef<PoolMessage>) -> Self {
        let PoolArguments { context, pool, cache, supervisor } = arguments;
        Self {
            span: tracing::error_span!("pool", pool),
            machine: PoolMachine::new(&pool, cache, context.machine.clone()),
            context,
            pool,
            payload_place: None,
            children: Children::default(),
            myself,
            stopwatch: Stopwatch::default(),
            supervisor,
            demanded: None,
            is_step_due: false,
            timer: None,
        }
    }

    /// Queues a step behind the messages that have already arrived.
    pub(super) fn request_step(&mut self) {
        if !self.is_step_due {
            self.is_step_due = true;
            let _ = self.myself.cast(PoolMessage::Step);
        }
    }

    pub(super) fn update(&mut self, change: &Change) {
        if self.machine.update(change) {
            self.request_step();
        }
    }

    pub(super) fn granted(&mut self, waiting_since: Timestamp) {
        if self.machine.granted(waiting_since) {
            self.stopwatch.granted(waiting_since);
            self.request_step();
        }
    }

    /// Passes the answer to an effect to the machine, and sends the resulting changes to the supervisor, which passes
    /// them on to other pools and to a successor of this actor.
    pub(super) fn completed(&mut self, effect: &Effect, answer: Result<Answer, Failure>) {
        let now = self.context.clock.moment();
        if let (Effect::PatchPool(_) | Effect::PatchStatus(_), Ok(Answer::Object(Change::Applied(key, after)))) =
            (effect, &answer)
            && let Some(before) = self.machine.cache().get(key)
        {
            self.stopwatch.patched(&Pool::new(before), &Pool::new(after), now.wall, &self.context.meter);
        }
        for change in self.machine.completed(effect, answer, now) {
            let _ = self.supervisor.cast(SupervisorMessage::Answered(self.myself.get_id(), change));
        }
        self.request_step();
    }

    /// Takes one step of the machine, carries out its effects, and requests another step once they are answered.
    pub(super) async fn step(&mut self) {
        self.is_step_due = false;
        self.follow_builds().await;
        let step = self.machine.step(self.context.clock.moment());
        for transition in self.machine.take_transitions() {
            self.note(&transition);
        }
        if let Some(demand) = step.demand.filter(|demand| self.demanded != Some(*demand)) {
            self.demanded = Some(demand);
            let _ = self.supervisor.cast(SupervisorMessage::Demanded(self.pool.clone(), demand));
        }
        self.set_timer(step.wait);
        if step.effects.is_empty() {
            self.dismiss_idle();
        } else {
            self.carry_out(step.effects).await;
        }
        if !self.machine.holds_payload() {
            self.payload_place = None;
        }
    }

    /// Postpones all effects by `wait`, after a failure or a crash.
    pub(super) fn rest(&mut self, wait: Duration) {
        self.machine.rest(wait, self.context.clock.moment());
        self.request_step();
    }

    pub(super) fn stop_timer(&mut self) {
        if let Some(timer) = self.timer.take() {
            timer.abort();
        }
    }

    fn set_timer(&mut self, wait: Option<Duration>) {
        self.stop_timer();
        self.timer = wait.map(|wait| self.myself.send_after(wait, || PoolMessage::Step).abort_handle());
    }

    fn note(&mut self, Transition { build, uid, status }: &Transition) {
        tracing::info!(%build, uid, %status, "build");
        self.stopwatch.heard(status, self.context.clock.now());
    }
}
