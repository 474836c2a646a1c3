//! A server, a daemon and the weather, step by step; each step is written down, and each effect judged.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use machine_os_builder::api::{Key, Kind, Object};
use machine_os_builder::reconcile::decide::Effect;
use machine_os_builder::reconcile::machine::PoolMachine;

use super::daemon::{Daemon, Fate, Outcome, Weather};
use super::kubelet::{self, Pushed};
use super::laws::{self, Before, Made};
use super::server::{Refusal, Server};
use super::step::{CONFIGS, Step};
use super::{POOL, rest, users};
use crate::harness::cluster as common;

/// Effects within which a pool comes to rest.
const EFFECTS_MAX: usize = 60;
/// The longest time that a machine waits for a time that decisions know.
const PAUSE_MAX: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(super) struct World {
    pub server: Server,
    pub daemon: Daemon,
    pub weather: Weather,
    pub made: Made,
    pub pushed: Pushed,
    /// When something is due by itself.
    pub requeue_at: Option<Timestamp>,
    /// How long the daemon waits before it steps again.
    pub wait: Option<Duration>,
    pub trace: Vec<String>,
}

/// The result of a step of the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Rested,
    Did(Outcome),
}

impl World {
    /// An opted-in pool, sound inputs, and a daemon that has just started.
    pub(super) fn new() -> Self {
        let mut server = Server::new();
        for document in common::inputs() {
            users::create(&mut server, document);
        }
        for config in &CONFIGS[..2] {
            users::create(&mut server, common::machine_config(config));
        }
        users::create(&mut server, common::pool(POOL, CONFIGS[0]));
        let daemon = Daemon::start(&server);
        Self {
            server,
            daemon,
            weather: Weather::default(),
            made: Made::new(),
            pushed: Pushed::new(),
            requeue_at: None,
            wait: None,
            trace: Vec::new(),
        }
    }

    pub(super) fn pool(&self) -> Option<&Arc<Object>> {
        self.server.get(Kind::MachineConfigPool, POOL)
    }

    /// Takes a step; an error says which law was broken.
    pub(super) fn step(&mut self, step: &Step) -> Result<(), String> {
        self.trace.push(format!("{step:?}"));
        match step {
            Step::Work(looks) => self.work(*looks),
            Step::WorkAndLoseTheAnswer(looks) => {
                self.work(looks - 1)?;
                self.look(true).map(drop)
            }
            Step::Rest => self.rest().map(drop),
            Step::Restart => {
                self.restart();
                Ok(())
            }
            Step::Blind(is) => set(&mut self.weather.is_blind, *is),
            Step::Deaf(is) => set(&mut self.weather.is_deaf, *is),
            Step::Late(is) => set(&mut self.weather.is_late, *is),
            Step::Answer { which, is_twice } => {
                self.daemon.answer(&self.server, *which, *is_twice);
                Ok(())
            }
            Step::Full(is) => set(&mut self.weather.is_full, *is),
            Step::Forbidden(is) => set(&mut self.weather.is_forbidden, *is),
            Step::Pod(which, act) => {
                let pods = kubelet::build_pods(&self.server);
                if let Some(key) = pods.get(which % pods.len().max(1)) {
                    kubelet::act(&mut self.server, &mut self.pushed, key, *act);
                }
                Ok(())
            }
            Step::Pass(seconds) => {
                self.pass(*seconds);
                Ok(())
            }
            step => {
                users::act(&mut self.server, step);
                Ok(())
            }
        }
    }

    /// Time passes.
    pub(super) fn pass(&mut self, seconds: i64) {
        self.server.now += SignedDuration::from_secs(seconds);
    }

    /// Another process takes over: it knows what is in the cluster.
    pub(super) fn restart(&mut self) {
        self.daemon = Daemon::start(&self.server);
    }

    fn work(&mut self, looks: usize) -> Result<(), String> {
        for _ in 0..looks {
            if self.look(false)? == Progress::Rested {
                break;
            }
        }
        Ok(())
    }

