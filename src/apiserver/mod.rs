//! The embedded API server: as much of a Kubernetes API server as this daemon and its tests need, in this process.
//!
//! It stores objects, counts versions, refuses what the real one refuses, and tells watchers of changes. It reads no
//! clock but the one that it is given and draws no randomness but from its seed: the same requests at the same times
//! give the same answers.
//!
//! Two things are at once here that take controllers a while in a cluster: what an object owned goes with it, and so
//! does what lives in a namespace. An object that is made when its owner is gone already stays.

mod bind;
mod body;
mod carry;
mod delete;
mod discovery;
mod front;
mod kinds;
mod list;
mod log;
mod meta;
mod patch;
mod route;
mod selector;
mod serve;
mod status;
mod store;
mod validate;
mod watch;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Request, Response, StatusCode};
use serde_json::json;

pub use body::ResponseBody;
pub use front::InProcess;
pub use log::{LogEntry, Verb};

use crate::api::DEFAULT_NAMESPACE;
use crate::clock::Clock;
use kinds::{BUILD, KINDS, Kind, NAMESPACES};
use route::{Query, Target};
use serve::{Answer, Call};
use status::Failure;
use store::Store;
use write::Place;

/// Changes that are kept of each kind, unless an option says otherwise.
const EVENT_WINDOW_DEFAULT: usize = 10_000;

/// How an API server is set up.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Where the time comes from.
    pub clock: Clock,
    /// What UIDs and generated names are drawn from.
    pub seed: u64,
    /// Changes that are kept of each kind; a watch from before them is refused as expired.
    pub event_window: usize,
    /// Whether `build.openshift.io` is served.
    pub serve_builds: bool,
}

impl Options {
    /// The usual setup.
    pub fn new(clock: Clock, seed: u64) -> Self {
        Self { clock, seed, event_window: EVENT_WINDOW_DEFAULT, serve_builds: true }
    }
}

/// An API server. Clones are the same server.
#[derive(Clone)]
pub struct ApiServer(Arc<Inner>);

struct Inner {
    clock: Clock,
    /// The kinds that are served, in the order of the store's collections.
    kinds: Vec<&'static Kind>,
    store: Mutex<Store>,
    log: Mutex<Vec<LogEntry>>,
}

impl Inner {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> MutexGuard<'_, Vec<LogEntry>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ApiServer {
    /// A server with nothing in it but the namespaces that every cluster has, and this daemon's own.
    pub fn new(options: Options) -> Self {
        let Options { clock, seed, event_window, serve_builds } = options;
        let kinds: Vec<&'static Kind> = KINDS.iter().filter(|kind| serve_builds || kind.name != BUILD).collect();
        let mut store = Store::new(kinds.iter().copied(), seed, event_window);
        for name in ["default", "kube-system", DEFAULT_NAMESPACE] {
            let place = Place {
                collection: NAMESPACES,
                kind: kinds[NAMESPACES],
                namespace: "",
                name: "",
                is_status: false,
                now: clock.now(),
                dry_run: false,
            };
            let namespace = json!({"metadata": {"name": name}});
            write::create(&mut store, &place, namespace).expect("a namespace of a valid name is valid");
        }
        Self(Arc::new(Inner { clock, kinds, store: Mutex::new(store), log: Mutex::default() }))
    }

    /// Answers one request.
    ///
    /// A watch's body needs a runtime with a timer where it is read.
    pub fn handle(&self, request: Request<Bytes>) -> Response<ResponseBody> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        let Some(target) = Target::parse(path) else {
            return respond(self.answer_about_itself(path));
        };
        let query = Query::of(&parts);
        let Some(verb) = route::verb(&parts.method, target.name.is_some(), &query) else {
            let kind = self.0.kinds.iter().find(|kind| target.fits(kind));
            return respond(Err(kind.map_or_else(Failure::unknown_path, |kind| Failure::method_not_allowed(kind))));
        };
        let call = Call { target: &target, query: &query, verb, parts: &parts, body: &body };
        let response = respond(call.answer(&self.0));
        let agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
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
        self.0.log().push(entry);
        response
    }

    /// Answers a request for a path that is no resource's.
    fn answer_about_itself(&self, path: &str) -> Answer {
        if matches!(path, "/healthz" | "/livez" | "/readyz") {
            return Ok((200, ResponseBody::full("ok")));
        }
        let answer = discovery::answer(&self.0.kinds, path).ok_or_else(Failure::unknown_path)?;
        Ok((200, ResponseBody::full(answer.to_string())))
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
        self.0.log().clone()
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        self.0.log().clear();
    }
}

fn respond(answer: Answer) -> Response<ResponseBody> {
    let (code, body) = match answer {
        Ok(answer) => answer,
        Err(failure) => (failure.code, ResponseBody::full(failure.body().to_string())),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
