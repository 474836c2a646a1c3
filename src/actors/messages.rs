//! The messages between the actors.

use jiff::Timestamp;
use ractor::{ActorId, ActorProcessingErr, RpcReplyPort};

use super::overview::Overview;
use crate::reconcile::decide::Effect;
use crate::reconcile::machine::{Answer, Failure};
use crate::reconcile::objects::payload::Payload;
use crate::reconcile::observed::cache::Change;
use crate::reconcile::observed::index::WatchEvent;
use crate::reconcile::slots::Demand;

/// What an actor makes of a message; an error is its end.
pub(super) type ActorResult<T = ()> = Result<T, ActorProcessingErr>;

/// The messages to the supervisor.
#[derive(Debug)]
pub enum SupervisorMessage {
    /// A watch saw something.
    Watched(WatchEvent),
    /// The API server answered a request of the pool actor of this id.
    Answered(ActorId, Change),
    /// A pool's new demand for build slots.
    Demanded(String, Demand),
    /// Restart a crashed pool actor.
    Restart(String),
    /// Start no more actors, and reply.
    Drain(RpcReplyPort<()>),
    /// The wait for the lists of optional kinds is over.
    Begin,
    /// A probe, the Lease or a test asks for the daemon's state.
    Inspect(RpcReplyPort<Overview>),
}

/// The messages to a pool actor.
#[derive(Debug)]
pub(super) enum PoolMessage {
    /// Something changed that matters to the pool.
    Changed(Change),
    /// The answer to an effect that the actor did not wait for.
    Completed(Effect, Result<Answer, Failure>),
    /// The pool has a slot, if it still waits since this time.
    SlotGranted { waiting_since: Timestamp },
    /// Take the next step.
    Step,
}

/// The messages to a build actor.
pub(super) enum BuildMessage {
    /// Create or delete objects of the build, all at once, and reply when all are done.
    Write {
        effects: Vec<Effect>,
        /// The compressed MachineConfig, if its ConfigMap is among them.
        payload: Option<Payload>,
        reply: RpcReplyPort<Vec<(Effect, Result<Answer, Failure>)>>,
    },
    /// Read diagnostics or the digest of the build, and send the answer to the pool actor.
    Read(Effect),
}
