//! The fence: it holds back every request of a process that may have been deposed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::unanswered::Unanswered;

/// The deadline until which requests may leave. The elector moves it, and the transport obeys it.
#[derive(Debug, Clone)]
pub struct Fence {
    until: Option<Arc<Mutex<Instant>>>,
    /// The writes that have left.
    pub writes: Unanswered,
}

impl Fence {
    /// A fence that is always open, for a process without leader election.
    pub fn open() -> Self {
        Self { until: None, writes: Unanswered::default() }
    }

    /// A fence that is closed until it is moved.
    pub fn closed() -> Self {
        Self { until: Some(Arc::new(Mutex::new(Instant::now()))), writes: Unanswered::default() }
    }

    /// Lets requests leave until `deadline`.
    pub fn move_to(&self, deadline: Instant) {
        if let Some(until) = &self.until {
            *until.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
        }
    }

    /// Lets none leave from here on.
    pub fn close(&self) {
        self.move_to(Instant::now());
    }

    /// Whether a request may leave.
    pub fn is_open(&self) -> bool {
        self.time_for(Duration::from_secs(1)).is_some()
    }

    /// How long a request may take from now on, at most `limit`; `None` if it may not leave.
    pub fn time_for(&self, limit: Duration) -> Option<Duration> {
        let Some(until) = &self.until else { return Some(limit) };
        let until = *until.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left.min(limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nothing_leaves_before_or_after_ones_time() {
        let (limit, fence) = (Duration::from_secs(10), Fence::closed());
        assert_eq!(fence.time_for(limit), None);
        fence.move_to(Instant::now() + Duration::from_secs(12));
        assert_eq!(fence.time_for(limit), Some(limit));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(fence.time_for(limit), Some(Duration::from_secs(3)));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(fence.time_for(limit), None);
        assert_eq!(Fence::open().time_for(limit), Some(limit));
    }
}
