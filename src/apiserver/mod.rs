//! The embedded API server: as much of a Kubernetes API server as this daemon, its tests and `kubectl` need.
//!
//! [`ApiServer::handle`] answers a request. Two fronts lead there: [`InProcess`] for clients in the same process, and
//! [`HttpsFront`] for all others.
//!
//! It stores objects, counts versions, refuses what the real server refuses, and sends changes to watchers. It reads
//! only the clock that it is given, and draws random numbers only from its seed: the same requests at the same times
//! give the same answers. ServiceAccount tokens are the exception, because a client must not be able to guess them.
//!
//! A client on the network identifies itself with a bearer token, and the stored Roles and bindings decide what it may
//! do. A client in this process may do everything, unless it [acts as a user](InProcess::as_user).
//!
//! Two deletions are immediate here that controllers do asynchronously in a cluster: dependents are deleted with their
//! owner, and the contents of a namespace with the namespace. An object that is created after its owner was deleted
//! stays.

mod admission;
mod age;
mod audit;
mod authentication;
mod authorization;
mod backup;
mod bind;
mod body;
mod columns;
mod default_roles;
mod defaults;
mod definition;
mod delete;
mod discovery;
mod field_error;
mod front;
mod gc;
mod https;
mod identity;
mod kinds;
mod list;
mod log;
mod meta;
mod negotiate;
mod object;
mod openapi;
mod openapi_protobuf;
mod options;
mod outage;
mod patch;
mod path;
mod pod_logs;
mod preserve;
mod print;
mod protobuf;
mod pruning;
mod registry;
mod reply;
mod reviews;
mod route;
mod rules;
mod schema;
mod selector;
mod serve;
mod status;
mod store;
mod tokens;
mod validate;
mod watch;
mod write;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::header::USER_AGENT;
use http::request::Parts;
use http::{Method, Request, Response};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

pub use admission::{AdmissionRequest, Admitter, Refusal};
pub use audit::{AuditedChange, Auditor};
pub use authentication::User;
pub use backup::Backup;
pub use body::ResponseBody;
pub use front::InProcess;
pub use https::HttpsFront;
pub use identity::{Identity, IdentityError};
pub use log::{LogEntry, Verb};
pub use options::ServerOptions;
pub use pod_logs::PodLogs;

use crate::api::DEFAULT_NAMESPACE;
use crate::clock::Clock;
use kinds::{BUILD, DEFINED, DEFINITIONS, KINDS, NAMESPACES, ResourceKind};
use registry::Served;
use reply::{Answer, Reply, respond};
use route::{Query, Target};
use serve::Call;
use status::StatusError;
use store::Store;
use write::WriteContext;

/// An API server. Clones are the same server.
#[derive(Clone)]
pub struct ApiServer(Arc<Inner>);

struct Inner {
    clock: Clock,
    /// The served kinds. Code that also locks the store must lock the store first.
    served: Mutex<Arc<[Served]>>,
    /// The version of the newest change of a definition that is taken into account there.
    defined_at: AtomicU64,
    /// How many of those are in the built-in table, and stay.
    built_in: usize,
    store: Mutex<Store>,
    log: Mutex<VecDeque<LogEntry>>,
    log_length: usize,
    pod_logs: PodLogs,
    signer: tokens::Signer,
    auditors: Mutex<Vec<Auditor>>,
    outage: outage::Outage,
    admission: admission::Admission,
}

impl Inner {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn served(&self) -> Arc<[Served]> {
        Arc::clone(&self.served.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn kinds(&self) -> Vec<&'static ResourceKind> {
        self.served().iter().map(|served| served.kind).collect()
    }

    /// Serves what is defined now, if definitions have changed: a client that gets its answer may use its definition at
    /// once.
    ///
    /// Any write may change them. A definition can go with its owner.
    fn refresh(&self) {
        let mut store = self.store();
        let newest = store.collections[DEFINITIONS].newest();
        if self.defined_at.fetch_max(newest, Ordering::SeqCst) >= newest {
            return;
        }
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        *served = registry::refreshed(&mut store, &served, self.built_in).into();
    }

    fn audit(&self, entry: &LogEntry) {
        let auditors = self.auditors.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if auditors.is_empty() {
            return;
        }
        let changes = self.store().take_unaudited();
        auditors.iter().for_each(|auditor| audit::audit(auditor, entry, &changes));
    }

    fn log(&self) -> MutexGuard<'_, VecDeque<LogEntry>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, entry: LogEntry) {
        let mut log = self.log();
        while log.len() >= self.log_length.max(1) {
            log.pop_front();
        }
        log.push_back(entry);
    }
}

