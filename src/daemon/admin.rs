//! The admin server: liveness, readiness, metrics and the state of the daemon over HTTP.

mod connections;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::FutureExt as _;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use self::connections::CONNECTIONS_MAX;

use super::Inspector;
use super::metrics::Metrics;
use crate::actors::Overview;
use crate::cluster::watch_health::StaleWatch;

/// The content type of Prometheus' text format with OpenMetrics names.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The data that the admin server shows; clones share it with the code that updates it.
#[derive(Clone)]
pub struct Admin {
    metrics: Metrics,
    is_leader: Arc<AtomicBool>,
    inspector: watch::Sender<Option<Inspector>>,
}

impl Admin {
    /// Nothing to show yet but what `metrics` has counted.
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics, is_leader: Arc::default(), inspector: watch::Sender::new(None) }
    }

    /// From here on, this process leads, and this daemon is what there is to show; or it leads no more.
    pub fn show(&self, inspector: Option<Inspector>) {
        self.is_leader.store(inspector.is_some(), Ordering::Relaxed);
        self.inspector.send_replace(inspector);
    }

    /// Listens on `address`.
    pub async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
        TcpListener::bind(address).await
    }

    /// Answers requests that come in through `listener`, until it is dropped.
    pub async fn serve(self, listener: TcpListener) {
        let answer = move |request: Request<hyper::body::Incoming>| {
            let admin = self.clone();
            async move { admin.answer(request.method(), request.uri().path()).await }.boxed()
        };
        connections::serve(listener, Arc::new(answer)).await;
    }

    /// The answer to a request.
    pub async fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET is allowed\n");
        }
        match path {
            "/livez" => text(StatusCode::OK, "ok\n"),
            "/readyz" => self.readiness().await,
            "/metrics" => self.show_metrics().await,
            _ => text(StatusCode::NOT_FOUND, "there are /livez, /readyz and /metrics\n"),
        }
    }

    /// A standby is ready to take over; a leader is once it has seen everything, and for as long as it sees.
    async fn readiness(&self) -> Response<Full<Bytes>> {
        match (self.is_leader.load(Ordering::Relaxed), self.overview().await) {
            (false, _) => text(StatusCode::OK, "ok: standing by\n"),
            (true, Some(overview)) if overview.is_ready && overview.stale_watches.is_empty() => {
                text(StatusCode::OK, "ok: leading\n")
            }
            // Of a kind that a cluster may do without: whatever needs none of it goes on.
            (true, Some(overview)) if overview.is_ready => {
                text(StatusCode::OK, &format!("ok: leading, degraded\n{}", unreadiness(&overview.stale_watches)))
            }
            (true, Some(overview)) => text(StatusCode::SERVICE_UNAVAILABLE, &unreadiness(&overview.stale_watches)),
            (true, None) => text(StatusCode::SERVICE_UNAVAILABLE, "the supervisor does not answer\n"),
        }
    }

    async fn show_metrics(&self) -> Response<Full<Bytes>> {
        let is_leader = self.is_leader.load(Ordering::Relaxed);
        let page = self.metrics.page(is_leader, self.overview().await.as_ref());
        let mut response = text(StatusCode::OK, &page);
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(METRICS_TYPE));
        response
    }

    async fn overview(&self) -> Option<Overview> {
        let inspector = self.inspector.borrow().clone()?;
        inspector.overview().await
    }
}

/// Why a leader is not ready: a line for each watch that is to blame.
fn unreadiness(stale: &[StaleWatch]) -> String {
    if stale.is_empty() {
        return "not every watch is listed yet\n".to_owned();
    }
    stale.iter().fold("stale watches:\n".to_owned(), |page, watch| format!("{page}{watch}\n"))
}

fn text(status: StatusCode, body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(body.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
