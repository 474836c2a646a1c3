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
mod entries;
mod presets;
pub(crate) mod read;
mod swarm;

pub use self::amounts::{Every, Share};
pub use self::entries::{Admission, Builds, Neighbours, Network, Processes, Scenario, Users};
pub use self::presets::{PRESETS, Preset};
pub use self::read::{ScenarioError, named, read};