impl ApiServer {
    /// A server with nothing in it but the namespaces that every cluster has and this daemon's own, and the
    /// definitions of the kinds that it builds from.
    pub fn new(options: ServerOptions) -> Self {
        let ServerOptions { clock, seed, event_window, serve_builds, default_roles, log_length } = options;
        let kinds: Vec<&'static ResourceKind> = KINDS.iter().collect();
        let mut store = Store::new(kinds.iter().copied(), seed, event_window);
        for name in ["default", "kube-system", DEFAULT_NAMESPACE] {
            found(&mut store, NAMESPACES, json!({"metadata": {"name": name}}), clock.now());
        }
        for kind in DEFINED.iter().filter(|kind| serve_builds || kind.name != BUILD) {
            found(&mut store, DEFINITIONS, definition::of(kind), clock.now());
        }
        for (kind, object) in default_roles::objects().into_iter().filter(|_| default_roles) {
            let collection = KINDS.iter().position(|known| known.name == kind).expect("there is such a kind");
            found(&mut store, collection, object, clock.now());
        }
        let server = Self(Arc::new(Inner {
            clock,
            served: Mutex::new(registry::built_in(&kinds).into()),
            defined_at: AtomicU64::new(0),
            built_in: kinds.len(),
            store: Mutex::new(store),
            log: Mutex::default(),
            log_length,
            pod_logs: PodLogs::default(),
            signer: tokens::Signer::default(),
            auditors: Mutex::default(),
            outage: outage::Outage::default(),
            admission: admission::Admission::default(),
        }));
        server.0.refresh();
        server
    }

    /// Answers one request.
    ///
    /// A watch's body needs a runtime with a timer where it is read.
    pub fn handle(&self, request: Request<Bytes>) -> Response<ResponseBody> {
        let (parts, body) = request.into_parts();
        let format = negotiate::format(&parts.headers);
        // Some objects have names that no path can hold as they are: `system:a b` is a ClusterRole's.
        let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy();
        let (target, query) = (Target::parse(&path), Query::of(&parts));
        let allowed = authorization::admit(&self.0, &parts, target.as_ref(), &query);
        let Some(target) = target else {
            return respond(allowed.and_then(|_| self.answer_about_itself(&parts)), format);
        };
        // A client without the right to ask must not learn whether the resource exists.
        let refused = |failure| respond(Err(allowed.as_ref().err().cloned().unwrap_or(failure)), format);
        let served = self.0.served();
        let Some(Served { kind, collection }) = served.iter().copied().find(|served| target.fits(served.kind)) else {
            return refused(StatusError::unknown_path());
        };
        let Some(verb) = route::verb(&parts.method, target.name.is_some(), &query) else {
            return refused(StatusError::method_not_allowed(Some(kind)));
        };
        let agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let admitter = self.0.admission.get();
        let answer = allowed.and_then(|user| {
            let (target, query, admitter) = (&target, &query, admitter.as_ref());
            let (parts, body, user) = (&parts, &body, &user);
            Call { target, query, verb, parts, body, user, agent, admitter, kind, collection }.answer(&self.0)
        });
        let response = respond(answer, format);
        let entry = LogEntry {
            at: self.0.clock.now(),
            agent: agent.to_owned(),
            verb,
            resource: target.plural.to_owned(),
            subresource: target.subresource.map(str::to_owned),
            namespace: target.namespace.map(str::to_owned),
            name: target.name.map(str::to_owned),
            code: response.status().as_u16(),
        };
        self.0.audit(&entry);
        self.0.record(entry);
        response
    }

    /// Lets `auditor` know of every request from here on, beside those that know already.
    pub fn add_auditor(&self, auditor: Auditor) {
        self.0.store().keep_for_audit();
        self.0.auditors.lock().unwrap_or_else(PoisonError::into_inner).push(auditor);
    }

    /// Answers a request for a path that is no resource's.
    fn answer_about_itself(&self, parts: &Parts) -> Answer {
        let path = parts.uri.path();
        if matches!(path, "/healthz" | "/livez" | "/readyz") {
            return Ok(Reply::text("ok"));
        }
        let kinds = self.0.kinds();
        let document = discovery::answer(&kinds, path).or_else(|| openapi::answer(&kinds, path));
        let document = document.ok_or_else(StatusError::unknown_path)?;
        if parts.method != Method::GET {
            return Err(StatusError::method_not_allowed(None));
        }
        if negotiate::wants_aggregated_discovery(&parts.headers)
            && let Some(document) = discovery::aggregated(&kinds, path)
        {
            return Ok(Reply::document(document.to_string(), discovery::AGGREGATED));
        }
        if path == openapi::VERSION_2 && negotiate::wants_openapi_protobuf(&parts.headers) {
            return Ok(Reply::document(openapi_protobuf::document(&kinds), openapi::PROTOBUF));
        }
        Ok(Reply::full(200, document.to_string()))
    }

    /// The output of containers; the node agent adds to it.
    pub fn pod_logs(&self) -> PodLogs {
        self.0.pod_logs.clone()
    }

    /// A client in the same process, that calls itself `user_agent`. Needs a runtime to be made and used in.
    pub fn client(&self, user_agent: &str) -> kube::Client {
        kube::Client::new(self.service().with_agent(user_agent), "default")
    }

    /// The service that a client in the same process talks to.
    pub fn service(&self) -> InProcess {
        InProcess::new(self.clone())
    }

    /// The requests for resources so far, oldest first.
    pub fn log(&self) -> Vec<LogEntry> {
        self.0.log().iter().cloned().collect()
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        self.0.log().clear();
    }
}

/// Creates an object that is there from the start.
fn found(store: &mut Store, collection: usize, object: Value, now: Timestamp) {
    let kind = &KINDS[collection];
    let place = WriteContext {
        collection,
        kind,
        namespace: "",
        name: "",
        is_status: false,
        now,
        dry_run: false,
        is_strict: false,
        gate: None,
    };
    write::create(store, &place, object).expect("what is there from the start is valid");
}
