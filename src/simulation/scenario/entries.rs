//! The entries of a scenario.

use std::time::Duration;

use serde::Deserialize;

use super::amounts::{self, Every, Share};
use crate::simulation::seed::Builder;

/// User actions, other controllers' writes and faults around the daemon.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// Pools that are opted in at first.
    pub pools: usize,
    /// Processes of the daemon.
    pub replicas: usize,
    /// The kind of build objects; with both kinds, users switch between them.
    pub builder: Builder,
    /// Builds that run at once; 0 is no limit.
    pub concurrent_builds: usize,
    /// How long things go wrong.
    #[serde(deserialize_with = "amounts::duration")]
    pub faults: Duration,
    /// Whether users mend their input after that. A scenario without has pools that cannot be built at its end, which is
    /// found.
    pub mended: bool,
    /// Whether each seed goes without some of what is listed: faults hide one another.
    pub swarm: bool,
    /// Network faults between the daemon and the API server.
    pub network: Network,
    /// Faults of the daemon's processes.
    pub processes: Processes,
    /// The ends of builds, and deletions of build objects.
    pub builds: Builds,
    /// Writes of other controllers.
    pub neighbours: Neighbours,
    /// Which writes of the daemon are refused.
    pub admission: Admission,
    /// Actions of users.
    pub users: Users,
}

/// Network faults between the daemon and the API server.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Network {
    /// The connections of a process are cut, watches among them.
    pub cuts: Every,
    /// The connections of a process deliver nothing more, and stay open without an error.
    pub silences: Every,
    /// A process cannot reach the API server for a while.
    pub partitions: Every,
    /// Requests that are answered with 409, 429, 500 or 503.
    pub errors: Share,
    /// Requests that are lost, or whose answers are.
    pub lost: Share,
    /// Requests that take seconds, or whose answers do.
    pub slow: Share,
    /// The maximum delay of a request without other faults.
    #[serde(deserialize_with = "amounts::duration")]
    pub latency: Duration,
    /// Changes of a kind that are kept; a watch from before them is answered with 410.
    pub event_window: usize,
    /// The watches of a process lag for a while, each by a time of its own: of two kinds, the later event may come first.
    pub lags: Every,
    /// Events of watches that come twice, be it alone or in a run of the latest ones.
    pub duplicates: Share,
    /// The API server is down for some seconds, for all clients, and keeps no changes from before.
    pub api_server_restarts: Every,
}

impl Default for Network {
    fn default() -> Self {
        const EVENT_WINDOW: usize = 256;
        Self {
            cuts: Every::default(),
            silences: Every::default(),
            partitions: Every::default(),
            errors: Share::default(),
            lost: Share::default(),
            slow: Share::default(),
            latency: Duration::ZERO,
            event_window: EVENT_WINDOW,
            lags: Every::default(),
            duplicates: Share::default(),
            api_server_restarts: Every::default(),
        }
    }
}

/// Faults of the daemon's processes. Each process is restarted after a while.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Processes {
    /// A process ends at once, in the middle of whatever it does.
    pub crashes: Every,
    /// A process is asked to stop, and ends in an orderly way.
    pub restarts: Every,
    /// A process is suspended for a while, possibly longer than its lease, and then sends its pending requests.
    pub pauses: Every,
    /// How far the clock of a process is off at most, either way, from its start on; in the middle of its life it is set,
    /// right or to another such error.
    #[serde(deserialize_with = "amounts::duration")]
    pub clock_errors: Duration,
}

/// The ends of builds, and deletions of build objects.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Builds {
    /// Builds that fail for good: the user's fault, or a registry that says no.
    pub failures: Share,
    /// Builds that are evicted.
    pub evictions: Share,
    /// Builds whose node is lost.
    pub node_losses: Share,
    /// Builds whose images cannot be pulled, or pushed, today.
    pub registry_faults: Share,
    /// Builds that start late, as the images of their containers cannot be pulled at first.
    pub late_starts: Share,
    /// Builds that never start.
    pub never_starts: Share,
    /// Builds that the kubelet of their node rejects.
    pub rejections: Share,
    /// Builds that are killed, as they take more memory than they may.
    pub out_of_memory: Share,
    /// Builds whose node has lost the state of their containers.
    pub unknown_ends: Share,
    /// Builds whose pods have an init container of others, which fails.
    pub init_failures: Share,
    /// Builds for which their node's disk has no room.
    pub full_disks: Share,
    /// Builds whose program cannot be started.
    pub start_errors: Share,
    /// Builds that take longer than they may.
    pub overruns: Share,
    /// Builds whose pods fail without a reason or message.
    pub bare_ends: Share,
    /// Another client deletes a build object.
    pub deletions: Every,
}

/// Writes of other controllers.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Neighbours {
    /// Another controller writes the status of a pool.
    pub status_writes: Every,
    /// Another controller writes the status of a pool repeatedly for some seconds, while the daemon works on it.
    pub conflict_storms: Every,
    /// Another controller degrades a pool for a while.
    pub degradations: Every,
    /// GitOps puts the user's objects back to what they were.
    pub resets: Every,
}

/// Which writes of the daemon are refused, each time for a while, and of one pool or of all.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Admission {
    /// A quota has no room for another build.
    pub quotas: Every,
    /// Policies, PodSecurity or a webhook forbid build pods.
    pub pod_policies: Every,
    /// A policy denies patches of pools.
    pub pool_policies: Every,
    /// A webhook that has to be asked is down.
    pub webhook_outages: Every,
}

/// Actions of users.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Users {
    /// A pool is opted out for a while.
    pub opt_outs: Every,
    /// An input is changed.
    pub edits: Every,
    /// An input is made bad, and mended after a while.
    pub bad_edits: Every,
    /// Another config is rolled out to a pool.
    pub rollouts: Every,
    /// A fresh build is asked for.
    pub rebuilds: Every,
    /// A pool is deleted, and made again after a while.
    pub recreations: Every,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            pools: 3,
            replicas: 1,
            builder: Builder::Pod,
            concurrent_builds: crate::api::limits::CONCURRENT_BUILDS_DEFAULT,
            faults: Duration::from_secs(3600),
            mended: true,
            swarm: false,
            network: Network::default(),
            processes: Processes::default(),
            builds: Builds::default(),
            neighbours: Neighbours::default(),
            admission: Admission::default(),
            users: Users::default(),
        }
    }
}
