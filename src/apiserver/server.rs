//! The setup of an API server, and its answers to requests.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::USER_AGENT;
use http::request::Parts;
use http::{Method, Request, Response};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::admission::Admitter;
use super::audit::Auditor;
use super::authentication::admit;
use super::body::ResponseBody;
use super::context::WriteContext;
use super::kinds::{BUILD, DEFINED, DEFINITIONS, KINDS, NAMESPACES, ResourceKind, position};
use super::log::LogEntry;
use super::options::ServerOptions;
use super::pod_logs::PodLogs;
use super::registry::{self, Served};
use super::reply::{Answer, Reply, respond};
use super::route::{self, Query, Target};
use super::serve::Call;
use super::signer::Signer;
use super::state::{ApiServer, Inner, lock};
use super::status::StatusError;
use super::store::Store;
use super::{default_roles, definition, discovery, negotiate, openapi, openapi_protobuf, write};
use crate::api::DEFAULT_NAMESPACE;

impl ApiServer {
    /// A server with nothing in it but the namespaces that every cluster has and this daemon's own, and the
    /// definitions of the kinds that it builds from.
    pub fn new(options: ServerOptions) -> Self {
        let ServerOptions { clock, seed, event_window, serve_builds, default_roles, log_length } = options;
        let mut store = Store::new(KINDS.iter(), seed, event_window);
        for name in ["default", "kube-system", DEFAULT_NAMESPACE] {
            found(&mut store, NAMESPACES, json!({"metadata": {"name": name}}), clock.now());
        }
        for kind in DEFINED.iter().filter(|kind| serve_builds || kind.name != BUILD) {
            found(&mut store, DEFINITIONS, definition::of(kind), clock.now());
        }
        for (kind, object) in default_roles::objects().into_iter().filter(|_| default_roles) {
            found(&mut store, position(kind).expect("there is such a kind"), object, clock.now());
        }
        let server = Self(Arc::new(Inner {
            clock,
            served: Mutex::new(registry::built_in().into()),
            defined_at: AtomicU64::new(0),
            store: Mutex::new(store),
            log: Mutex::default(),
            log_length,
            pod_logs: PodLogs::default(),
            signer: Signer::default(),
            auditors: Mutex::default(),
            admitter: Mutex::default(),
            is_away: AtomicBool::new(false),
            back: Notify::new(),
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
        let allowed = admit(&self.0, &parts, target.as_ref(), &query);
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
        let admitter = lock(&self.0.admitter).clone();
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
        lock(&self.0.auditors).push(auditor);
    }

    /// From here on, `admitter` is asked about each write, in place of the one before it; none refuses nothing.
    pub fn set_admission(&self, admitter: Option<Admitter>) {
        *lock(&self.0.admitter) = admitter;
    }

    /// Answers a request for a path that is no resource's.
    fn answer_about_itself(&self, parts: &Parts) -> Answer {
        let path = parts.uri.path();
        if matches!(path, "/healthz" | "/livez" | "/readyz") {
            return Ok(Reply::text("ok"));
        }
        let kinds: Vec<&ResourceKind> = self.0.served().iter().map(|served| served.kind).collect();
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

    /// The requests for resources so far, oldest first.
    pub fn log(&self) -> Vec<LogEntry> {
        lock(&self.0.log).iter().cloned().collect()
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        lock(&self.0.log).clear();
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
