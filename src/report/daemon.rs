//! The state of the daemon, which it publishes in the annotations of its Lease for the read-only commands.
//!
//! The daemon writes it with the renewals that it sends anyway, and a command reads it with one request.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use serde::{Deserialize, Serialize};

use crate::api::keys;
use crate::reconcile::decide::DecideSettings;
use crate::reconcile::inputs::build_settings::DigestHandoff;

/// How many names of stale watches it publishes; there may be one for each Secret.
const STALE_WATCHES_MAX: usize = 10;

/// Settings of a daemon that its decisions are made by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DaemonSettings {
    /// The version of the program.
    pub version: String,
    /// Builds that run at once; 0 is no limit.
    pub max_concurrent_builds: usize,
    /// Attempts at a build whose object is lost, the first included.
    pub max_attempts: u32,
    /// How long a build object may take to start.
    #[serde(with = "duration")]
    pub pending_deadline: Duration,
    /// How long a whole build may take.
    #[serde(with = "duration")]
    pub build_deadline: Duration,
    /// How a build pod hands over its digest.
    pub digest_handoff: DigestHandoff,
}

/// How a daemon that leads is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DaemonState {
    /// Since when it leads.
    pub leader_since: Option<Timestamp>,
    /// Whether it sees everything.
    pub ready: bool,
    /// The first of the watches on which it does not see what happens.
    pub stale_watches: Vec<String>,
    /// Pools that it looks after.
    pub pools: usize,
    /// Pools that build, or are about to.
    pub building: usize,
    /// Pools that wait for a slot.
    pub waiting: usize,
}

impl DaemonSettings {
    /// What of these settings is told.
    pub fn of(settings: &DecideSettings, digest_handoff: DigestHandoff) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            max_concurrent_builds: settings.concurrent_builds_max,
            max_attempts: settings.attempts_max,
            pending_deadline: settings.pending_deadline,
            build_deadline: settings.build_deadline,
            digest_handoff,
        }
    }

    /// Puts them in the place of others.
    pub fn put(&self, settings: &mut DecideSettings) {
        settings.concurrent_builds_max = self.max_concurrent_builds;
        settings.attempts_max = self.max_attempts;
        settings.pending_deadline = self.pending_deadline;
        settings.build_deadline = self.build_deadline;
        settings.digest_handoff = self.digest_handoff;
    }
}

/// The annotations that say so.
pub fn annotations(settings: &DaemonSettings, state: &DaemonState) -> BTreeMap<String, String> {
    let mut state = state.clone();
    state.stale_watches.truncate(STALE_WATCHES_MAX);
    let settings = serde_json::to_string(settings).map(|text| (keys::DAEMON_SETTINGS.to_owned(), text));
    let state = serde_json::to_string(&state).map(|text| (keys::DAEMON_STATE.to_owned(), text));
    [settings, state].into_iter().flatten().collect()
}

/// Which process leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leadership {
    /// The lease may not be read.
    Unreadable,
    /// There is no lease.
    NoLease,
    /// The last leader has given the lease back.
    Released(Option<Timestamp>),
    /// A process holds the lease.
    Held {
        /// Its name.
        by: String,
        /// When it renewed the lease last.
        renewed: Option<Timestamp>,
        /// How long the lease keeps others out.
        duration: Duration,
    },
}

/// The state of the daemon, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonReport {
    /// Which process leads.
    pub leadership: Leadership,
    /// The settings of the process that leads, or led last.
    pub settings: Option<DaemonSettings>,
    /// How that process was when it renewed the lease last.
    pub state: Option<DaemonState>,
}

impl DaemonReport {
    /// Nothing, as the lease may not be read.
    pub const fn unreadable() -> Self {
        Self { leadership: Leadership::Unreadable, settings: None, state: None }
    }

    /// What a lease says.
    pub fn of(lease: Option<&Lease>) -> Self {
        let Some(lease) = lease else {
            return Self { leadership: Leadership::NoLease, settings: None, state: None };
        };
        let said = |key: &str| lease.metadata.annotations.as_ref().and_then(|annotations| annotations.get(key));
        let spec = lease.spec.as_ref();
        let renewed = spec.and_then(|spec| spec.renew_time.as_ref()).map(|time| time.0);
        let holder = spec.and_then(|spec| spec.holder_identity.clone()).filter(|holder| !holder.is_empty());
        let seconds = spec.and_then(|spec| spec.lease_duration_seconds).and_then(|seconds| u64::try_from(seconds).ok());
        let duration = Duration::from_secs(seconds.unwrap_or_default());
        Self {
            leadership: holder.map_or(Leadership::Released(renewed), |by| Leadership::Held { by, renewed, duration }),
            settings: said(keys::DAEMON_SETTINGS).and_then(|text| serde_json::from_str(text).ok()),
            state: said(keys::DAEMON_STATE).and_then(|text| serde_json::from_str(text).ok()),
        }
    }

