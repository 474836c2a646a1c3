//! Response bodies in transit: complete, truncated, or cut off with the link.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body::{Body, Frame, SizeHint};
use tower::BoxError;

use super::events::Delayed;
use crate::apiserver::ResponseBody;

/// The body of an answer that came over a link.
pub struct LinkBody {
    inner: ResponseBody,
    /// Bytes that may still come, where it is cut short.
    left: Option<usize>,
    connection: Connection,
    /// The delay queue for events, if it is a watch.
    delayed: Option<Delayed>,
}

/// The connection that carries a response.
pub(super) struct Connection {
    /// Ends, with the reason, when the connection is cut.
    pub(super) cut: BoxFuture<'static, BoxError>,
    /// Whether the connection is silent: it delivers nothing more, although it was not closed.
    pub(super) is_mute: Box<dyn Fn() -> bool + Send>,
}

impl LinkBody {
    /// `inner`, for as long as the connection stands.
    pub(super) fn new(inner: ResponseBody, connection: Connection) -> Self {
        Self { inner, left: None, connection, delayed: None }
    }

    /// The same, whose events go through `delayed` if it is a watch.
    #[must_use]
    pub(super) fn delayed(mut self, delayed: Delayed) -> Self {
        self.delayed = Some(delayed).filter(|_| self.inner.is_watch());
        self
    }

    /// The same, but for the second half of it.
    #[must_use]
    pub(super) fn truncated(mut self) -> Self {
        self.left = Some(self.inner.known().map_or(0, |bytes| bytes.len() / 2));
        self
    }
}

impl Body for LinkBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(error) = self.connection.cut.as_mut().poll(cx) {
            return Poll::Ready(Some(Err(error)));
        }
        if (self.connection.is_mute)() {
            return Poll::Pending;
        }
        if self.left == Some(0) {
            return Poll::Ready(Some(Err("the connection was cut in the middle of an answer".into())));
        }
        let Self { inner, delayed, .. } = &mut *self;
        if let Some(delayed) = delayed {
            return delayed.poll_event(inner, cx).map(|line| line.map(|line| Ok(Frame::data(line))));
        }
        let frame = std::task::ready!(Pin::new(inner).poll_frame(cx));
        Poll::Ready(frame.map(|frame| {
            let frame = frame?;
            let Some(left) = self.left.take() else { return Ok(frame) };
            self.left = Some(0);
            Ok(frame.map_data(|data| data.slice(..left.min(data.len()))))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.left.is_some() { SizeHint::default() } else { self.inner.size_hint() }
    }
}
