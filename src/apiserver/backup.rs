//! A server whose storage is restored from a backup.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::kinds::DEFINITIONS;
use super::state::ApiServer;
use super::store::{Key, Object};

/// All that was stored at one moment.
#[derive(Debug, Clone)]
pub struct Backup {
    version: u64,
    /// By kind, in the order of the collections.
    objects: Vec<BTreeMap<Key, Arc<Object>>>,
}

impl ApiServer {
    /// All that is stored now.
    pub fn back_up(&self) -> Backup {
        let (version, objects) = self.0.store().objects();
        Backup { version, objects }
    }

    /// Restores the storage of `backup`: versions are counted from there again. Watches end. A client that resumes one
    /// from a version that is yet to come gets no events before that version, as on the real server.
    pub fn restore(&self, backup: &Backup) {
        let mut store = self.0.store();
        store.put_back(backup.version, &backup.objects);
        self.0.defined_at.store(store.collections[DEFINITIONS].newest().saturating_sub(1), Ordering::SeqCst);
        drop(store);
        self.0.refresh();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;

    use super::*;
    use crate::apiserver::ServerOptions;
    use crate::clock::Clock;

    fn send(server: &ApiServer, method: &str, path: &str, body: &str) -> u16 {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        server.handle(request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()).status().as_u16()
    }

    #[test]
    fn what_was_made_since_the_backup_is_gone_and_versions_go_on_from_there() {
        let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
        let server = ApiServer::new(ServerOptions::new(clock, 1));
        let path = "/api/v1/namespaces";
        assert_eq!(send(&server, "POST", path, r#"{"metadata": {"name": "before"}}"#), 201);
        let backup = server.back_up();
        assert_eq!(send(&server, "POST", path, r#"{"metadata": {"name": "later"}}"#), 201);
        let version = server.back_up().version;
        assert_eq!(send(&server, "DELETE", "/api/v1/namespaces/before", ""), 200);
        server.restore(&backup);
        assert_eq!(send(&server, "GET", "/api/v1/namespaces/later", ""), 404);
        assert_eq!(send(&server, "GET", "/api/v1/namespaces/before", ""), 200);
        assert_eq!(send(&server, "POST", path, r#"{"metadata": {"name": "anew"}}"#), 201);
        assert_eq!(server.back_up().version, version, "one change since the backup, as before");
    }
}
