//! Condition types of a MachineConfigPool, and the reasons that this daemon gives.

/// The four build conditions: at most one of them is True at any time.
pub const BUILD_CONDITIONS: [&str; 4] = [BUILD_PENDING, BUILDING, BUILD_SUCCESS, BUILD_FAILED];

/// A build waits: for a slot, for its pod to start, or for its next attempt.
pub const BUILD_PENDING: &str = "BuildPending";
/// A build runs.
pub const BUILDING: &str = "Building";
/// The pool's image is that of its rendered config.
pub const BUILD_SUCCESS: &str = "BuildSuccess";
/// The build failed, or cannot be made from its inputs.
pub const BUILD_FAILED: &str = "BuildFailed";

/// The pool is degraded; ours while its reason is [`reason::BUILD_FAILED`].
pub const DEGRADED: &str = "Degraded";
/// A node of the pool is degraded; never written here.
pub const NODE_DEGRADED: &str = "NodeDegraded";
/// The pool's config cannot be rendered; never written here.
pub const RENDER_DEGRADED: &str = "RenderDegraded";

/// Reasons of the build conditions.
pub mod reason {
    /// Waiting for a free build slot.
    pub const BUILD_QUEUED: &str = "BuildQueued";
    /// The build object is there and has not started.
    pub const BUILD_PENDING: &str = "BuildPending";
    /// The build runs.
    pub const BUILD_RUNNING: &str = "BuildRunning";
    /// The API server refuses a write that the build needs.
    pub const BUILD_REFUSED: &str = "BuildRefused";
    /// The build was lost; its next attempt is due.
    pub const BUILD_RETRYING: &str = "BuildRetrying";
    /// The image is published.
    pub const BUILD_SUCCEEDED: &str = "BuildSucceeded";
    /// The build failed; also the reason by which `Degraded` is known to be this daemon's.
    pub const BUILD_FAILED: &str = "BuildFailed";
    /// A foreign object has a name that the build needs.
    pub const NAME_CONFLICT: &str = "NameConflict";
}

/// A reason of Events on the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
pub enum EventReason {
    /// A build object was made.
    BuildStarted,
    /// An image was published.
    BuildSucceeded,
    /// A build failed for good.
    BuildFailed,
    /// A build was lost, and will be tried again.
    BuildRetrying,
    /// The API server refuses a write that a build needs.
    BuildRefused,
    /// An object of an earlier build does not go, and the next build waits for it.
    CleanUpHeld,
    /// A running build was stopped in favour of newer inputs.
    BuildSuperseded,
    /// An input cannot be used.
    ConfigInvalid,
    /// A user asked for a fresh build.
    RebuildRequested,
    /// The pool was opted out, and everything of its builds removed.
    OptedOut,
}

impl EventReason {
    /// The reason as the Event has it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether a user or an administrator has to look into it.
    pub const fn is_warning(self) -> bool {
        match self {
            Self::BuildFailed | Self::BuildRetrying | Self::BuildRefused | Self::CleanUpHeld | Self::ConfigInvalid => {
                true
            }
            Self::BuildStarted
            | Self::BuildSucceeded
            | Self::BuildSuperseded
            | Self::RebuildRequested
            | Self::OptedOut => false,
        }
    }
}
