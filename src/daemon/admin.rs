//! What the daemon shows of itself over HTTP: liveness, readiness, metrics, and how things are.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Inspector;
use crate::actors::Overview;
use crate::cluster::health::StaleWatch;
use crate::cluster::meter::Meter;

/// The content type of Prometheus' text format with OpenMetrics names.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the admin server shows; shared with whoever changes it.
#[derive(Clone)]
pub struct Admin {
    /// Counts of requests.
    pub meter: Meter,
    is_leader: Arc<AtomicBool>,
    inspector: watch::Sender<Option<Inspector>>,
}

impl Admin {
    /// Nothing to show yet.
    pub fn new(meter: Meter) -> Self {
        Self { meter, is_leader: Arc::default(), inspector: watch::Sender::new(None) }
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
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            };
            let admin = self.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let admin = admin.clone();
                    async move { Ok::<_, Infallible>(admin.answer(request.method(), request.uri().path()).await) }
                });
                let mut http = hyper::server::conn::http1::Builder::new();
                http.timer(TokioTimer::new());
                if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
                    tracing::debug!(%error, "an admin connection ended early");
                }
            });
        }
    }

    /// The answer to a request.
    pub async fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET is allowed\n");
        }
        match path {
            "/livez" => text(StatusCode::OK, "ok\n"),
            "/readyz" => self.readiness().await,
            "/metrics" => self.metrics().await,
            _ => text(StatusCode::NOT_FOUND, "there are /livez, /readyz and /metrics\n"),
        }
    }

    /// A standby is ready to take over; a leader is once it has seen everything, and for as long as it sees.
    async fn readiness(&self) -> Response<Full<Bytes>> {
        match (self.is_leader.load(Ordering::Relaxed), self.overview().await) {
            (false, _) => text(StatusCode::OK, "ok: standing by\n"),
            (true, Some(overview)) if overview.is_ready => text(StatusCode::OK, "ok: leading\n"),
            (true, Some(overview)) => text(StatusCode::SERVICE_UNAVAILABLE, &unreadiness(&overview.stale_watches)),
            (true, None) => text(StatusCode::SERVICE_UNAVAILABLE, "the supervisor does not answer\n"),
        }
    }

    async fn metrics(&self) -> Response<Full<Bytes>> {
        let mut registry = Registry::with_prefix("machine_os_builder");
        self.meter.register(&mut registry);
        let gauge = |registry: &mut Registry, name: &str, help: &str, value: usize| {
            registry.register(name, help, ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)));
        };
        let is_leader = self.is_leader.load(Ordering::Relaxed);
        gauge(&mut registry, "leader", "Whether this process leads", usize::from(is_leader));
        if let Some(overview) = self.overview().await {
            gauge(
                &mut registry,
                "ready",
                "Whether every watch is listed, and none stale",
                usize::from(overview.is_ready),
            );
            let stale = overview.stale_watches.len();
            gauge(&mut registry, "stale_watches", "Watches that do not see what happens", stale);
            gauge(&mut registry, "pools", "Pools that are looked after", overview.pools.len());
            gauge(&mut registry, "active_builds", "Pools that build, or are about to", overview.building);
            gauge(&mut registry, "waiting_builds", "Pools that wait for a slot", overview.waiting);
            let crashes = overview.crashes.values().sum();
            gauge(&mut registry, "recent_actor_crashes", "Crashes of pool actors within the meltdown window", crashes);
        }
        let mut page = String::new();
        encode(&mut page, &registry).expect("writing to memory does not fail");
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
