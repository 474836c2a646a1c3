//! The connections of the admin server: few, short, and none that keeps the others out.
//!
//! hyper bounds what one connection may take of memory and time; how many there are is bounded here. A router such as
//! axum's would add neither, and three paths need none.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time;

/// Connections at once: several scrapers, and the probes of a kubelet, need a few.
pub const CONNECTIONS_MAX: usize = 64;
/// How long the head of a request may take to arrive, and how long a connection may wait for the next one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may stay open at all: a client that does not read its answer cannot hold it any longer.
const CONNECTION_LIFE: Duration = Duration::from_secs(30);
/// The longest head of a request in bytes, which is also what a connection may take of memory.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// The most headers of a request.
const HEADERS_MAX: usize = 64;
/// How long to wait when no connection can be taken, as when this process has too many files open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What answers a request.
pub(super) type Answer = Arc<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Response<Full<Bytes>>> + Send + Sync>;

/// Answers each request that comes in through `listener`, until this is dropped.
pub(super) async fn serve(listener: TcpListener, answer: Answer) -> Infallible {
    let (mut held, mut is_refused) = (Held::default(), false);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                is_refused = false;
                held.add(stream, answer.clone());
                // So that a request that is there already is answered before another connection takes its place.
                tokio::task::yield_now().await;
            }
            // Its client has gone again.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if !is_refused {
                    tracing::warn!(%error, "failed to take a connection to the admin server");
                }
                is_refused = true;
                time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The connections that there are, oldest first.
#[derive(Default)]
struct Held(VecDeque<Connection>);

struct Connection {
    task: AbortHandle,
    is_answering: Arc<AtomicBool>,
}

impl Held {
    /// Serves a connection. If there are too many, the oldest one that waits for its client makes room for it.
    fn add(&mut self, stream: TcpStream, answer: Answer) {
        self.0.retain(|connection| !connection.task.is_finished());
        if self.0.len() >= CONNECTIONS_MAX {
            let is_waiting = |connection: &Connection| !connection.is_answering.load(Ordering::Relaxed);
            // Where all are being answered, the new one is closed.
            let Some(oldest) = self.0.iter().position(is_waiting) else { return };
            self.0.remove(oldest).inspect(|connection| connection.task.abort());
        }
        let is_answering = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(converse(stream, answer, Arc::clone(&is_answering))).abort_handle();
        self.0.push_back(Connection { task, is_answering });
    }
}

/// Serves one connection.
async fn converse(stream: TcpStream, answer: Answer, is_answering: Arc<AtomicBool>) {
    let service = service_fn(move |request| {
        let (answer, is_answering) = (answer.clone(), Arc::clone(&is_answering));
        async move {
            is_answering.store(true, Ordering::Relaxed);
            let response = answer(request).await;
            is_answering.store(false, Ordering::Relaxed);
            Ok::<_, Infallible>(response)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX);
    match time::timeout(CONNECTION_LIFE, http.serve_connection(TokioIo::new(stream), service)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an admin connection ended early"),
        Err(_) => tracing::debug!("an admin connection was open for too long"),
    }
}
