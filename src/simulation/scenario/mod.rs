//! Scenarios: user actions, other controllers' writes and faults around the daemon, drawn from a seed over virtual
//! time.
//!
//! A run has two phases. In the first, faults happen for a bounded time. Then all faults stop and users correct their
//! inputs. From there on, the daemon must build every pool within a bound, must leave no object behind, and must then
//! send no request for an hour. The invariants are checked after each request in both phases.
//!
//! A scenario is a preset, or a YAML file of rates such as this one. Every entry is optional; faults that it does not
//! list are off. A time is the average interval between two events of a kind. A share is of requests or of builds, from
//! 0 to 1.
//!
//! ```yaml
//! pools: 4                  # opted in at first
//! replicas: 2               # processes of the daemon
//! builder: mixed            # pod, openshift, or mixed
//! concurrent-builds: 3      # 0 is no limit
//! faults: 2h                # duration of the first phase
//! mended: true              # whether users correct their inputs after it
//! swarm: true               # whether each seed leaves out some of the entries below
//! network:
//!   cuts: 10m               # connections are cut, watches among them
//!   silences: 10m           # connections deliver nothing more, and stay open without an error
//!   partitions: 30m         # a process cannot reach the API server for a while
//!   errors: 0.05            # requests answered with 409, 429, 500 or 503
//!   lost: 0.02              # requests, or their answers, that are lost
//!   slow: 0.1               # requests, or their answers, that take seconds
//!   latency: 30ms           # maximum delay of a request without other faults
//!   event-window: 64        # changes after which an older watch is answered with 410
//!   lags: 15m               # events arrive late for a while; each watch has its own delay
//!   duplicates: 0.02        # events that are repeated, alone or with some of those before them
//!   api-server-restarts: 1h # it is down for a while, and keeps no changes from before
//! processes:
//!   crashes: 20m
//!   restarts: 30m           # orderly
//!   pauses: 30m             # it is suspended for a while, and then sends its pending requests
//!   clock-errors: 3m        # maximum error of each clock, either way; it is set once in its life
//! builds:
//!   failures: 0.1           # the user's fault, or a refusal by the registry
//!   evictions: 0.05
//!   node-losses: 0.05
//!   registry-faults: 0.1    # images that cannot be pulled or pushed for now
//!   late-starts: 0.1        # image pull back-off, for a while
//!   never-starts: 0.05
//!   rejections: 0.05        # the kubelet of its node rejects it: OutOfcpu, NodeAffinity and the like
//!   out-of-memory: 0.05
//!   unknown-ends: 0.05      # its node has forgotten how it ended
//!   init-failures: 0.05     # an init container that others have added fails
//!   full-disks: 0.05        # no space is left on its node's disk
//!   start-errors: 0.05      # its program cannot be started
//!   overruns: 0.05          # it takes longer than it may
//!   bare-ends: 0.05         # its pod fails without a reason or message
//!   deletions: 20m          # another client deletes a build object
//! neighbours:
//!   status-writes: 10s      # another controller writes the status of pools
//!   conflict-storms: 30m    # the same, tens of times a second, while the daemon works on that pool
//!   degradations: 30m       # another controller sets Degraded, or NodeDegraded, for a while
//!   resets: 30m             # GitOps restores the user's objects
//! admission:                # the daemon's writes for one pool or for all are refused for a while
//!   quotas: 30m             # the quota has no room for another build
//!   pod-policies: 30m       # PodSecurity and the like forbid build pods, or a webhook denies them
//!   pool-policies: 30m      # a policy denies patches of pools
//!   webhook-outages: 30m    # a required webhook is down
//! users:
//!   opt-outs: 30m           # for a while
//!   edits: 15m              # of images, the release, Containerfiles, the repository, the builder
//!   bad-edits: 30m          # likewise, and corrected after a while
//!   rollouts: 10m
//!   rebuilds: 20m
//!   recreations: 60m        # a pool is deleted, and created again after a while
//! ```

mod amounts;
mod presets;
pub(crate) mod read;
pub(crate) mod run;
mod seeds;
mod swarm;
mod verdict;

use std::time::Duration;

use serde::Deserialize;

pub use self::amounts::{Every, Share};
pub use self::presets::{PRESETS, Preset};
pub use self::read::{ScenarioError, named, read};
pub use self::run::{Outcome, Run, run};
pub use self::seeds::{Failed, Summary, run_all};
use super::fleet::Builder;

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
