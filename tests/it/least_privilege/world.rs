//! A cluster whose daemon has the rights of its roles.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use kube::client::Body;
use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::DEFAULT_NAMESPACE;
use machine_os_builder::apiserver::{ApiServer, InProcess, LogEntry, ServerOptions, User};
use machine_os_builder::clock::Clock;
use machine_os_builder::cluster::lease::Timing;
use machine_os_builder::daemon;
use machine_os_builder::daemon::replica::LeaderElectionConfig;
use machine_os_builder::simulation::Process;
use machine_os_builder::simulation::faults::link_control::{Fate, Script};
use serde_json::Value;
use tower::ServiceExt as _;

use super::manifests::{CONTROLLER, Permission};
use crate::harness::cluster::{Cluster, inputs};

/// The user of the viewer commands. It is also the user agent, which marks its requests.
pub(super) const VIEWER: &str = "viewer";
pub(super) const TIMING: Timing = Timing {
    lease_duration: Duration::from_secs(15),
    renew_deadline: Duration::from_secs(10),
    retry_period: Duration::from_secs(2),
};

/// A server with the roles that every cluster has, and these objects.
pub(super) async fn server_with(objects: &[Value]) -> ApiServer {
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
    let server = ApiServer::new(ServerOptions { default_roles: true, ..ServerOptions::new(clock, 7) });
    for object in objects {
        let (code, answer) = send(server.service(), Method::POST, &collection_of(object), object).await;
        assert_eq!(code, 201, "{answer}");
    }
    server
}

/// Where an object of `config/rbac` is created.
pub(super) fn collection_of(object: &Value) -> String {
    let (version, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    let root = if version.contains('/') { "apis" } else { "api" };
    let namespace = object["metadata"]["namespace"].as_str().map(|n| format!("/namespaces/{n}")).unwrap_or_default();
    format!("/{root}/{version}{namespace}/{}s", kind.to_lowercase())
}

/// The answer to a request.
pub(super) async fn send(service: InProcess, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let media_type = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
    let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    let request = Request::builder().method(method).uri(path).header("content-type", media_type);
    let response = service.oneshot(request.body(Body::from(body.to_vec())).unwrap()).await.unwrap();
    let code = response.status().as_u16();
    if response.body().is_watch() {
        return (code, Value::Null);
    }
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&body).unwrap_or_default())
}

/// A cluster with a user's inputs in it, and a daemon that acts as its account.
pub(super) struct World {
    pub cluster: Cluster,
    denied: Arc<Mutex<Vec<LogEntry>>>,
}

impl World {
    pub(super) async fn with(objects: &[Value]) -> Self {
        let server = server_with(objects).await;
        let denied = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&denied);
        server.add_auditor(Arc::new(move |entry, _| {
            // Secrets are not for viewers, and they can do without.
            let is_expected = entry.agent == VIEWER && entry.resource == "secrets";
            if entry.code == 403 && !is_expected {
                all.lock().unwrap().push(entry.clone());
            }
        }));
        let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
        let mut cluster = Cluster::on(server, clock);
        // The tests wait for states that never come, while the daemon retries. A short wait keeps them fast.
        cluster.patience = Duration::from_secs(30);
        for object in inputs() {
            cluster.create(object).await;
        }
        Self { cluster, denied }
    }

    /// A process of the daemon, all of whose requests arrive.
    pub(super) fn start(&self, name: &str) -> Process {
        self.start_with(name, Box::new(|_| Fate::Arrives))
    }

    pub(super) fn start_with(&self, name: &str, script: Script) -> Process {
        let user = User::service_account(DEFAULT_NAMESPACE, CONTROLLER);
        let service = self.cluster.server.service().as_user(user);
        let candidacy = LeaderElectionConfig { identity: name.to_owned(), timing: TIMING };
        let options = daemon::DaemonOptions::new(ActorSettings::default(), self.cluster.clock, name.len() as u64);
        Process::start_by(service, Some(candidacy), options, script)
    }

    /// The requests that were denied so far.
    pub(super) fn denied(&self) -> Vec<LogEntry> {
        self.denied.lock().unwrap().clone()
    }
}

impl Permission {
    /// Whether this is what a request is denied without.
    pub(super) fn is_for(&self, entry: &LogEntry) -> bool {
        let subresource = entry.subresource.as_ref().map(|name| format!("/{name}")).unwrap_or_default();
        // Of a Build, its strategy is asked for when it is created.
        let resource = if self.resource == "builds/docker" { "builds" } else { &self.resource };
        format!("{}{subresource}", entry.resource) == resource
            && entry.verb.as_str() == self.verb
            && (self.namespace.is_none() || self.namespace == entry.namespace)
    }
}
