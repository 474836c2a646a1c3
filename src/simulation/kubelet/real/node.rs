//! What the pods of a node share.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::host::Host;
use crate::apiserver::PodLogs;

/// The node, as its pods know it. Clones are the same node.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) host: Arc<Host>,
    /// Where pods reach the API server.
    pub(super) address: SocketAddr,
    pub(super) logs: PodLogs,
    /// Held by each pod for as long as anything of it is there.
    #[expect(dead_code, reason = "it is held, and that is all")]
    pub(super) held: mpsc::Sender<()>,
}
