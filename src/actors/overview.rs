//! The state of a daemon, for its probes, its Lease and its tests.

use crate::cluster::watch_health::StaleWatch;

/// The state of a daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// Whether every watch that all pools need has been listed, so that the pool actors run, and none of those watches
    /// is stale. A stale watch of an optional kind does not make the daemon unready.
    pub is_ready: bool,
    /// Watches that miss changes, those of Secrets included, which pools wait for.
    pub stale_watches: Vec<StaleWatch>,
    /// Pools that have an actor.
    pub pools: Vec<String>,
    /// Pools that build, or are about to.
    pub building: usize,
    /// Pools that wait for a slot.
    pub waiting: usize,
    /// The number of entries that the daemon keeps about the cluster.
    pub kept: usize,
}
