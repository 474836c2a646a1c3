//! Faults of watch events: late and repeated ones.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::options::ReplicaOptions;
use crate::api::limits::REQUEST_TIMEOUT;
use crate::simulation::faults::link_control::{Delivery, EventScript};
use crate::simulation::random::{stream, within};

/// The first of the streams of event scripts: each process has one.
const EVENTS: u64 = 20_000;

/// Seconds that watches of one process lag for, each by a time of its own.
const LAG_LASTS_S: std::ops::Range<u64> = 10..180;
/// Seconds that a watch lags by: less than any silence that would end it.
const LAG_S: std::ops::Range<u64> = 0..40;
/// The most events that come once more at a time.
const RUN_MAX: usize = 6;

/// The faults of the events that one process watches.
struct Events {
    options: ReplicaOptions,
    random: ChaCha8Rng,
    /// The lag of each watch, by the number of its request, drawn with its first event.
    lags: BTreeMap<usize, Duration>,
    /// When the latest event of each watch arrives.
    arrivals: BTreeMap<usize, Instant>,
    lags_until: Instant,
    /// When watches begin to lag next.
    next: Option<Instant>,
}

/// The fate of the events that the `number`th process watches, until the faults stop.
pub fn script(options: &ReplicaOptions, number: u64) -> EventScript {
    let mut random = stream(options.seed, EVENTS + number);
    let now = Instant::now();
    let next = options.network.lags.next(&mut random).map(|wait| now + wait);
    let (lags, arrivals) = (BTreeMap::new(), BTreeMap::new());
    let mut events = Events { options: options.clone(), random, lags, arrivals, lags_until: now, next };
    Box::new(move |watch, line| {
        if events.options.calm.is_now() {
            return Delivery::default();
        }
        let delivery = Delivery { late: events.lateness(watch), again: events.run(line) };
        // Until then, the process does not know of a change. If the event is the last of its watch, the change may
        // become known only with the next watch.
        if !delivery.late.is_zero() {
            events.options.tolerate(delivery.late + REQUEST_TIMEOUT);
        }
        delivery
    })
}

impl Events {
    /// How late an event arrives: behind those before it, at least.
    fn lateness(&mut self, watch: usize) -> Duration {
        let now = Instant::now();
        let arrival = now + self.lag(watch, now);
        let latest = self.arrivals.entry(watch).or_insert(arrival);
        *latest = arrival.max(*latest);
        latest.duration_since(now)
    }

    fn lag(&mut self, watch: usize, now: Instant) -> Duration {
        if self.next.is_some_and(|next| next <= now) {
            self.lags.clear();
            self.lags_until = now + within(&mut self.random, LAG_LASTS_S);
            let wait = self.options.network.lags.next(&mut self.random);
            self.next = wait.map(|wait| self.lags_until + wait);
        }
        if self.lags_until <= now {
            return Duration::ZERO;
        }
        let random = &mut self.random;
        *self.lags.entry(watch).or_insert_with(|| within(random, LAG_S))
    }

    /// How many events come once more: one at once, or a run of them as after a connection that began too early.
    fn run(&mut self, line: &[u8]) -> usize {
        let is_repeated = self.random.random_bool(self.options.network.duplicates.get());
        let length = self.random.random_range(1..=RUN_MAX);
        let is_run = self.random.random_bool(0.5);
        match is_repeated && !is_error(line) {
            true if is_run => length,
            true => 1,
            false => 0,
        }
    }
}

fn is_error(line: &[u8]) -> bool {
    line.starts_with(br#"{"type":"ERROR""#)
}
