//! Leader election: a Lease, written with compare-and-swap.
//!
//! [`next`] chooses the next move, as a pure function of the lease, the candidate and the time. [`elector`] carries it
//! out, and [`fence`] holds back the requests of a deposed leader.

pub mod elector;
pub mod fence;
pub mod unanswered;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::LeaseSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use tokio::time::Instant;

/// The timing of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long a lease that is not renewed keeps others out.
    pub lease_duration: Duration,
    /// How long a leader acts on a lease that it could not renew; shorter than the duration.
    pub renew_deadline: Duration,
    /// How often a leader renews, and a standby looks.
    pub retry_period: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }
}

/// The timing cannot keep two leaders apart.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "lease duration {lease}s has to be longer than the renew deadline {renew}s, and that longer than the retry period {retry}s",
    lease = .0.lease_duration.as_secs_f64(), renew = .0.renew_deadline.as_secs_f64(), retry = .0.retry_period.as_secs_f64()
)]
pub struct TimingError(Timing);

impl Timing {
    /// Checks that a leader gives up before another candidate may begin, and tries to renew more than once before that.
    pub fn check(self) -> Result<Self, TimingError> {
        let is_ordered = self.lease_duration > self.renew_deadline && self.renew_deadline > self.retry_period;
        (is_ordered && !self.retry_period.is_zero()).then_some(self).ok_or(TimingError(self))
    }
}

/// What a candidate does next.
#[derive(Debug, Clone, PartialEq)]
pub enum Move {
    /// Write this: it makes, or keeps, the candidate the leader.
    Write(LeaseSpec),
    /// Another candidate leads; the lease cannot run out before this.
    Wait(Instant),
}

/// The next move of `me`, who first saw the lease in its present state at `seen`.
///
/// Whether a lease has run out goes by how long *this* process has seen it unchanged, never by the holder's clock.
pub fn next(
    lease: Option<&LeaseSpec>,
    me: &str,
    timing: &Timing,
    seen: Instant,
    now: Instant,
    time: Timestamp,
) -> Move {
    let holder = lease.and_then(|lease| lease.holder_identity.as_deref()).unwrap_or_default();
    let written = lease.and_then(|lease| lease.lease_duration_seconds).and_then(|seconds| u64::try_from(seconds).ok());
    let duration = written.map_or(timing.lease_duration, Duration::from_secs);
    if !holder.is_empty() && holder != me && now < seen + duration {
        return Move::Wait(seen + duration);
    }
    let transitions = lease.and_then(|lease| lease.lease_transitions).unwrap_or(0);
    let acquired = lease.filter(|_| holder == me).and_then(|lease| lease.acquire_time.clone());
    Move::Write(LeaseSpec {
        holder_identity: Some(me.to_owned()),
        lease_duration_seconds: Some(i32::try_from(timing.lease_duration.as_secs().max(1)).unwrap_or(i32::MAX)),
        acquire_time: Some(acquired.unwrap_or(MicroTime(time))),
        renew_time: Some(MicroTime(time)),
        lease_transitions: Some(if holder == me { transitions } else { transitions.saturating_add(1) }),
        ..lease.cloned().unwrap_or_default()
    })
}

/// The lease as its holder releases it, so that another candidate can acquire it at once.
pub fn released(lease: &LeaseSpec, time: Timestamp) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(String::new()),
        lease_duration_seconds: Some(1),
        renew_time: Some(MicroTime(time)),
        ..lease.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn held_by(holder: &str) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(holder.into()),
            lease_duration_seconds: Some(15),
            lease_transitions: Some(3),
            acquire_time: Some(MicroTime("2025-01-01T00:00:00Z".parse().unwrap())),
            ..LeaseSpec::default()
        }
    }

    fn writes(lease: Option<&LeaseSpec>, seen_for: u64) -> Option<LeaseSpec> {
        let seen = Instant::now();
        match next(lease, "me", &Timing::default(), seen, seen + Duration::from_secs(seen_for), time()) {
            Move::Write(spec) => Some(spec),
            Move::Wait(until) => {
                assert_eq!(until, seen + Duration::from_secs(15));
                None
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_nobody_holds_is_taken_at_once() {
        assert_eq!(writes(None, 0).unwrap().lease_transitions, Some(1));
        assert_eq!(writes(Some(&released(&held_by("other"), time())), 0).unwrap().lease_transitions, Some(4));
    }

    #[tokio::test(start_paused = true)]
    async fn another_ones_lease_is_taken_only_after_it_was_seen_unchanged_for_its_duration() {
        assert_eq!(writes(Some(&held_by("other")), 14), None);
        let taken = writes(Some(&held_by("other")), 15).unwrap();
        assert_eq!((taken.holder_identity.as_deref(), taken.lease_transitions), (Some("me"), Some(4)));
        assert_eq!(taken.acquire_time, Some(MicroTime(time())));
    }

    #[tokio::test(start_paused = true)]
    async fn ones_own_lease_is_renewed_and_keeps_its_history() {
        let renewed = writes(Some(&held_by("me")), 0).unwrap();
        assert_eq!((renewed.lease_transitions, renewed.acquire_time), (Some(3), held_by("me").acquire_time));
    }

    #[test]
    fn timing_has_to_keep_leaders_apart() {
        let good = Timing::default();
        assert_eq!(good.check(), Ok(good));
        for bad in [
            Timing { lease_duration: good.renew_deadline, ..good },
            Timing { renew_deadline: good.retry_period, ..good },
            Timing { retry_period: Duration::ZERO, ..good },
        ] {
            assert!(bad.check().unwrap_err().to_string().contains("has to be longer"));
        }
    }
}
