//! What all actors of one daemon share.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::events::Emitter;
use super::meter::Meter;
use crate::clock::Clock;
use crate::cluster::client::ClusterClient;
use crate::jitter::Jitter;
use crate::reconcile::decide;
use crate::reconcile::machine::MachineContext;
use crate::reconcile::objects::BuildSettings;

/// The settings of a daemon.
#[derive(Debug, Clone, Default)]
pub struct ActorSettings {
    /// What decisions depend on.
    pub decide: decide::DecideSettings,
    /// What build objects are made with.
    pub build: BuildSettings,
}

/// What all actors of one daemon share.
#[derive(Clone)]
pub struct Context {
    /// The way to the API server.
    pub cluster: ClusterClient,
    /// The settings.
    pub settings: Arc<ActorSettings>,
    /// What the machines of all pools share.
    pub machine: MachineContext,
    /// The time.
    pub clock: Clock,
    /// Jitter for waits.
    pub jitter: Jitter,
    /// Counts what becomes of builds and actors.
    pub meter: Meter,
    /// Tells of transitions.
    pub emitter: Emitter,
    /// Places for MachineConfigs: each is held from before one is read until its ConfigMap is made.
    pub payloads: Arc<Semaphore>,
    /// Where MachineConfigs are compressed.
    pub computation: Computation,
}

/// Where work is done that keeps a processor busy for a while.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Computation {
    /// In the task that needs it: the order of all things is the same each time.
    #[default]
    InPlace,
    /// On threads for such work: all other tasks go on meanwhile.
    Apart,
}

impl Computation {
    /// Does the work.
    pub(super) async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> T {
        match self {
            Self::InPlace => work(),
            Self::Apart => {
                tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(error) => panic!("the runtime ends: {error}"),
                })
            }
        }
    }
}
