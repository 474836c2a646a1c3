//! Watch events in transit: late, or more than once.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::apiserver::ResponseBody;

/// Events that are remembered, to come once more.
const RECENT_MAX: usize = 8;

/// The fate of a watch event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivery {
    /// How late it arrives. What comes after it in the same watch comes later still: one watch keeps its order, two do
    /// not keep theirs.
    pub late: Duration,
    /// How many of the latest events, this one and at most seven before it, arrive once more after it, in their order.
    pub again: usize,
}

/// Decides the fate of each event, given the request number of its watch and its line.
pub type EventScript = Box<dyn FnMut(usize, &[u8]) -> Delivery + Send>;

/// Decides the fate of each event of one watch, given its line.
type Deliver = Box<dyn Fn(&[u8]) -> Delivery + Send>;

/// The delay queue of one watch's events.
pub(super) struct Delayed {
    deliver: Deliver,
    recent: VecDeque<Bytes>,
    /// Events that have left the server, each with its time of arrival.
    on_the_way: VecDeque<(Instant, Bytes)>,
    alarm: Option<Pin<Box<Sleep>>>,
    is_over: bool,
}

impl Delayed {
    pub(super) fn new(deliver: Deliver) -> Self {
        Self { deliver, recent: VecDeque::new(), on_the_way: VecDeque::new(), alarm: None, is_over: false }
    }

    /// The next event to arrive of those that leave `server`.
    pub(super) fn poll_event(&mut self, server: &mut ResponseBody, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        while !self.is_over {
            match Pin::new(&mut *server).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => self.send(frame.into_data().unwrap_or_default()),
                Poll::Ready(Some(Err(never))) => match never {},
                Poll::Ready(None) => self.is_over = true,
                Poll::Pending => break,
            }
        }
        match self.on_the_way.front() {
            None if self.is_over => return Poll::Ready(None),
            None => return Poll::Pending,
            Some((due, _)) => ready!(poll_until(&mut self.alarm, *due, cx)),
        }
        Poll::Ready(self.on_the_way.pop_front().map(|(_, line)| line))
    }

    fn send(&mut self, line: Bytes) {
        let Delivery { late, again } = (self.deliver)(&line);
        let earliest = self.on_the_way.back().map_or_else(Instant::now, |(due, _)| *due);
        let due = earliest.max(Instant::now() + late);
        self.recent.push_back(line.clone());
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
        self.on_the_way.push_back((due, line));
        let first = self.recent.len().saturating_sub(again);
        self.on_the_way.extend(self.recent.range(first..).map(|line| (due, line.clone())));
    }
}

fn poll_until(alarm: &mut Option<Pin<Box<Sleep>>>, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
    if due <= Instant::now() {
        return Poll::Ready(());
    }
    let alarm = alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
    if alarm.deadline() != due {
        alarm.as_mut().reset(due);
    }
    alarm.as_mut().poll(cx)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{StreamExt as _, stream};

    /// The lines of a watch with simultaneous events on `a` to `d`, and the delay of each in seconds.
    async fn arrivals(deliver: fn(&[u8]) -> Delivery) -> Vec<(String, u64)> {
        let mut server = ResponseBody::watch(stream::iter(["a", "b", "c", "d"]).map(Bytes::from));
        let (mut delayed, started) = (Delayed::new(Box::new(deliver)), Instant::now());
        let mut arrived = Vec::new();
        while let Some(line) = std::future::poll_fn(|cx| delayed.poll_event(&mut server, cx)).await {
            arrived.push((String::from_utf8(line.to_vec()).unwrap(), started.elapsed().as_secs()));
        }
        arrived
    }

    fn told(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
        expected.iter().map(|(line, at)| ((*line).to_owned(), *at)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn late_events_keep_their_order() {
        let late = |line: &[u8]| match line {
            b"b" => Delivery { late: Duration::from_secs(5), again: 0 },
            b"d" => Delivery { late: Duration::from_secs(9), again: 0 },
            _ => Delivery::default(),
        };
        assert_eq!(arrivals(late).await, told(&[("a", 0), ("b", 5), ("c", 5), ("d", 9)]));
    }

    #[tokio::test(start_paused = true)]
    async fn events_come_again_alone_or_in_a_run() {
        let again = |line: &[u8]| match line {
            b"a" => Delivery { late: Duration::ZERO, again: 1 },
            b"c" => Delivery { late: Duration::ZERO, again: 3 },
            _ => Delivery::default(),
        };
        let lines: Vec<String> = arrivals(again).await.into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines.concat(), "aabcabcd");
    }
}
