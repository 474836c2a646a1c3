//! Bodies of answers, with a limit on how long they may stay silent.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{self, Instant, Sleep};
use tower::BoxError;

use super::watch_health::WatchProbe;
use crate::causes::with_causes;

/// A request's place among those that are under way, free again once it is dropped.
pub(super) type RequestPermit = OwnedSemaphorePermit;

/// A body that ends with an error once nothing has arrived for too long: a connection whose other end is gone, and
/// has not said so, looks like one on which nothing happens.
pub struct IdleTimeoutBody<B> {
    /// `None` once it has ended: what is left of its connection is closed then, and nothing reads from it any more.
    inner: Option<Pin<Box<B>>>,
    limit: Duration,
    /// When something arrived last.
    heard: Instant,
    /// Wakes the task that polls the body. It is reset only once it has fired, as frames may arrive at a high rate.
    alarm: Option<Pin<Box<Sleep>>>,
    probe: Option<WatchProbe>,
    /// Held until the end.
    place: Option<RequestPermit>,
}

/// Nothing has arrived for as long as the limit.
#[derive(Debug, thiserror::Error)]
#[error("nothing has arrived for {}s", .0.as_secs())]
struct IdleTimeout(Duration);

/// Whether an answer had begun, and did not go on: its head had said by then that the request is done.
pub(super) fn fell_silent(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<IdleTimeout>())
}

impl<B> IdleTimeoutBody<B> {
    /// `inner`, on which something has to arrive within each `limit`; what happens to it is reported to `probe`.
    pub(super) fn new(inner: B, limit: Duration, probe: Option<WatchProbe>) -> Self {
        Self { inner: Some(Box::pin(inner)), limit, heard: Instant::now(), alarm: None, probe, place: None }
    }

    /// The same, whose request is under way until its end, and has this place for as long.
    pub(super) fn holding(self, place: Option<RequestPermit>) -> Self {
        Self { place, ..self }
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<IdleTimeout> {
        loop {
            let deadline = self.heard + self.limit;
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(time::sleep_until(deadline)));
            ready!(alarm.as_mut().poll(cx));
            if deadline <= Instant::now() {
                return Poll::Ready(IdleTimeout(self.limit));
            }
            alarm.as_mut().reset(deadline);
        }
    }

    fn end(&mut self) {
        (self.inner, self.place) = (None, None);
        if let Some(probe) = self.probe.take() {
            probe.ended();
        }
    }

    fn fail(&mut self, error: BoxError, is_silence: bool) -> BoxError {
        (self.inner, self.place) = (None, None);
        if let Some(probe) = self.probe.take() {
            probe.failed(&with_causes(error.as_ref()), is_silence.then_some(self.heard));
        }
        error
    }
}

impl<B> Body for IdleTimeoutBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        Poll::Ready(match inner.as_mut().poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.heard = Instant::now();
                self.probe.as_ref().inspect(|probe| probe.arrived());
                // Who reads need not ask for more than that.
                if self.is_end_stream() {
                    self.end();
                }
                Some(Ok(frame))
            }
            Poll::Ready(Some(Err(error))) => Some(Err(self.fail(error.into(), false))),
            Poll::Ready(None) => {
                self.end();
                None
            }
            Poll::Pending => {
                let silence = ready!(self.poll_silence(cx));
                Some(Err(self.fail(silence.into(), true)))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(|inner| inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), |inner| inner.size_hint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{StreamExt as _, stream};
    use http_body_util::{BodyExt as _, Full, StreamBody};
    use std::convert::Infallible;

    const LIMIT: Duration = Duration::from_secs(10);

    /// A body with a frame after each of these waits, in seconds, and silence from then on.
    fn frames_after(waits: &'static [u64]) -> impl Body<Data = Bytes, Error = Infallible> + Send {
        let frames = stream::iter(waits).then(|wait| async {
            time::sleep(Duration::from_secs(*wait)).await;
            Ok(Frame::data(Bytes::from_static(b"x")))
        });
        StreamBody::new(frames.chain(stream::pending()))
    }

    #[tokio::test(start_paused = true)]
    async fn l40_a_body_that_goes_silent_ends_with_an_error_and_then_for_good() {
        let start = Instant::now();
        let mut body = IdleTimeoutBody::new(frames_after(&[9, 9, 1]), LIMIT, None);
        for _ in 0..3 {
            assert!(body.frame().await.unwrap().is_ok());
        }
        assert_eq!(body.frame().await.unwrap().unwrap_err().to_string(), "nothing has arrived for 10s");
        assert_eq!(start.elapsed(), Duration::from_secs(29));
        assert!(body.frame().await.is_none() && body.inner.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_comes_whole_is_passed_on() {
        let body = IdleTimeoutBody::new(Full::from("whole"), LIMIT, None);
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "whole");
    }
}
