//! What an API server holds: its storage, its settings, and its observers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::admission::Admitter;
use super::audit::{self, Auditor};
use super::kinds::DEFINITIONS;
use super::log::LogEntry;
use super::pod_logs::PodLogs;
use super::registry::{self, Served};
use super::signer::Signer;
use super::store::Store;
use crate::clock::Clock;

/// An API server. Clones are the same server.
#[derive(Clone)]
pub struct ApiServer(pub(super) Arc<Inner>);

/// The state that the clones of a server share.
pub(super) struct Inner {
    pub clock: Clock,
    /// The served kinds. Code that also locks the store must lock the store first.
    pub served: Mutex<Arc<[Served]>>,
    /// The version of the newest change of a definition that is taken into account there.
    pub defined_at: AtomicU64,
    pub store: Mutex<Store>,
    pub log: Mutex<VecDeque<LogEntry>>,
    pub log_length: usize,
    pub pod_logs: PodLogs,
    pub signer: Signer,
    pub auditors: Mutex<Vec<Auditor>>,
    pub admitter: Mutex<Option<Admitter>>,
    /// Whether the server is away.
    pub is_away: AtomicBool,
    /// Told when the server is back; wakes those that wait in the order in which they began to.
    pub back: Notify,
}

impl Inner {
    /// The store, locked.
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.store)
    }

    /// The served kinds, each with its collection.
    pub(super) fn served(&self) -> Arc<[Served]> {
        Arc::clone(&lock(&self.served))
    }

    /// Serves what is defined now, if definitions have changed: a client that gets its answer may use its definition at
    /// once.
    ///
    /// Any write may change them. A definition can go with its owner.
    pub(super) fn refresh(&self) {
        let mut store = self.store();
        let newest = store.collections[DEFINITIONS].newest();
        if self.defined_at.fetch_max(newest, Ordering::SeqCst) >= newest {
            return;
        }
        *lock(&self.served) = registry::refreshed(&mut store).into();
    }

    /// Shows a request, and what it changed, to all auditors.
    pub(super) fn audit(&self, entry: &LogEntry) {
        let auditors = lock(&self.auditors).clone();
        if auditors.is_empty() {
            return;
        }
        let changes = self.store().take_unaudited();
        auditors.iter().for_each(|auditor| audit::audit(auditor, entry, &changes));
    }

    /// Logs a request, and forgets the oldest ones beyond the length of the log.
    pub(super) fn record(&self, entry: LogEntry) {
        let mut log = lock(&self.log);
        while log.len() >= self.log_length.max(1) {
            log.pop_front();
        }
        log.push_back(entry);
    }
}

/// The content of a mutex, even if a thread panicked while it held the lock.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
