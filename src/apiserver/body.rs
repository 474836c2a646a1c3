//! The bodies of answers, and the size of those of requests.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use http_body::{Body, Frame, SizeHint};

/// Most that the body of a request may have, in bytes.
pub(super) const BODY_BYTES_MAX: usize = 3 << 20;

type Lines = Pin<Box<dyn Stream<Item = Bytes> + Send>>;

/// The body of an answer: all of it, or the events of a watch as they come.
pub struct ResponseBody(BodyKind);

enum BodyKind {
    Full(Option<Bytes>),
    Watch(Lines),
}

impl ResponseBody {
    /// A body that is known.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self(BodyKind::Full(Some(bytes.into()).filter(|bytes: &Bytes| !bytes.is_empty())))
    }

    /// A body that goes on as long as `lines` does.
    pub fn watch(lines: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self(BodyKind::Watch(Box::pin(lines)))
    }

    /// All of the body, if it is known and was not read yet.
    pub fn known(&self) -> Option<&Bytes> {
        match &self.0 {
            BodyKind::Full(bytes) => bytes.as_ref(),
            BodyKind::Watch(_) => None,
        }
    }

    /// Whether this is the body of a watch.
    pub fn is_watch(&self) -> bool {
        matches!(self.0, BodyKind::Watch(_))
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            BodyKind::Full(bytes) => f.debug_tuple("Full").field(bytes).finish(),
            BodyKind::Watch(_) => f.write_str("Watch"),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match &mut self.0 {
            BodyKind::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            BodyKind::Watch(lines) => lines.as_mut().poll_next(cx).map(|line| line.map(|line| Ok(Frame::data(line)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, BodyKind::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            BodyKind::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            BodyKind::Watch(_) => SizeHint::default(),
        }
    }
}
