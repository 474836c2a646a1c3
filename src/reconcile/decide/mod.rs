//! The next step of one pool, from what is known of it: the heart of this program.
//!
//! Level, not edge: a look at the same facts gives the same answer, whatever happened before, so a look
//! that was cut short, or a process that died, needs no repair but another look. The effects of one look do not depend
//! on each other. The answers to them change what is known, and the next look goes on from there: there is no half-done
//! list that a change could invalidate.
//!
//! | file | concern |
//! |---|---|
//! | [`observed`] | what is known, sorted: current, stale, foreign |
//! | `build_object` | one object of a build, and what it bears |
//! | `reconcile_opted_in` | an opted-in pool: which of the below is due |
//! | `start` | a build that is needed and not there: wait, claim, make its objects |
//! | `unseen` | builds of which nothing can be known: wait, rather than build twice |
//! | `cause` | the cause of a failure, found in what a build has printed |
//! | `commands` | what a user may run next |
//! | `conflict` | a foreign object under a name that the build needs |
//! | `held` | objects that were told to go, and that their finalizers keep |
//! | `track_build` | a build that is there: show it, publish it, record its end |
//! | `diagnostics` | what is read beside a build's object, to say why it did not succeed |
//! | `report_outcome` | nothing to build: clean up, and show how it ended |
//! | `clean_up` | a pool that is opted out or gone: clean up |
//! | [`refusal`] | writes that the API server refuses: show its words, and try again |
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

/// What a look comes to.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What the pool wants of the build slots.
    pub demand: Demand,
    /// What to do now: each independent of the others.
    pub effects: Vec<Effect>,
    /// When to look again, even if nothing changes.
    pub requeue_at: Option<Timestamp>,
}

/// One thing to do in the cluster.
#[derive(Clone)]
pub enum Effect {
    /// Patch the pool, its status aside.
    PatchPool(json_patch::Patch),
    /// Patch the pool's status.
    PatchStatus(json_patch::Patch),
    /// Tell of a transition.
    Emit(PoolEvent),
    /// Read the MachineConfig of this name, and compress it.
    LoadPayload {
        /// The MachineConfig's name.
        rendered: String,
        /// The version of it that is known to be there.
        version: Option<String>,
    },
    /// See whether an object is there that no watch has told of.
    Read(Key),
    /// Read what says more about a build than its object does. Nothing waits for that.
    ReadDiagnostics(DiagnosticsQuery),
    /// Read the digest that the build which this object runs has left in a ConfigMap.
    ReadDigest {
        /// The build object.
        build: Key,
        /// Its UID.
        uid: String,
    },
    /// Make one of the objects of a build.
    Create(Part, Arc<BuildRequest>),
    /// Bring a canonical Secret in step with its source: create it, or replace the version that it names.
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
    /// What runs the build.
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

/// What to read about a build that has not come to a good end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiagnosticsQuery {
    /// The build object.
    pub build: Key,
    /// Its UID.
    pub uid: String,
    /// Where to look.
    pub place: DiagnosticsSource,
}

/// Where something is said about a build beside its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiagnosticsSource {
    /// What the container of this name has printed.
    Log(String),
    /// What the cluster has to say about the build object.
    Events,
}

/// What came of a [`DiagnosticsQuery`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnostics {
    /// Nothing yet.
    Sought,
    /// This text, which is empty if there was nothing to be found in time.
    Found(Sensitive<String>),
}

/// An object to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// Which one.
    pub key: Key,
    /// Its UID: a namesake is not meant.
    pub uid: String,
    /// Whether its time to end by itself is over.
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

    /// Effects if there are any to carry out, else nothing until `requeue_at`.
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
