//! How builds end, and the functions that decide it.

use std::sync::Arc;

/// How a build ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BuildOutcome {
    /// With an image that is pushed.
    #[default]
    Succeeds,
    /// The user's Containerfile or config is wrong.
    Fails,
    /// Its MachineConfig cannot be read.
    BadPayload,
    /// The base image cannot be pulled, today.
    PullFails,
    /// The base image may not be pulled.
    PullDenied,
    /// The base image cannot be pulled, and never will be: there is no such image.
    PullImpossible,
    /// The image is built, and cannot be pushed, today.
    PushFails,
    /// The image is built, and may not be pushed.
    PushDenied,
    /// The image is built, and never can be pushed: the registry's certificate is not trusted, or it has no such place.
    PushImpossible,
    /// A step needs more room than its node's disk has.
    DiskFull,
    /// The kernel kills the build, which takes more memory than it may.
    OutOfMemory,
    /// An init container, which others have added to the pod, fails.
    InitFails,
    /// The container's program cannot be started.
    CannotRun,
    /// It takes longer than it may.
    Overruns,
    /// Its pod fails without a reason or message.
    Bare,
    /// The kubelet of its node rejects it.
    Rejected(Rejection),
    /// Its node has lost the state of its containers, so their exit codes are unknown.
    Unknown,
    /// The kubelet evicts it, as its node is short of a resource.
    Evicted,
    /// Its node is gone, and reports nothing any more, not even the pod's end.
    NodeLost,
    /// It starts late: the images of its containers cannot be pulled for a while.
    PullBackOff,
    /// It never starts: no node has room for it.
    NeverStarts,
}

/// Why a kubelet rejects a pod that the scheduler has put on its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// There is not enough of the processor left.
    Cpu,
    /// There is not enough memory left.
    Memory,
    /// There are as many pods as may be.
    Pods,
    /// The node's labels are no longer those that the pod asks for.
    NodeAffinity,
    /// No single NUMA node has the resources that the pod asks for.
    Topology,
    /// A device cannot be given to the pod.
    Device,
    /// The node is about to shut down.
    Shutdown,
}

impl Rejection {
    /// All there are.
    pub const ALL: [Self; 7] =
        [Self::Cpu, Self::Memory, Self::Pods, Self::NodeAffinity, Self::Topology, Self::Device, Self::Shutdown];

    /// The reason and the message that stand in the pod's status then.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Cpu => (
                "OutOfcpu",
                "Pod was rejected: Node didn't have enough resource: cpu, requested: 500, used: 3750, capacity: 4000",
            ),
            Self::Memory => (
                "OutOfmemory",
                "Pod was rejected: Node didn't have enough resource: memory, requested: 2147483648, used: 6442450944, \
                 capacity: 7516192768",
            ),
            Self::Pods => (
                "OutOfpods",
                "Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: 250, capacity: 250",
            ),
            Self::NodeAffinity => (
                "NodeAffinity",
                "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
            ),
            Self::Topology => {
                ("TopologyAffinityError", "Pod was rejected: Resources cannot be allocated with Topology locality")
            }
            Self::Device => (
                "UnexpectedAdmissionError",
                "Pod was rejected: Allocate failed due to no healthy devices present; cannot allocate unhealthy devices, \
                 which is unexpected",
            ),
            Self::Shutdown => ("NodeShutdown", "Pod was rejected as the node is shutting down."),
        }
    }
}

impl BuildOutcome {
    /// Whether the build fails, and would again: it is not just lost.
    pub const fn is_failure(self) -> bool {
        match self {
            Self::Fails
            | Self::BadPayload
            | Self::PullDenied
            | Self::PullImpossible
            | Self::PushDenied
            | Self::PushImpossible
            | Self::OutOfMemory
            | Self::InitFails
            | Self::CannotRun
            | Self::Overruns
            | Self::Bare => true,
            Self::Succeeds
            | Self::PullFails
            | Self::PushFails
            | Self::DiskFull
            | Self::Rejected(_)
            | Self::Unknown
            | Self::Evicted
            | Self::NodeLost
            | Self::PullBackOff
            | Self::NeverStarts => false,
        }
    }

    /// The text that must be in the cause of an attempt that was lost by this end of its pod.
    pub const fn cause(self) -> Option<&'static str> {
        match self {
            Self::Rejected(rejection) => Some(rejection.words().0),
            Self::Unknown => Some("ContainerStatusUnknown"),
            Self::Evicted => Some("Evicted"),
            Self::DiskFull => Some("no space left on device"),
            Self::PullFails | Self::PushFails => Some("connection reset"),
            _ => None,
        }
    }
}

/// Decides how the next build ends.
pub type BuildOutcomes = Arc<dyn Fn() -> BuildOutcome + Send + Sync>;
