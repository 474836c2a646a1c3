//! The fields of a report.

use jiff::Timestamp;
use serde::Serialize;

use super::PoolPhase;
use crate::api::conditions::BUILD_FAILED;

/// How one pool is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolReport {
    /// The pool's name.
    pub name: String,
    /// Where the pool stands, in one word.
    pub state: PoolPhase,
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
    pub input_fault: Option<InputFaultReport>,
    /// The build that was begun last.
    pub attempt: Option<AttemptReport>,
    /// The objects that run builds of this pool.
    pub builds: Vec<BuildReport>,
    /// The condition by which another controller reports the pool as broken, so that the daemon builds nothing new for
    /// it.
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
pub struct InputFaultReport {
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

/// A condition of another controller's that keeps the daemon from building for the pool.
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

impl PoolReport {
    /// Whether the image of just what is wanted is published, and everything is done that belongs to it.
    pub fn is_built(&self) -> bool {
        self.state == PoolPhase::Built && self.input_fault.is_none() && !self.is_due()
    }

    /// Whether the build failed, or cannot be made, and the pool shows it.
    pub fn is_failed(&self) -> bool {
        let is_given_up = self.condition.as_ref().is_some_and(|shown| shown.type_ == BUILD_FAILED);
        let is_failure = matches!(self.state, PoolPhase::Failed | PoolPhase::InputInvalid | PoolPhase::NameConflict)
            || (self.state == PoolPhase::Refused && is_given_up);
        (is_failure || (self.state == PoolPhase::Built && self.input_fault.is_some())) && !self.is_due()
    }

    /// Whether anything is due now.
    fn is_due(&self) -> bool {
        self.next.as_ref().is_some_and(|next| next.is_due)
    }
}
