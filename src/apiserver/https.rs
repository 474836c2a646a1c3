//! The front for clients elsewhere: HTTPS, HTTP/1.1 and HTTP/2 alike.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap};
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::time;
use tokio_rustls::TlsAcceptor;

use super::body::{BODY_BYTES_MAX, ResponseBody};
use super::identity::Identity;
use super::negotiate;
use super::reply::respond;
use super::state::ApiServer;
use super::status::StatusError;
use super::user::User;

/// How long a client may take to shake hands, and how long to send a body.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(30);
/// How much is read of a body that is too large: a client that is still sending would not hear the refusal.
const REFUSED_BYTES_MAX: usize = 64 << 20;
/// How long to wait when no connection can be taken, as when there are too many.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An API server on the network, for clients that have a token of it.
pub struct HttpsFront {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
}

struct Shared {
    server: ApiServer,
    token: String,
}

impl HttpsFront {
    /// Listens on `address` for clients of `server`; port 0 is any that is free.
    pub async fn bind(server: ApiServer, address: SocketAddr, identity: &Identity) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let shared = Arc::new(Shared { server, token: identity.token().to_owned() });
        Ok(Self { listener, acceptor: TlsAcceptor::from(identity.tls()), shared })
    }

    /// The address that it listens on.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Takes connections until it is dropped.
    pub async fn serve(self) -> Infallible {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(converse(stream, self.acceptor.clone(), Arc::clone(&self.shared)));
                }
                Err(error) => {
                    tracing::warn!(%error, "failed to take a connection");
                    time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Serves one connection.
async fn converse(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    // Events are small and wanted at once.
    let _ = stream.set_nodelay(true);
    let stream = match time::timeout(CLIENT_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "a client did not shake hands"),
        Err(_) => return tracing::debug!("a client did not shake hands in time"),
    };
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(shared.answer(request).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder.http2().timer(TokioTimer::new());
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection broke");
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Response<ResponseBody> {
        let format = negotiate::format(request.headers());
        let Some(user) = self.user(request.headers()) else {
            return respond(Err(StatusError::unauthorized()), format);
        };
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(user);
        let body = match time::timeout(CLIENT_TIMEOUT, read(body)).await {
            Ok(Ok(body)) => body,
            Ok(Err(failure)) => return respond(Err(failure), format),
            Err(_) => {
                return respond(Err(StatusError::bad_request("the body of the request did not come in time")), format);
            }
        };
        guarded(|| self.server.handle(Request::from_parts(parts, body)))
    }

    /// The user of a request with these headers, if they authenticate one.
    fn user(&self, headers: &HeaderMap) -> Option<User> {
        let header = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok()).unwrap_or_default();
        let (scheme, token) = header.split_once(' ').unwrap_or_default();
        // All bytes are compared, so that the time that it takes tells nothing of them.
        let token = Some(token.trim()).filter(|_| scheme.eq_ignore_ascii_case("bearer"))?;
        let (given, own) = (token.as_bytes(), self.token.as_bytes());
        let differences = given.iter().zip(own).fold(0, |differences, (one, other)| differences | (one ^ other));
        let is_admin = given.len() == own.len() && differences == 0;
        if is_admin { Some(User::admin()) } else { self.server.holder(token) }
    }
}

/// All of a body, if it is not too large.
async fn read<B>(mut body: B) -> Result<Bytes, StatusError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let (mut bytes, mut size) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| StatusError::bad_request(format!("failed to read the body: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        size += data.len();
        if size <= BODY_BYTES_MAX {
            bytes.extend_from_slice(&data);
        } else if size > REFUSED_BYTES_MAX {
            break;
        }
    }
    if size > BODY_BYTES_MAX { Err(StatusError::too_large(BODY_BYTES_MAX)) } else { Ok(bytes.into()) }
}

/// The response that `handle` makes, or one that says that it panicked: one request's fault is no other's.
fn guarded(handle: impl FnOnce() -> Response<ResponseBody>) -> Response<ResponseBody> {
    catch_unwind(AssertUnwindSafe(handle)).unwrap_or_else(|_| {
        let failure = StatusError::internal("the server panicked on this request; its standard error says where");
        respond(Err(failure), negotiate::Format::Json)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;

    #[test]
    fn a_panic_is_an_answer() {
        let response = guarded(|| panic!("this request is a bad one"));
        assert_eq!(response.status(), 500);
    }

    #[tokio::test]
    async fn a_body_may_have_three_mebibytes() {
        assert_eq!(read(Full::from(vec![b' '; BODY_BYTES_MAX])).await.unwrap().len(), BODY_BYTES_MAX);
        assert_eq!(read(Full::from(vec![b' '; BODY_BYTES_MAX + 1])).await.unwrap_err().code, 413);
    }
}
