//! The middleware of every request: time limits, a limit on concurrent requests, and retries while the server is busy
//! or away.
//!
//! The number of concurrent requests is limited, except for watches; the others wait, first come first served. A
//! waiting request has not left: it counts as sent, and its time limit starts, once it has a permit. It holds the
//! permit until the caller has read its answer to the end, and waits for nothing else meanwhile, so there is no
//! deadlock.
//!
//! The transport may send any request twice. That is safe because every write carries the state that it was decided
//! from: the API server answers the second one with a conflict, "already exists" or "not found".

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Request, Response, StatusCode};
use kube::client::Body;
use tokio::sync::Semaphore;
use tokio::time::{self, Instant};
use tower::{BoxError, Service, ServiceExt as _};

use super::idle_body::{IdleTimeoutBody, RequestPermit};
use super::lease::fence::Fence;
use super::meter::{self, Meter};
use super::request_info::is_watch;
use super::watch_health::{WatchHealth, WatchProbe};
use crate::api::limits::{
    REQUEST_BACKOFF_FIRST, REQUEST_TIMEOUT, REQUEST_TRIES_MAX, RETRY_AFTER_MAX, WATCH_SILENCE_MAX, WRITE_HELD_BACK_MAX,
    WRITE_TIMEOUT,
};
use crate::jitter::Jitter;

/// A service that takes requests to an API server.
pub trait RequestService:
    Service<Request<Body>, Response = Response<Self::Body>, Error: Into<BoxError> + Send, Future: Send>
    + Clone
    + Send
    + 'static
{
    /// The bodies of the answers.
    type Body: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;
}

impl<S, B> RequestService for S
where
    S: Service<Request<Body>, Response = Response<B>, Error: Into<BoxError> + Send, Future: Send>
        + Clone
        + Send
        + 'static,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Body = B;
}

/// A service that sends requests with patience.
#[derive(Debug, Clone)]
pub struct Transport<S> {
    inner: S,
    jitter: Jitter,
    agent: HeaderValue,
    fence: Fence,
    meter: Meter,
    health: WatchHealth,
    /// Longest wait for the head of an answer.
    patience: Duration,
    /// Places of requests that are under way; `None` if there may be any number.
    places: Option<Arc<Semaphore>>,
}

/// No answer within the limit.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {}s", .0.as_secs())]
struct TimedOut(Duration);

/// The server wants to be left alone for longer than a write is held back without a word.
#[derive(Debug, thiserror::Error)]
#[error("the API server answers {status} and wants to be left alone for {}s", .after.as_secs())]
pub(super) struct Busy {
    status: StatusCode,
    /// For how long.
    pub after: Duration,
}

/// This process does not lead, or may not lead any more.
#[derive(Debug, thiserror::Error)]
#[error("this process does not lead")]
struct Deposed;

impl<S> Transport<S> {
    /// Sends requests through `inner`, in the name of `agent`, while `fence` is open, and counts them with `meter`.
    ///
    /// # Panics
    /// If `agent` is no header value.
    pub fn new(inner: S, jitter: Jitter, agent: &str, fence: Fence, meter: Meter) -> Self {
        let agent = HeaderValue::from_str(agent).expect("a printable user agent");
        let health = WatchHealth::default();
        Self { inner, jitter, fence, meter, agent, health, patience: REQUEST_TIMEOUT, places: None }
    }

    /// The same, with at most `max` requests under way at once, watches aside.
    #[must_use]
    pub fn with_places(self, max: usize) -> Self {
        Self { places: Some(Arc::new(Semaphore::new(max))), ..self }
    }

    /// The same, and waits for the head of an answer for as long as `patience`, if that is longer than it would have.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience: patience.max(REQUEST_TIMEOUT), ..self }
    }

    /// The same, and tells `health` of the requests of watches.
    #[must_use]
    pub fn telling(self, health: WatchHealth) -> Self {
        Self { health, ..self }
    }
}

