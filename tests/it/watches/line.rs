//! The connection between a daemon and its cluster, with faults on demand.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full};
use kube::client::Body;
use machine_os_builder::actors::{ActorSettings, Overview};
use machine_os_builder::apiserver::ResponseBody;
use machine_os_builder::daemon::admin::Admin;
use machine_os_builder::daemon::{Daemon, DaemonOptions};
use serde_json::json;
use tower::{BoxError, Service as _};

use crate::harness::cluster::Cluster;

/// The fault of a request.
#[derive(Clone, Copy)]
pub(super) enum Fault {
    /// It does not reach the server; something in between answers with this code.
    Answer(u16),
    /// It is done; the answer begins and does not go on.
    Hang,
    /// It is done; the second half of the answer is missing.
    Truncate,
}

type Rule = Box<dyn FnMut(&Request<Body>) -> Option<Fault> + Send>;

#[derive(Default)]
struct State {
    rule: Option<Rule>,
    /// Watches whose path ends so are cut off.
    silent: Option<&'static str>,
    requests: Vec<String>,
    faults: usize,
}

/// A line whose faults can be changed at any time.
#[derive(Clone, Default)]
pub(super) struct Line(Arc<Mutex<State>>);

impl Line {
    /// From here on, `rule` says what happens to each request.
    pub(super) fn fails(&self, rule: impl FnMut(&Request<Body>) -> Option<Fault> + Send + 'static) {
        self.0.lock().unwrap().rule = Some(Box::new(rule));
    }

    /// From here on, the open watches of these deliver nothing more, and stay open without an error.
    pub(super) fn goes_silent(&self, plural: &'static str) {
        self.0.lock().unwrap().silent = Some(plural);
    }

    /// No more faults; what was cut off stays so.
    pub(super) fn heals(&self) {
        let mut state = self.0.lock().unwrap();
        (state.rule, state.silent) = (None, None);
    }

    /// Requests since the last call: method and target.
    pub(super) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().requests)
    }

    /// Requests that had a fault so far.
    pub(super) fn faults(&self) -> usize {
        self.0.lock().unwrap().faults
    }

    /// A daemon at the end of this line, and what it shows of itself.
    pub(super) async fn daemon(&self, cluster: &Cluster) -> (Daemon, Admin) {
        let (line, server) = (self.clone(), cluster.server.service());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (line, mut server) = (line.clone(), server.clone());
            async move {
                let path = request.uri().path().to_owned();
                let fault = line.fault_of(&request);
                if let Some(Fault::Answer(code)) = fault {
                    return Ok::<_, BoxError>(refusal(code).map(|body| End { inner: body, line, path, fault: None }));
                }
                let answer = server.call(request).await?;
                Ok(answer.map(|inner| End { inner, line, path, fault }))
            }
        });
        let options = DaemonOptions::new(ActorSettings::default(), cluster.clock, 7);
        let admin = Admin::new(options.metrics.clone());
        let daemon = Daemon::start(service, options).await.unwrap();
        admin.show(Some(daemon.inspector()));
        (daemon, admin)
    }

    fn fault_of(&self, request: &Request<Body>) -> Option<Fault> {
        let mut state = self.0.lock().unwrap();
        state.requests.push(format!("{} {}", request.method(), request.uri()));
        let fault = state.rule.as_mut()?(request);
        state.faults += usize::from(fault.is_some());
        fault
    }
}

fn refusal(code: u16) -> Response<ResponseBody> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "code": code});
    Response::builder().status(code).body(ResponseBody::full(status.to_string())).unwrap()
}

/// The daemon's end of one answer.
struct End {
    inner: ResponseBody,
    line: Line,
    path: String,
    fault: Option<Fault>,
}

impl http_body::Body for End {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let silent = self.line.0.lock().unwrap().silent;
        if self.inner.is_watch() && silent.is_some_and(|plural| self.path.ends_with(plural)) {
            self.fault = Some(Fault::Hang);
        }
        if matches!(self.fault, Some(Fault::Hang)) {
            return Poll::Pending;
        }
        let frame = Pin::new(&mut self.inner).poll_frame(cx).map_err(BoxError::from);
        match (self.fault, frame) {
            (Some(Fault::Truncate), Poll::Ready(Some(Ok(frame)))) => {
                let whole = frame.into_data().unwrap_or_default();
                Poll::Ready(Some(Ok(Frame::data(whole.slice(..whole.len() / 2)))))
            }
            (_, frame) => frame,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.fault.is_none() && self.inner.is_end_stream()
    }
}

/// Whether a request asks for a collection of these, be it once or to be told of changes.
pub(super) fn asks_for(request: &Request<Body>, plural: &str) -> bool {
    request.method() == Method::GET && request.uri().path().ends_with(plural)
}

/// The daemon's answer on its readiness.
pub(super) async fn readiness(admin: &Admin) -> (u16, String) {
    show(admin, "/readyz").await
}

/// The answer of the daemon's admin server at `path`.
pub(super) async fn show(admin: &Admin, path: &str) -> (u16, String) {
    let answer: Response<Full<Bytes>> = admin.answer(&Method::GET, path).await;
    let code = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (code, String::from_utf8(body.to_vec()).unwrap())
}

/// Names of the daemon's stale watches.
pub(super) async fn stale(daemon: &Daemon) -> Vec<String> {
    let Overview { is_ready, stale_watches, .. } = daemon.overview().await.unwrap();
    assert!(!is_ready || stale_watches.iter().all(|watch| watch.scope.kind.is_optional()));
    stale_watches.iter().map(|watch| watch.scope.to_string()).collect()
}
