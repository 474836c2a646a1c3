//! What all actors of one daemon share.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::events::Emitter;
use super::meter::Meter;
use crate::clock::Clock;
use crate::cluster::client::ClusterClient;
use crate::jitter::Jitter;
use crate::reconcile::decide;
use crate::reconcile::inputs::build_settings::BuildSettings;
use crate::reconcile::machine::MachineContext;

/// The settings of a daemon.
#[derive(Debug, Clone, Default)]
pub struct ActorSettings {
    /// The settings that decisions depend on.
    pub decide: decide::DecideSettings,
    /// The settings of build objects.
    pub build: BuildSettings,
}

/// What all actors of one daemon share.
#[derive(Clone)]
pub struct Context {
    /// The client of the API server.
    pub cluster: ClusterClient,
    /// The settings.
    pub settings: Arc<ActorSettings>,
    /// The state that the machines of all pools share.
    pub machine: MachineContext,
    /// The time.
    pub clock: Clock,
    /// Jitter for waits.
    pub jitter: Jitter,
    /// Counts builds and actor restarts.
    pub meter: Meter,
    /// Emits the Events about transitions.
    pub emitter: Emitter,
    /// Limits the MachineConfigs in memory: a pool actor holds a permit from before it reads one until its ConfigMap is
    /// created.
    pub payloads: Arc<Semaphore>,
    /// Where MachineConfigs are compressed.
    pub computation: Computation,
}

/// Where CPU-bound work runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Computation {
    /// In the task that needs it, so that the order of events is deterministic.
    #[default]
    InPlace,
    /// On the blocking thread pool, so that other tasks go on meanwhile.
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
