//! How a pool is, told to people and to programs: what [`decide`](super::decide::decide) makes of it, carried out
//! nowhere.
//!
//! | file | concern |
//! |---|---|
//! | `look` | looks again and again, as the daemon would, up to the first effect that is not on the pool itself |
//! | `state` | one word for where that comes to rest |
//! | `parts` | what was built against what is wanted, attempts, build objects, who blocks |
//! | `next` | what is next, and a command of use |
//! | [`text`] | a table, and a page for one pool |
//!
//! # The schema
//!
//! `status -o json` prints [`PoolReport`]s: names and meanings of its fields stay, and so do the words of [`State`].
//! Fields, and words, may be added. A field that has nothing to say is `null`, or an empty list; times are RFC 3339 in
//! UTC. Nothing in it comes from a Secret.

mod look;
mod next;
mod parts;
mod state;
pub mod text;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

pub use self::look::Wish;
pub use self::state::State;
use super::decide::View;
use super::slots::Demand;

/// How one pool is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolReport {
    /// The pool's name.
    pub name: String,
    /// Where the pool stands, in one word.
    pub state: State,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// The build condition that the pool shows.
    pub condition: Option<Condition>,
    /// What that condition says, or what there is to say of a pool that shows none.
    pub message: Option<String>,
    /// The image that is published on the pool, by digest.
    pub image: Option<String>,
    /// The rendered config that the pool wants.
    pub config: Option<String>,
    /// What the published image was built from, against what is wanted now, field by field.
    pub inputs: Vec<InputField>,
    /// What is wrong with what is wanted.
    pub input_fault: Option<Fault>,
    /// The build that was begun last.
    pub attempt: Option<AttemptReport>,
    /// The objects that run builds of this pool.
    pub builds: Vec<BuildReport>,
    /// By what somebody else says that the pool is broken, so that nothing new is built for it.
    pub blocked_by: Option<Blocker>,
    /// The pool's place among those that wait for a slot.
    pub queue: Option<Queue>,
    /// What the daemon does next.
    pub next: Option<Next>,
    /// A command that is of use now.
    pub command: Option<String>,
    /// What this report could not take into account.
    pub notes: Vec<String>,
}

/// A condition, without its message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// One of the four build conditions.
    #[serde(rename = "type")]
    pub type_: String,
    /// Its reason.
    pub reason: String,
}

/// One input of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InputField {
    /// Its name, as in the annotation `build-inputs`.
    pub name: &'static str,
    /// What the published image was built from.
    pub built: Option<String>,
    /// What is wanted now.
    pub wanted: Option<String>,
    /// Whether the two differ; `null` where it cannot be told what is wanted.
    pub differs: Option<bool>,
}

/// What is wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// A word for it, as in a condition's reason.
    pub reason: String,
    /// The object, the key, what is wrong, and how it is mended.
    pub message: String,
}

/// An attempt at a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptReport {
    /// 1 for the first.
    pub number: u32,
    /// How many there may be.
    pub of: u32,
    /// When it began.
    pub started: Timestamp,
    /// When it was found to be lost.
    pub lost_at: Option<Timestamp>,
    /// Why it was lost.
    pub lost_why: Option<String>,
    /// When the next one is due.
    pub next_due: Option<Timestamp>,
}

/// An object that runs a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildReport {
    /// `Pod` or `Build`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// How it is doing: `pending`, `running`, `succeeded`, `failed`, `lost`; `ending` once it was told to end.
    pub phase: &'static str,
    /// Whether it builds what is wanted now; `null` where it cannot be told what that is.
    pub is_wanted: Option<bool>,
}

/// A condition of somebody else's that keeps a pool from being built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blocker {
    /// The condition's type.
    pub condition: String,
    /// Its reason.
    pub reason: String,
    /// Its message.
    pub message: String,
    /// Since when it is True.
    pub since: Option<Timestamp>,
}

/// A pool's place among those that wait for a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// 1 for the first in line.
    pub position: usize,
    /// How many wait.
    pub waiting: usize,
    /// The pools that hold the slots.
    pub held_by: Vec<String>,
}

/// What the daemon does next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Next {
    /// What it does, as a verb phrase.
    pub what: String,
    /// Whether it is due now: a daemon that runs does it within seconds.
    pub is_due: bool,
    /// When it is due, where that is a matter of time.
    pub at: Option<Timestamp>,
}

/// The report on a pool, and what the pool wants of the slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The report; its queue is for [`reports`] to fill in.
    pub report: PoolReport,
    demand: Demand,
    /// When to look again, even if nothing changes.
    pub wake: Option<Timestamp>,
}

/// Reports on the pool that `view` shows, or says what has to be read for that.
///
/// Nobody gave it a slot, and it has told of nothing: a pool that needs a slot waits for one, and what would be told
/// counts as told, for the API server alone knows.
pub fn see(view: &View<'_>) -> Result<Seen, Wish> {
    let looked = look::look(view)?;
    let (report, wake) = (parts::report(view, &looked), looked.decision.wake);
    Ok(Seen { report, demand: looked.decision.demand, wake })
}

/// The reports on all pools, each with its place in the queue.
pub fn reports(seen: impl IntoIterator<Item = Seen>) -> Vec<PoolReport> {
    let mut reports: Vec<(PoolReport, Demand)> = seen.into_iter().map(|seen| (seen.report, seen.demand)).collect();
    let holds = |(report, demand): &(PoolReport, Demand)| (*demand == Demand::Hold).then(|| report.name.clone());
    let held_by: Vec<String> = reports.iter().filter_map(holds).collect();
    let mut waiting: Vec<(Timestamp, String)> = reports
        .iter()
        .filter_map(|(report, demand)| match demand {
            Demand::Wait(since) => Some((*since, report.name.clone())),
            Demand::None | Demand::Hold => None,
        })
        .collect();
    // In the order in which slots are given out.
    waiting.sort();
    let place = |(n, (_, pool)): (usize, &(Timestamp, String))| (pool.clone(), n + 1);
    let places: BTreeMap<String, usize> = waiting.iter().enumerate().map(place).collect();
    for (report, _) in &mut reports {
        report.queue = places.get(&report.name).map(|position| Queue {
            position: *position,
            waiting: places.len(),
            held_by: held_by.clone(),
        });
    }
    reports.into_iter().map(|(report, _)| report).collect()
}

impl PoolReport {
    /// Whether the image of just what is wanted is published, and everything is done that belongs to it.
    pub fn is_built(&self) -> bool {
        self.state == State::Built && self.input_fault.is_none() && !self.is_due()
    }

    /// Whether the build failed, or cannot be made, and the pool shows it.
    pub fn is_failed(&self) -> bool {
        let is_failure = matches!(self.state, State::Failed | State::InputInvalid | State::NameConflict);
        (is_failure || (self.state == State::Built && self.input_fault.is_some())) && !self.is_due()
    }

    /// Whether anything is due now.
    fn is_due(&self) -> bool {
        self.next.as_ref().is_some_and(|next| next.is_due)
    }
}