    /// One step, and the effects that it asks for; the answers to them may be lost.
    pub(super) fn look(&mut self, is_lost: bool) -> Result<Progress, String> {
        if !self.weather.is_blind {
            self.daemon.hear(&self.server);
        }
        let step = self.daemon.step(&self.server, &self.weather);
        (self.requeue_at, self.wait) = (step.requeue_at, step.wait);
        if step.effects.is_empty() {
            return Ok(Progress::Rested);
        }
        let mut progress = Outcome::Done;
        let known = self.daemon.machine.as_ref().map(PoolMachine::cache).cloned().unwrap_or_default();
        let known = |key: &Key| known.get(key).cloned();
        for effect in step.effects {
            let before = Before {
                objects: self.server.objects.clone(),
                known: known(&Key::new(Kind::MachineConfigPool, POOL)),
                wanted: laws::wanted(&known),
            };
            let fate = if is_lost { Fate::Lost } else { Fate::Answered };
            let outcome = self.daemon.carry_out(&mut self.server, &self.weather, &effect, fate);
            self.trace.push(format!("    {} -> {outcome:?}{}", brief(&effect), if is_lost { ", lost" } else { "" }));
            laws::judge(&before, &effect, &self.server, &mut self.made, &self.pushed)?;
            if outcome != Outcome::Done {
                progress = outcome;
            }
        }
        Ok(Progress::Did(progress))
    }

    /// Lets the daemon do all that is due, with its eyes open; returns how many effects that took.
    pub(super) fn rest(&mut self) -> Result<usize, String> {
        let effects = self.come_to_rest()?;
        rest::judge(self)?;
        Ok(effects)
    }

    /// How long the daemon waits for something that is not due at a time that decisions know: the answers to what it reads,
    /// the end of a back-off, or the next try of a write that the server would accept by now.
    fn pause(&self) -> Option<i64> {
        let wait = self.wait?;
        let until = self
            .requeue_at
            .map(|requeue_at| Duration::try_from(requeue_at.duration_since(self.server.now)).unwrap_or_default());
        let is_back_off = until.is_none_or(|until| wait < until.min(PAUSE_MAX));
        let is_refused = self.daemon.machine.as_ref().is_some_and(PoolMachine::is_refused);
        let is_over = is_back_off || (is_refused && !self.weather.is_forbidden);
        is_over.then(|| i64::try_from(wait.as_secs()).unwrap_or(i64::MAX) + 1)
    }

    /// As [`World::rest`], without a judgement of what it comes to.
    pub(super) fn come_to_rest(&mut self) -> Result<usize, String> {
        self.weather.is_blind = false;
        self.weather.is_deaf = false;
        self.weather.is_late = false;
        self.daemon.wake();
        let mut was_refused = false;
        for effects in 0..EFFECTS_MAX {
            match self.look(false)? {
                Progress::Rested => match self.pause() {
                    Some(seconds) => self.pass(seconds),
                    None => return Ok(effects),
                },
                Progress::Did(Outcome::Refused(Refusal::Forbidden)) if was_refused => return Ok(effects),
                Progress::Did(outcome) => was_refused |= outcome == Outcome::Refused(Refusal::Forbidden),
            }
        }
        Err(format!("no rest after {EFFECTS_MAX} effects"))
    }
}

fn set(flag: &mut bool, is: bool) -> Result<(), String> {
    *flag = is;
    Ok(())
}

/// An effect in a few words: of a patch, what it changes.
fn brief(effect: &Effect) -> String {
    let (Effect::PatchPool(patch) | Effect::PatchStatus(patch)) = effect else { return format!("{effect:?}") };
    let changed = |operation: &json_patch::PatchOperation| {
        let document = serde_json::to_value(operation).unwrap_or_default();
        format!("{}={}", document["path"].as_str().unwrap_or_default(), said(&document["value"]))
    };
    let changes: Vec<String> = patch
        .iter()
        .filter(|operation| !matches!(operation, json_patch::PatchOperation::Test(_)))
        .map(changed)
        .collect();
    let what = if matches!(effect, Effect::PatchPool(_)) { "pool" } else { "status" };
    format!("patch {what} {}", changes.join(" ")).replace("machineconfiguration.openshift.io", "")
}

/// A value in a few words: of conditions, those that are True.
fn said(value: &serde_json::Value) -> String {
    let conditions = value.as_array().or_else(|| value["conditions"].as_array());
    let is_true = |condition: &&serde_json::Value| condition["status"] == "True";
    match conditions.filter(|entries| entries.iter().any(|entry| entry["type"].is_string())) {
        Some(conditions) => {
            let said =
                conditions.iter().filter(is_true).map(|c| format!("{}: {} {}", c["type"], c["reason"], c["message"]));
            format!("[{}]", said.collect::<Vec<_>>().join(", "))
        }
        None => value.to_string(),
    }
}
