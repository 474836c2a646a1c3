//! The way of one process's requests, and who controls it.

use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::RETRY_AFTER;
use http::{Request, Response};
use kube::client::Body;
use serde_json::json;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep};
use tower::{BoxError, Service, ServiceExt as _};

use super::body::Connection;
use super::{Fate, LinkBody, Passing, Script};
use crate::apiserver::{InProcess, ResponseBody};

/// How a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Up,
    /// Connections are refused, and those that stood are cut; counts the cuts.
    Down,
    /// Nothing comes or goes, and nobody says so.
    Silent,
    /// The process is dead: whatever it waits for never comes.
    Dead,
}

/// One process's connection to the API server.
#[derive(Clone)]
pub struct Link {
    inner: InProcess,
    wire: Wire,
}

/// Controls a link. Clones control the same one.
#[derive(Clone)]
pub struct Wire(Arc<Controls>);

struct Controls {
    state: watch::Sender<State>,
    /// Told each time that standing connections are cut; wakes them in the order in which they began to wait.
    cuts: broadcast::Sender<()>,
    /// Raised each time that standing connections fall silent for good.
    silences: AtomicU64,
    script: Mutex<Script>,
    passed: Mutex<Vec<Passing>>,
    arrived: Mutex<Vec<(Instant, Passing)>>,
}

impl Link {
    /// A link over `inner`, and what controls it.
    pub fn new(inner: InProcess, script: Script) -> (Self, Wire) {
        let wire = Wire(Arc::new(Controls {
            state: watch::Sender::new(State::Up),
            cuts: broadcast::Sender::new(1),
            silences: AtomicU64::new(0),
            script: Mutex::new(script),
            passed: Mutex::default(),
            arrived: Mutex::default(),
        }));
        (Self { inner, wire: wire.clone() }, wire)
    }
}

impl Wire {
    /// Refuses connections, and cuts those that stand.
    pub fn cut(&self) {
        self.0.state.send_replace(State::Down);
        self.cut_standing();
    }

    /// Cuts the connections that stand, watches among them; new ones can be made.
    pub fn cut_standing(&self) {
        // None may stand.
        let _ = self.0.cuts.send(());
    }

    /// Lets nothing through, and says nothing.
    pub fn silence(&self) {
        self.0.state.send_replace(State::Silent);
        self.silence_standing();
    }

    /// Lets nothing come over the connections that stand, watches among them, and says nothing; new ones can be made.
    pub fn silence_standing(&self) {
        self.0.silences.fetch_add(1, Ordering::SeqCst);
    }

    /// Lets everything through again, for new connections.
    pub fn restore(&self) {
        if !self.is_dead() {
            self.0.state.send_replace(State::Up);
        }
    }

    /// The process is dead to the world from here on.
    pub fn kill(&self) {
        self.0.state.send_replace(State::Dead);
        self.silence_standing();
    }

    /// Whether the process is dead.
    pub fn is_dead(&self) -> bool {
        *self.0.state.borrow() == State::Dead
    }

    /// Waits until the process is dead.
    pub async fn died(&self) {
        let mut state = self.0.state.subscribe();
        let _ = state.wait_for(|state| *state == State::Dead).await;
    }

    /// The requests so far.
    pub fn passed(&self) -> Vec<Passing> {
        self.0.passed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The requests that the API server has answered so far, whatever became of the answers, and when it did.
    pub fn arrived(&self) -> Vec<(Instant, Passing)> {
        self.0.arrived.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What becomes of requests from here on.
    pub fn set_script(&self, script: Script) {
        *self.0.script.lock().unwrap_or_else(PoisonError::into_inner) = script;
    }

    fn next(&self, request: &Request<Body>) -> (Passing, Fate) {
        let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
        let mut passed = self.0.passed.lock().unwrap_or_else(PoisonError::into_inner);
        let passing = Passing { number: passed.len(), method: request.method().clone(), path };
        passed.push(passing.clone());
        drop(passed);
        let fate = self.0.script.lock().unwrap_or_else(PoisonError::into_inner)(&passing);
        (passing, fate)
    }

    fn note_arrived(&self, passing: Passing) {
        self.0.arrived.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), passing));
    }

    /// A connection that is made now.
    fn connect(&self) -> Connection {
        let (mut cuts, wire) = (self.0.cuts.subscribe(), self.clone());
        let silences_before = self.0.silences.load(Ordering::SeqCst);
        let cut = async move {
            // It may have missed some of several.
            let _ = cuts.recv().await;
            "the connection was cut".into()
        };
        Connection {
            cut: cut.boxed(),
            is_mute: Box::new(move || wire.0.silences.load(Ordering::SeqCst) > silences_before),
        }
    }

    /// Waits for ever if nothing comes through; an error if connections are refused.
    async fn pass(&self) -> Result<(), BoxError> {
        let state = *self.0.state.borrow();
        match state {
            State::Up => Ok(()),
            State::Down => Err("connection refused".into()),
            State::Silent | State::Dead => pending().await,
        }
    }
}

impl Service<Request<Body>> for Link {
    type Response = Response<LinkBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        carry(self.clone(), request).boxed()
    }
}

async fn carry(link: Link, request: Request<Body>) -> Result<Response<LinkBody>, BoxError> {
    let Link { inner, wire } = link;
    wire.pass().await?;
    let connection = wire.connect();
    let (passing, fate) = wire.next(&request);
    match fate {
        Fate::Waits(time) => sleep(time).await,
        Fate::Fails => return Err("the connection was cut".into()),
        Fate::Vanishes => return pending().await,
        Fate::DiesBefore => wire.kill(),
        Fate::Answered(code, after) => return Ok(answer(code, after).map(|body| LinkBody::new(body, connection))),
        _ => {}
    }
    wire.pass().await?;
    let response = inner.oneshot(request).await?;
    wire.note_arrived(passing);
    match fate {
        Fate::AnswerWaits(time) => sleep(time).await,
        Fate::Unanswered => return Err("the connection was cut".into()),
        Fate::AnswerVanishes => return pending().await,
        Fate::DiesAfter => wire.kill(),
        _ => {}
    }
    wire.pass().await?;
    let response = response.map(|body| LinkBody::new(body, connection));
    Ok(if fate == Fate::Truncated { response.map(LinkBody::truncated) } else { response })
}

/// An answer of something between a process and the API server.
fn answer(code: u16, after: Option<u64>) -> Response<ResponseBody> {
    let reason = match code {
        404 => "NotFound",
        409 => "Conflict",
        429 => "TooManyRequests",
        500 => "InternalError",
        _ => "ServiceUnavailable",
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "reason": reason,
        "message": "a fault of the simulation",
    });
    let mut response = Response::new(ResponseBody::full(status.to_string()));
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    if let Some(after) = after {
        response.headers_mut().insert(RETRY_AFTER, after.into());
    }
    response
}
