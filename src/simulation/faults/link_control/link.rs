//! One process's connection to the API server.

use std::future::pending;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::RETRY_AFTER;
use http::{Request, Response};
use kube::client::Body;
use serde_json::json;
use tokio::time::sleep;
use tower::{BoxError, Service, ServiceExt as _};

use super::{Fate, LinkBody, LinkControl, Script};
use crate::apiserver::{InProcess, ResponseBody};

/// The message of an answer that does not come from the API server.
pub const FAULT: &str = "a fault of the simulation";

/// One process's connection to the API server.
#[derive(Clone)]
pub struct Link {
    inner: InProcess,
    wire: LinkControl,
}

impl Link {
    /// A link over `inner`, and what controls it.
    pub fn new(inner: InProcess, script: Script) -> (Self, LinkControl) {
        let wire = LinkControl::new(script);
        (Self { inner, wire: wire.clone() }, wire)
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
        let is_paused = self.wire.is_paused();
        let carried = carry(self.clone(), request, is_paused).boxed();
        if !is_paused {
            return carried;
        }
        // A client that stops waiting does not recall the request: a paused process does not know that it has given up.
        let sent = tokio::spawn(carried);
        async { sent.await? }.boxed()
    }
}

async fn carry(link: Link, request: Request<Body>, was_paused: bool) -> Result<Response<LinkBody>, BoxError> {
    let Link { inner, wire } = link;
    wire.note_tried(&request);
    wire.pass().await?;
    if !inner.is_up() {
        return Err("connection refused".into());
    }
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
    if !inner.is_up() {
        return Err("the connection was cut".into());
    }
    let delayed = wire.delayed(passing.number);
    let response = inner.oneshot(request).await?;
    wire.note_arrived(passing, was_paused);
    match fate {
        Fate::AnswerWaits(time) => sleep(time).await,
        Fate::Unanswered => return Err("the connection was cut".into()),
        Fate::AnswerVanishes => return pending().await,
        Fate::DiesAfter => wire.kill(),
        _ => {}
    }
    wire.pass().await?;
    let response = response.map(|body| LinkBody::new(body, connection).delayed(delayed));
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
        "message": FAULT,
    });
    let mut response = Response::new(ResponseBody::full(status.to_string()));
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    if let Some(after) = after {
        response.headers_mut().insert(RETRY_AFTER, after.into());
    }
    response
}