impl<S: RequestService> Service<Request<Body>> for Transport<S> {
    type Response = Response<IdleTimeoutBody<S::Body>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Each try waits for the inner service by itself.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        request.headers_mut().insert(USER_AGENT, self.agent.clone());
        let transport = self.clone();
        let probe = WatchProbe::of(&self.health, request.method(), request.uri());
        let is_watch = is_watch(request.uri());
        Box::pin(async move {
            let (answer, place) = send(transport, request, probe.as_ref()).await?;
            Ok(guard(answer, is_watch, probe, place))
        })
    }
}

/// Limits how long the body of an answer may stay silent. What follows a refusal is no watch.
fn guard<B>(
    answer: Response<B>,
    is_watch: bool,
    probe: Option<WatchProbe>,
    place: Option<RequestPermit>,
) -> Response<IdleTimeoutBody<B>> {
    let is_success = answer.status().is_success();
    let limit = if is_watch && is_success { WATCH_SILENCE_MAX } else { REQUEST_TIMEOUT };
    answer.map(|body| IdleTimeoutBody::new(body, limit, probe.filter(|_| is_success)).holding(place))
}

async fn send<S, B>(
    transport: Transport<S>,
    mut request: Request<Body>,
    probe: Option<&WatchProbe>,
) -> Result<(Response<B>, Option<RequestPermit>), BoxError>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
{
    let Transport { inner, jitter, fence, meter, patience, places, .. } = transport;
    let places = places.filter(|_| !is_watch(request.uri()));
    let (mut tries, began) = (1, Instant::now());
    loop {
        let place = place_in(places.as_ref()).await;
        if !fence.is_open() {
            return Err(Deposed.into());
        }
        let again = if tries < REQUEST_TRIES_MAX { copy(&request) } else { None };
        let (verb, sent) = (meter::verb(request.method(), request.uri()), Instant::now());
        let is_write = !request.method().is_safe();
        let write = is_write.then(|| fence.writes.send());
        let patience = if is_write { patience.max(WRITE_TIMEOUT) } else { patience };
        let answer = match within(&fence, patience, inner.clone().oneshot(request)).await {
            Some(answer) => answer.map_err(Into::into),
            None => Err(TimedOut(patience).into()),
        };
        if let Some(write) = write.filter(|_| answer.is_ok()) {
            write.answered();
        }
        meter.count(verb, answer.as_ref().ok().map(Response::status), sent.elapsed());
        if let Some(probe) = probe {
            probe.answered(&answer);
        }
        let Some((next, after)) = again.zip(worth_another_try(&answer, is_write)) else {
            return answer.map(|answer| (answer, place));
        };
        if let (true, Ok(response), Some(after)) = (is_write, &answer, after)
            && began.elapsed() + after > WRITE_HELD_BACK_MAX
        {
            return Err(Busy { status: response.status(), after }.into());
        }
        // What is not under way takes no place.
        drop((answer, place));
        let backoff = jitter.backoff(REQUEST_BACKOFF_FIRST, REQUEST_TIMEOUT, tries);
        // Never earlier than the server asked for, and not all at the same moment either.
        time::sleep(after.map_or(backoff, |after| after + backoff)).await;
        request = next;
        tries += 1;
    }
}

/// Waits for an answer for as long as `patience`, and while the fence is open: what has not left by then may not leave.
async fn within<F: Future>(fence: &Fence, patience: Duration, answer: F) -> Option<F::Output> {
    let deadline = Instant::now() + patience;
    let mut answer = pin!(answer);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if let Ok(answer) = time::timeout(fence.time_for(left)?, &mut answer).await {
            return Some(answer);
        }
        if left.is_zero() {
            return None;
        }
    }
}

/// Waits for a place; `None` where none is needed.
async fn place_in(places: Option<&Arc<Semaphore>>) -> Option<RequestPermit> {
    // Places are never closed.
    places?.clone().acquire_owned().await.ok()
}

