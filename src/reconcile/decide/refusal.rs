//! A request that the API server refuses.

use jiff::Timestamp;

use super::effect::{Effect, Part};
use crate::api::{Key, Kind};

/// The key by which the daemon tracks refusals. It groups requests by kind of object, as policies apply to kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestKind {
    /// The pool, its status aside.
    Pool,
    /// The pool's status.
    Status,
    /// A canonical Secret.
    Secret,
    /// An object of a build.
    Create(Part),
    /// The deletion of an object of this kind.
    Delete(Kind),
    /// The read of an object of this kind.
    Read(Kind),
}

/// A request that the API server refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The API server's message.
    pub words: String,
    /// The object that was to be written, or read.
    pub object: Key,
    /// Whether it is certain that nothing was written: the server may fail, or stop answering, after the write.
    pub is_certain: bool,
    /// When it was refused first.
    pub since: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again.
    pub retry_at: Timestamp,
}

impl RequestKind {
    /// The request that `effect` sends; `None` if no step waits for it.
    pub fn of(effect: &Effect) -> Option<Self> {
        match effect {
            Effect::PatchPool(_) => Some(Self::Pool),
            Effect::PatchStatus(_) => Some(Self::Status),
            Effect::WriteSecret(_) => Some(Self::Secret),
            Effect::Create(part, _) => Some(Self::Create(*part)),
            Effect::Delete(deletion) => Some(Self::Delete(deletion.key.kind)),
            Effect::LoadPayload { .. } => Some(Self::Read(Kind::MachineConfig)),
            Effect::Read(key) => Some(Self::Read(key.kind)),
            Effect::Emit(_) | Effect::ReadDiagnostics(_) | Effect::ReadDigest { .. } => None,
        }
    }

    /// Whether a build needs this request to start.
    pub(super) const fn is_start(self) -> bool {
        matches!(self, Self::Secret | Self::Create(_) | Self::Read(Kind::MachineConfig))
    }
}