    /// Whether a daemon is at work; `None` if that is unknown.
    pub fn is_at_work(&self, now: Timestamp) -> Option<bool> {
        match &self.leadership {
            Leadership::Unreadable | Leadership::NoLease => None,
            Leadership::Released(_) => Some(false),
            Leadership::Held { renewed, duration, .. } => {
                let age = renewed.map(|renewed| Duration::try_from(now.duration_since(renewed)).unwrap_or_default());
                Some(age.is_some_and(|age| age < *duration))
            }
        }
    }
}

/// Durations as in `10m`.
mod duration {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(*duration))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        humantime::parse_duration(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings() -> DaemonSettings {
        let settings =
            DecideSettings { attempts_max: 7, pending_deadline: Duration::from_secs(90), ..DecideSettings::default() };
        DaemonSettings::of(&settings, DigestHandoff::TerminationMessage)
    }

    fn lease(spec: serde_json::Value, annotations: BTreeMap<String, String>) -> Lease {
        serde_json::from_value(json!({"metadata": {"annotations": annotations}, "spec": spec})).unwrap()
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let state = DaemonState { ready: true, pools: 3, building: 1, ..DaemonState::default() };
        let written = annotations(&settings(), &state);
        assert_eq!(
            written[keys::DAEMON_SETTINGS],
            json!({"version": env!("CARGO_PKG_VERSION"), "maxConcurrentBuilds": 5, "maxAttempts": 7,
                "pendingDeadline": "1m 30s", "buildDeadline": "1h", "digestHandoff": "termination-message"})
            .to_string()
            .parse::<serde_json::Value>()
            .map(|value| serde_json::to_string(&serde_json::from_value::<DaemonSettings>(value).unwrap()).unwrap())
            .unwrap()
        );
        let read = DaemonReport::of(Some(&lease(json!({"holderIdentity": "a"}), written)));
        assert_eq!((read.settings, read.state), (Some(settings()), Some(state)));
    }

    #[test]
    fn a_field_of_a_later_version_does_not_keep_the_others_from_being_read() {
        let mut later = serde_json::to_value(settings()).unwrap();
        later["more"] = json!(1);
        let written = BTreeMap::from([(keys::DAEMON_SETTINGS.to_owned(), later.to_string())]);
        assert_eq!(DaemonReport::of(Some(&lease(json!({}), written))).settings, Some(settings()));
        let nonsense = BTreeMap::from([(keys::DAEMON_SETTINGS.to_owned(), "no JSON".to_owned())]);
        assert_eq!(DaemonReport::of(Some(&lease(json!({}), nonsense))).settings, None);
    }

    #[test]
    fn a_lease_tells_whether_a_daemon_is_at_work() {
        let held = |by: &str| json!({"holderIdentity": by, "leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.000000Z"});
        let at = |time: &str| -> Timestamp { time.parse().unwrap() };
        let at_work = |spec, time| DaemonReport::of(Some(&lease(spec, BTreeMap::new()))).is_at_work(at(time));
        assert_eq!(at_work(held("a"), "2026-01-01T00:00:14Z"), Some(true));
        assert_eq!(at_work(held("a"), "2026-01-01T00:00:15Z"), Some(false));
        // A clock that is behind.
        assert_eq!(at_work(held("a"), "2025-12-31T23:59:00Z"), Some(true));
        assert_eq!(at_work(held(""), "2026-01-01T00:00:01Z"), Some(false));
        assert_eq!(DaemonReport::of(None).is_at_work(at("2026-01-01T00:00:00Z")), None);
        assert_eq!(DaemonReport::unreadable().is_at_work(at("2026-01-01T00:00:00Z")), None);
    }

    #[test]
    fn what_is_told_of_stale_watches_is_bounded() {
        let state = DaemonState { stale_watches: vec!["secrets/x".repeat(30); 1000], ..DaemonState::default() };
        assert!(annotations(&settings(), &state)[keys::DAEMON_STATE].len() < 4_000);
    }
}
