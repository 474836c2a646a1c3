//! The bodies of answers, and the size of those of requests.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{Full, StreamBody};

/// Most that the body of a request may have, in bytes.
pub(super) const BODY_BYTES_MAX: usize = 3 << 20;

/// The body of an answer: all of it, or the events of a watch as they come.
#[derive(Debug)]
pub struct ResponseBody {
    inner: UnsyncBoxBody<Bytes, Infallible>,
    /// All of it; none for a watch.
    known: Option<Bytes>,
}

impl ResponseBody {
    /// A body that is known.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { inner: UnsyncBoxBody::new(Full::new(bytes.clone())), known: Some(bytes) }
    }

    /// A body that goes on as long as `lines` does.
    pub fn watch(lines: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self { inner: UnsyncBoxBody::new(StreamBody::new(lines.map(|line| Ok(Frame::data(line))))), known: None }
    }

    /// All of the body, if it is known.
    pub const fn known(&self) -> Option<&Bytes> {
        self.known.as_ref()
    }

    /// Whether this is the body of a watch.
    pub const fn is_watch(&self) -> bool {
        self.known.is_none()
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
