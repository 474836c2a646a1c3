//! Writes that have left this process and were not answered: they may still arrive.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// Keeps count of writes; clones keep the same count.
#[derive(Debug, Clone, Default)]
pub struct Unanswered(Arc<Mutex<Sent>>);

#[derive(Debug, Default)]
struct Sent {
    next: u64,
    /// Those that an answer is waited for, by number: when they left.
    under_way: BTreeMap<u64, Instant>,
    /// When the last of the writes left whose answer the process no longer waits for.
    last_given_up: Option<Instant>,
}

/// One write that has left. Dropped before it is [answered](Self::answered), it is one that may still arrive.
#[derive(Debug)]
pub struct Write {
    all: Unanswered,
    number: u64,
}

impl Unanswered {
    /// A write leaves now.
    pub fn send(&self) -> Write {
        let mut sent = self.sent();
        let number = sent.next;
        sent.next += 1;
        sent.under_way.insert(number, Instant::now());
        Write { all: self.clone(), number }
    }

    /// When the last write left that was not answered, if there is one.
    pub fn last(&self) -> Option<Instant> {
        let sent = self.sent();
        sent.under_way.values().max().copied().max(sent.last_given_up)
    }

    fn sent(&self) -> MutexGuard<'_, Sent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write {
    /// The write was answered: whatever it does, it has done.
    pub fn answered(self) {
        self.all.sent().under_way.remove(&self.number);
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        let mut sent = self.all.sent();
        let given_up = sent.under_way.remove(&self.number);
        sent.last_given_up = sent.last_given_up.max(given_up);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_an_answer_makes_a_write_forgotten() {
        let writes = Unanswered::default();
        assert_eq!(writes.last(), None);
        let (start, first) = (Instant::now(), writes.send());
        tokio::time::advance(Duration::from_secs(1)).await;
        let second = writes.send();
        assert_eq!(writes.last(), Some(start + Duration::from_secs(1)));
        second.answered();
        assert_eq!(writes.last(), Some(start));
        drop(first);
        assert_eq!(writes.last(), Some(start));
        writes.send().answered();
        assert_eq!(writes.last(), Some(start));
    }
}