/// Whether a request with this answer is worth sending again, and how long the server wants it to wait.
///
/// A write that is answered with an internal error, or not in time, is for its sender to repeat: it is how the API server
/// says that a webhook is down, and that is not to be held back. Nor is that the server asks to be left alone for long.
fn worth_another_try<B>(answer: &Result<Response<B>, BoxError>, is_write: bool) -> Option<Option<Duration>> {
    const BUSY: [StatusCode; 5] = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ];
    match answer {
        Err(error) if is_write && error.is::<TimedOut>() => None,
        Err(_) => Some(None),
        Ok(response) if is_write && response.status() == StatusCode::INTERNAL_SERVER_ERROR => None,
        Ok(response) if BUSY.contains(&response.status()) => {
            let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Some(seconds.map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX)))
        }
        Ok(_) => None,
    }
}

/// A copy of a request to send again; none of a watch, which its watcher opens again where it left off, nor of a log,
/// which is not worth waiting for.
fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    if is_watch(request.uri()) || request.uri().path().ends_with("/log") {
        return None;
    }
    let mut copy = Request::new(request.body().try_clone()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Empty;
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    /// Answers in the order given: a status with a Retry-After, or silence.
    fn scripted(
        script: Vec<Option<(u16, Option<u64>)>>,
    ) -> impl Service<Request<Body>, Response = Response<Empty<Bytes>>, Error = BoxError, Future: Send>
    + Clone
    + Send
    + 'static {
        let script = Arc::new(Mutex::new(VecDeque::from(script)));
        tower::service_fn(move |_: Request<Body>| {
            let next = script.lock().unwrap().pop_front().expect("no more requests than answers");
            async move {
                let Some((status, after)) = next else { return std::future::pending().await };
                let mut response = Response::builder().status(status);
                if let Some(after) = after {
                    response = response.header(RETRY_AFTER, after);
                }
                Ok::<_, BoxError>(response.body(Empty::new()).unwrap())
            }
        })
    }

    async fn outcome(uri: &str, script: Vec<Option<(u16, Option<u64>)>>) -> (Result<u16, String>, Duration) {
        let start = Instant::now();
        let service = Transport::new(scripted(script), Jitter::seeded(1), "test", Fence::open(), Meter::default());
        let request = Request::post(uri).body(Body::from(b"x".to_vec())).unwrap();
        let answer = service.oneshot(request).await;
        (answer.map(|r| r.status().as_u16()).map_err(|e| e.to_string()), start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_passed_on() {
        for code in [200, 404, 409, 422] {
            assert_eq!(outcome("/", vec![Some((code, None))]).await.0, Ok(code));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn l39_retry_after_is_honoured() {
        let (answer, waited) = outcome("/", vec![Some((429, Some(7))), Some((200, None))]).await;
        assert_eq!(answer, Ok(200));
        assert!(waited >= Duration::from_secs(7) && waited < Duration::from_secs(8), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_server_is_asked_again_a_few_times() {
        let busy = vec![Some((503, None)); 4];
        assert_eq!(outcome("/", busy).await.0, Ok(503));
        assert_eq!(outcome("/", vec![Some((502, None)), Some((201, None))]).await.0, Ok(201));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_is_answered_with_an_internal_error_is_its_senders_to_repeat() {
        assert_eq!(outcome("/", vec![Some((500, None))]).await.0, Ok(500));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_not_waited_for_for_ever() {
        let (answer, waited) = outcome("/", vec![None]).await;
        assert_eq!((answer, waited), (Err("no answer within 12s".into()), WRITE_TIMEOUT));
        let service = Transport::new(
            scripted(vec![None, Some((200, None))]),
            Jitter::seeded(1),
            "test",
            Fence::open(),
            Meter::default(),
        );
        let answer = service.oneshot(Request::get("/").body(Body::empty()).unwrap()).await;
        assert_eq!(answer.unwrap().status(), StatusCode::OK, "a read is sent again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_is_not_held_back_for_long_without_a_word() {
        let (answer, waited) = outcome("/", vec![Some((429, Some(30)))]).await;
        assert!(answer.unwrap_err().contains("wants to be left alone for 30s"));
        assert_eq!(waited, Duration::ZERO);
        let (answer, waited) = outcome("/", vec![Some((429, Some(7))); 2]).await;
        assert!(answer.is_err() && waited < Duration::from_secs(8), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_is_its_watchers_to_open_again() {
        assert_eq!(outcome("/pods?watch=true&x=y", vec![Some((503, None))]).await.0, Ok(503));
    }
}
