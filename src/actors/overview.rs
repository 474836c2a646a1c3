//! The state of a daemon, for its probes, its Lease and its tests.

use crate::cluster::watch_health::StaleWatch;

/// How things are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// Whether every watch that all pools need has been listed, so that pools are being looked at, and none of those is
    /// stale since. One of a kind that a cluster may do without makes the daemon less useful, and no more.
    pub is_ready: bool,
    /// Watches that do not see what happens; Secrets' included, without which pools wait.
    pub stale_watches: Vec<StaleWatch>,
    /// Pools that have an actor.
    pub pools: Vec<String>,
    /// Pools that build, or are about to.
    pub building: usize,
    /// Pools that wait for a slot.
    pub waiting: usize,
    /// How much is kept of the cluster, in entries.
    pub kept: usize,
}
