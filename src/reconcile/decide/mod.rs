//! The next step of one pool, decided from its observed state: the central function of this program.
//!
//! Decisions are level-triggered: the same observed state gives the same decision, whatever happened before. So a step
//! that was cut short, or a process that died, needs no repair but another step. The effects of one step do not depend
//! on each other. Their answers update the observed state, and the next step starts from it: there is no half-done list
//! of effects that a change could invalidate.
//!
//! | file | concern |
//! |---|---|
//! | [`observed`] | the observed state, sorted: current, stale, foreign |
//! | `build_object` | one object of a build, and its labels and annotations |
//! | `reconcile_opted_in` | an opted-in pool: selects one of the concerns below |
//! | `start` | a missing build: wait, claim an attempt, create its objects |
//! | `unseen` | builds whose API does not answer: wait, rather than build twice |
//! | `cause` | the cause of a failure, found in the output of a build |
//! | `commands` | the command that a user may run next |
//! | `conflict` | a foreign object under a name that the build needs |
//! | `held` | deleted objects that their finalizers keep |
//! | `track_build` | an existing build: show it, publish it, record its end |
//! | `diagnostics` | logs and Events that explain why a build did not succeed |
//! | `report_outcome` | nothing to build: clean up, and show the outcome |
//! | `clean_up` | a pool that is opted out or gone: clean up |
//! | [`refusal`] | requests that the API server refuses: show its message, and retry |
//! | `show` | the status patch |

mod build_object;
pub mod cause;
mod clean_up;
pub(crate) mod commands;
mod conflict;
mod diagnostics;
mod held;
mod messages;
pub mod observed;
mod reconcile_opted_in;
pub mod refusal;
mod report_outcome;
mod show;
mod start;
mod track_build;
mod unseen;

use std::sync::Arc;

use jiff::Timestamp;

pub use self::observed::{DecideSettings, Inputs, LoadedPayload};
pub use self::refusal::{Refusal, Write};
use super::inputs::request::BuildRequest;
use super::pool::events::PoolEvent;
use super::slots::Demand;
use crate::api::{Key, Kind, Object, Sensitive, names};

/// The result of one step.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The pool's demand for build slots.
    pub demand: Demand,
    /// The effects to carry out now, each independent of the others.
    pub effects: Vec<Effect>,
    /// When to decide again, even if nothing changes.
    pub requeue_at: Option<Timestamp>,
}

/// One thing to do in the cluster.
#[derive(Clone)]
pub enum Effect {
    /// Patch the pool, its status aside.
    PatchPool(json_patch::Patch),
    /// Patch the pool's status.
    PatchStatus(json_patch::Patch),
    /// Emit an Event about a transition.
    Emit(PoolEvent),
    /// Read the MachineConfig of this name, and compress it.
    LoadPayload {
        /// The MachineConfig's name.
        rendered: String,
        /// Its resource version in the cache.
        version: Option<String>,
    },
    /// Read an object that no watch has reported, to see whether it exists.
    Read(Key),
    /// Read a log or Events that say more about a build than its object does. Nothing waits for the answer.
    ReadDiagnostics(DiagnosticsQuery),
    /// Read the digest that this build object has left in a ConfigMap.
    ReadDigest {
        /// The build object.
        build: Key,
        /// Its UID.
        uid: String,
    },
    /// Create one of the objects of a build.
    Create(Part, Arc<BuildRequest>),
    /// Update a canonical Secret from its source: create it, or replace the resource version that it names.
    WriteSecret(Box<Sensitive<Object>>),
    /// Delete an object.
    Delete(Deletion),
}

/// The objects of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The ConfigMap with the MachineConfig.
    Payload,
    /// The ConfigMap with the Containerfile.
    Containerfile,
    /// The object that runs the build.
    Build,
}

impl Part {
    /// The object, for a build of `request`.
    pub fn key(self, request: &BuildRequest) -> Key {
        let rendered = &request.inputs.rendered_config;
        match self {
            Self::Payload => Key::new(Kind::ConfigMap, names::payload(rendered)),
            Self::Containerfile => Key::new(Kind::ConfigMap, names::containerfile(rendered)),
            Self::Build => Key::new(request.builder.kind(), names::build(rendered)),
        }
    }
}

/// The diagnostics to read about a build that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiagnosticsQuery {
    /// The build object.
    pub build: Key,
    /// Its UID.
    pub uid: String,
    /// Where to look.
    pub place: DiagnosticsSource,
}

/// A source of diagnostics besides the build object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiagnosticsSource {
    /// The log of the container of this name.
    Log(String),
    /// The Events about the build object.
    Events,
}

/// The state of a [`DiagnosticsQuery`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnostics {
    /// Nothing yet.
    Sought,
    /// This text; empty if the read found nothing in time.
    Found(Sensitive<String>),
}

/// An object to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// Which one.
    pub key: Key,
    /// Its UID, so that the request never deletes a new object of the same name.
    pub uid: String,
    /// Whether its grace period is over, so that the deletion has to be forced.
    pub is_forced: bool,
}

impl std::fmt::Debug for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PatchPool(patch) => write!(f, "patch pool {patch}"),
            Self::PatchStatus(patch) => write!(f, "patch status {patch}"),
            Self::Emit(pool_event) => write!(f, "tell {}", pool_event.reason),
            Self::LoadPayload { rendered, .. } => write!(f, "prepare {rendered}"),
            Self::Read(key) => write!(f, "read {key}"),
            Self::ReadDiagnostics(search) => write!(f, "look into the {:?} of {}", search.place, search.build),
            Self::ReadDigest { build, .. } => write!(f, "read the digest that {build} left"),
            Self::Create(part, request) => write!(f, "create {part:?} of {}", request.inputs.rendered_config),
            Self::WriteSecret(secret) => write!(f, "write Secret {:?}", secret.expose().metadata.name),
            Self::Delete(deletion) => write!(f, "delete {} {}", deletion.key, deletion.uid),
        }
    }
}

impl Decision {
    const fn idle(demand: Demand) -> Self {
        Self { demand, effects: Vec::new(), requeue_at: None }
    }

    fn act(demand: Demand, effect: Effect) -> Self {
        Self { demand, effects: vec![effect], requeue_at: None }
    }

    /// A decision with these effects; without any, the pool waits until `requeue_at`.
    fn rest(demand: Demand, effects: impl IntoIterator<Item = Effect>, requeue_at: Option<Timestamp>) -> Self {
        Self { demand, effects: effects.into_iter().collect(), requeue_at }
    }
}

/// The next step of the pool that `inputs` shows.
pub fn decide(inputs: &Inputs<'_>) -> Decision {
    let observed = observed::Observed::of(inputs);
    let decision = match &observed.pool {
        Some(pool) if pool.is_opted_in() && !pool.is_being_deleted() => reconcile_opted_in::decide(&observed, pool),
        pool => clean_up::decide(&observed, pool.as_ref()),
    };
    refusal::apply(&observed, decision)
}
