//! What the processes of the daemon are started with, and the faults that await them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::actors::ActorSettings;
use crate::apiserver::ApiServer;
use crate::clock::Clock;
use crate::simulation::checks::invariants::Invariants;
use crate::simulation::scenario::Network;

/// The parameters with which processes are started.
#[derive(Clone)]
pub struct ReplicaOptions {
    /// The API server.
    pub server: ApiServer,
    /// The daemon's settings.
    pub settings: ActorSettings,
    /// The time.
    pub clock: Clock,
    /// The seed of the run.
    pub seed: u64,
    /// The faults of their links.
    pub network: Network,
    /// How far their clocks are off at most.
    pub clock_errors: Duration,
    /// Whether the faults have stopped.
    pub calm: FaultGate,
    /// Shown what of each process reaches the API server, and told of each disturbance.
    pub invariants: Invariants,
}

impl ReplicaOptions {
    /// Notes a disturbance: requests made before may still take effect, for this long.
    pub fn tolerate(&self, time: Duration) {
        let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        self.invariants.tolerate_until(self.clock.now().checked_add(time).unwrap_or(Timestamp::MAX));
    }
}

/// Whether the faults have stopped. Clones share the flag.
#[derive(Debug, Clone, Default)]
pub struct FaultGate(Arc<AtomicBool>);

impl FaultGate {
    /// Stops all faults.
    pub fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the faults have stopped.
    pub fn is_now(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
