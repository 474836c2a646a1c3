//! The daemon as an outside observer sees it: by its requests.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::api::Kind;
use crate::apiserver::Auditor;
use crate::daemon;

/// Reports which pool the daemon works on.
#[derive(Debug, Default)]
pub struct WatchedDaemon(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    pool: Mutex<String>,
    asked: Notify,
}

impl WatchedDaemon {
    /// The auditor to install in the API server.
    pub(super) fn auditor(&self) -> Auditor {
        let (shared, agent) = (Arc::clone(&self.0), daemon::user_agent());
        let pools = Kind::MachineConfigPool.resource().plural;
        Arc::new(move |entry, _| {
            if let Some(name) = entry.name.as_ref().filter(|_| entry.resource == pools && entry.agent == agent) {
                name.clone_into(&mut shared.pool.lock().unwrap_or_else(PoisonError::into_inner));
                shared.asked.notify_waiters();
            }
        })
    }

    /// Waits until the daemon has read or written a pool, and names it.
    pub(super) async fn next_pool(&self) -> String {
        self.0.asked.notified().await;
        self.0.pool.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
