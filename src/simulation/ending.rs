//! How builds end, and who says so.

use std::sync::Arc;

/// How a build ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// With an image that is pushed.
    #[default]
    Succeeds,
    /// The user's Containerfile, or config, is at fault.
    Fails,
    /// The base image cannot be pulled, today.
    PullFails,
    /// The base image may not be pulled.
    PullDenied,
    /// The image is built, and cannot be pushed, today.
    PushFails,
    /// The image is built, and may not be pushed.
    PushDenied,
    /// Its node needs the room for something else.
    Evicted,
    /// Its node is gone, and tells of nothing any more, not even that it is over.
    NodeLost,
    /// It starts late: the images of its containers cannot be pulled for a while.
    PullBackOff,
    /// It never starts: no node has room for it.
    NeverStarts,
}

impl Ending {
    /// Whether the build fails, and would again: it is not just lost.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Fails | Self::PullDenied | Self::PushDenied)
    }
}

/// Says how the next build ends.
pub type Endings = Arc<dyn Fn() -> Ending + Send + Sync>;
