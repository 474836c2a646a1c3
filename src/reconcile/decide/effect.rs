//! What a decision asks for: requests to the API server, each independent of the others.

use std::sync::Arc;

use crate::api::{Key, Kind, Object, Sensitive, names};
use crate::reconcile::inputs::request::BuildRequest;
use crate::reconcile::pool::events::PoolEvent;

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
            Self::Emit(pool_event) => write!(f, "tell {}", pool_event.reason.as_str()),
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
