//! The health of watches: a daemon whose watches miss changes is alive, but of no use.
//!
//! A watch may look healthy and still miss every change: after a restore from a backup the cluster is at an older
//! resource version, and the API server sends nothing to a watch that resumes from a newer one. So the daemon compares
//! the versions that watches begin with, and doubts a watch that was cut short and stays silent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, Response, StatusCode, Uri};
use tokio::sync::Notify;
use tokio::time::{self, Instant};
use tower::BoxError;

use super::request_info::{is_watch, scope_of, version_of};
use crate::api::limits::{WATCH_CUT_BEFORE, WATCH_DOUBT_AFTER, WATCH_SIGN_INTERVAL_MAX, WATCH_STALE_AFTER};
use crate::causes::with_causes;
use crate::reconcile::observed::scope::Scope;

/// The health of every watch of one daemon. The transport, which feeds it, shares it with its readers.
///
/// A watch begins to fail with the first request or body of its that fails, and ends with the next that does not.
#[derive(Debug, Clone, Default)]
pub struct WatchHealth(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    watches: Mutex<BTreeMap<Scope, WatchState>>,
    /// Told when there may be a doubt.
    doubts: Notify,
}

/// A watch that has been blind for longer than [`WATCH_STALE_AFTER`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleWatch {
    /// What it is to watch.
    pub scope: Scope,
    /// For how long it has seen nothing of it.
    pub blind_for: Duration,
    /// What is wrong with it.
    pub why: String,
}

/// Signs of life of one watch.
#[derive(Debug)]
struct WatchState {
    /// When something arrived last.
    heard: Instant,
    /// Whether anything has arrived since the watch was opened. An API server does not have to send bookmarks, and
    /// sends none for a kind without events: only a watch that has received something is expected to receive more.
    is_told: bool,
    /// Since when it has been failing, and how it did last.
    failing: Option<(Instant, String)>,
    /// The newest version that it began with.
    version: u64,
    doubt: Doubt,
}

/// Whether a watch goes on from a version that is not of this history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// It was told something since it began, or it was not cut short before.
    None,
    /// It was cut short.
    Cut,
    /// It has ended in its time.
    Ended,
    /// It goes on, and has been told nothing; until then, that is no reason to doubt.
    Open(Instant),
    /// The cluster is at an older version than it was.
    Rewound,
}

/// What is to be known of a watch that is in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Doubtful {
    /// Whether the cluster has come to the version that the watch goes on from.
    At(Scope, u64),
    /// Nothing: it has not.
    Rewound(Scope),
}

impl WatchState {
    fn new() -> Self {
        Self { heard: Instant::now(), is_told: false, failing: None, version: 0, doubt: Doubt::None }
    }

    /// When the watch is to be doubted.
    fn doubted_at(&self) -> Option<Instant> {
        match self.doubt {
            Doubt::Open(due) => Some(due),
            Doubt::Rewound => Some(self.heard),
            Doubt::None | Doubt::Cut | Doubt::Ended => None,
        }
    }

    /// For how long the watch has been blind, and why, if that is too long.
    fn blindness(&self, now: Instant) -> Option<(Duration, String)> {
        let (since, limit, why) = match &self.failing {
            Some((since, why)) => (*since, WATCH_STALE_AFTER, why.as_str()),
            // Until a sign of life is overdue, silence may be peace.
            None if !self.is_told => return None,
            None => (self.heard, WATCH_SIGN_INTERVAL_MAX + WATCH_STALE_AFTER, "nothing arrives, not even bookmarks"),
        };
        let blind_for = now.saturating_duration_since(since);
        (blind_for > limit).then(|| (blind_for, why.to_owned()))
    }
}

impl WatchHealth {
    /// From here on, these watches count, and no others: one that is not wanted any more is not missed.
    pub(super) fn follow<'a>(&self, scopes: impl IntoIterator<Item = &'a Scope>) {
        let mut watches = self.lock();
        let mut before = std::mem::take(&mut *watches);
        for scope in scopes {
            let signs = before.remove(scope).unwrap_or_else(WatchState::new);
            watches.insert(scope.clone(), signs);
        }
    }

    /// The watches that have been blind for too long.
    pub fn stale(&self) -> Vec<StaleWatch> {
        let now = Instant::now();
        let stale = |(scope, signs): (&Scope, &WatchState)| {
            let (blind_for, why) = signs.blindness(now)?;
            Some(StaleWatch { scope: scope.clone(), blind_for, why })
        };
        self.lock().iter().filter_map(stale).collect()
    }

    /// Waits until there is a watch in doubt. It is not any more, from then on.
    pub(super) async fn doubtful(&self) -> Doubtful {
        loop {
            let notified = self.0.doubts.notified();
            let next = self.lock().iter().filter_map(|(scope, signs)| Some((signs.doubted_at()?, scope.clone()))).min();
            match next {
                None => notified.await,
                Some((due, _)) if due > Instant::now() => {
                    let _ = time::timeout_at(due, notified).await;
                }
                Some((_, scope)) => {
                    if let Some(signs) = self.lock().get_mut(&scope) {
                        let doubt = std::mem::replace(&mut signs.doubt, Doubt::None);
                        let is_rewound = doubt == Doubt::Rewound;
                        return if is_rewound { Doubtful::Rewound(scope) } else { Doubtful::At(scope, signs.version) };
                    }
                }
            }
        }
    }

    /// It is not known whether the watch goes on from a version that the cluster has come to: that could not be seen.
    pub(super) fn doubt(&self, scope: &Scope) {
        self.note(scope, |signs| signs.doubt = Doubt::Open(Instant::now() + WATCH_DOUBT_AFTER));
        self.0.doubts.notify_one();
    }

    fn note(&self, scope: &Scope, note: impl FnOnce(&mut WatchState)) {
        // What is not followed any more may still have an answer under way.
        if let Some(signs) = self.lock().get_mut(scope) {
            note(signs);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Scope, WatchState>> {
        self.0.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for StaleWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}s: {}", self.scope, self.blind_for.as_secs(), self.why)
    }
}

/// One request of a watch, and the answer to it: what happens to it is a sign of the watch's life.
#[derive(Debug, Clone)]
pub(super) struct WatchProbe {
    health: WatchHealth,
    scope: Scope,
    verb: &'static str,
    sent: Instant,
}

impl WatchProbe {
    /// The pulse of a request; `None` if it is none of a watch's.
    pub(super) fn of(health: &WatchHealth, method: &Method, uri: &Uri) -> Option<Self> {
        let scope = if method == Method::GET { scope_of(uri) } else { None }?;
        let verb = if is_watch(uri) { "watch" } else { "list" };
        let probe = Self { health: health.clone(), scope, verb, sent: Instant::now() };
        if verb == "watch" {
            probe.begins_with(version_of(uri));
        }
        Some(probe)
    }

    /// The watch goes on from this version, that of the last list or of what was told last.
    fn begins_with(&self, version: u64) {
        self.health.note(&self.scope, |signs| {
            if version < signs.version {
                signs.doubt = Doubt::Rewound;
                self.health.0.doubts.notify_one();
            }
            signs.version = version;
        });
    }

    /// The request was answered, or was not.
    pub(super) fn answered<B>(&self, answer: &Result<Response<B>, BoxError>) {
        match answer.as_ref().map(Response::status) {
            // That a cluster does without a kind is a fact, and seen.
            Ok(StatusCode::NOT_FOUND) if self.scope.kind.is_optional() => self.succeeded(),
            Ok(status) if status.is_success() => {
                self.heard();
                self.health.note(&self.scope, |signs| {
                    signs.is_told = false;
                    let patience = match signs.doubt {
                        Doubt::Cut => WATCH_DOUBT_AFTER,
                        // A sign of life comes before that, where there is anything to tell of.
                        Doubt::Ended => WATCH_SIGN_INTERVAL_MAX + WATCH_DOUBT_AFTER,
                        Doubt::None | Doubt::Open(_) | Doubt::Rewound => return,
                    };
                    if self.verb == "watch" {
                        signs.doubt = Doubt::Open(Instant::now() + patience);
                        self.health.0.doubts.notify_one();
                    }
                });
            }
            Ok(status @ StatusCode::FORBIDDEN) => {
                let object = self.scope.kind.resource().plural;
                self.failed(&format!("{status}; the verb {} on {object} is needed", self.verb), None);
            }
            Ok(status) => self.failed(&format!("{} is answered with {status}", self.verb), None),
            Err(error) => self.failed(&with_causes(error.as_ref()), None),
        }
    }

    /// Something of the answer arrived. A list is of no use before all of it did.
    pub(super) fn arrived(&self) {
        self.heard();
        self.doubt_is(Doubt::None);
    }

    fn heard(&self) {
        if self.verb == "watch" {
            self.succeeded();
            self.health.note(&self.scope, |signs| signs.is_told = true);
        } else {
            self.health.note(&self.scope, |signs| signs.heard = Instant::now());
        }
    }

    /// The whole answer arrived; a watch is opened again then.
    pub(super) fn ended(&self) {
        self.succeeded();
        self.doubt_is(if self.sent.elapsed() < WATCH_CUT_BEFORE { Doubt::Cut } else { Doubt::Ended });
    }

    /// What there is to doubt of a watch from here on, unless the cluster is at an older version.
    fn doubt_is(&self, doubt: Doubt) {
        if self.verb == "watch" {
            self.health.note(&self.scope, |signs| {
                if signs.doubt != Doubt::Rewound {
                    signs.doubt = doubt;
                }
            });
        }
    }

    /// The answer, or the rest of it, will not come; `since` then, if not since now.
    pub(super) fn failed(&self, why: &str, since: Option<Instant>) {
        self.doubt_is(Doubt::Cut);
        self.health.note(&self.scope, |signs| {
            let silent_since = since.filter(|_| signs.is_told).unwrap_or_else(Instant::now);
            let since = signs.failing.as_ref().map_or(silent_since, |(since, _)| *since);
            signs.failing = Some((since, why.to_owned()));
        });
    }

    fn succeeded(&self) {
        self.health.note(&self.scope, |signs| {
            if let Some((since, why)) = signs.failing.take() {
                tracing::info!(watch = %self.scope, failed_for = ?since.elapsed(), why, "a watch is alive again");
            }
            signs.heard = Instant::now();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Kind;

    #[tokio::test(start_paused = true)]
    async fn l40_a_watch_of_which_there_is_nothing_to_tell_is_not_stale() {
        let (health, uri) = (WatchHealth::default(), Uri::from_static("/api/v1/namespaces/n/pods?watch=true"));
        health.follow([&Scope::all(Kind::Pod)]);
        for _ in 0..3 {
            let (probe, opened) = (WatchProbe::of(&health, &Method::GET, &uri).unwrap(), Instant::now());
            probe.answered(&Ok(Response::new(())));
            tokio::time::advance(Duration::from_secs(150)).await;
            assert_eq!(health.stale(), []);
            probe.failed("nothing has arrived", Some(opened));
            assert_eq!(health.stale(), []);
        }
        let probe = WatchProbe::of(&health, &Method::GET, &uri).unwrap();
        probe.answered(&Ok(Response::new(())));
        probe.arrived();
        tokio::time::advance(Duration::from_secs(106)).await;
        assert_eq!(health.stale()[0].to_string(), "Pods for 106s: nothing arrives, not even bookmarks");
    }

    #[tokio::test(start_paused = true)]
    async fn l40_what_was_heard_of_a_list_is_no_recovery_before_it_is_whole() {
        let (health, uri) = (WatchHealth::default(), Uri::from_static("/api/v1/namespaces/n/pods"));
        health.follow([&Scope::all(Kind::Pod)]);
        let probe = WatchProbe::of(&health, &Method::GET, &uri).unwrap();
        probe.failed("it broke", None);
        tokio::time::advance(WATCH_STALE_AFTER + Duration::from_secs(1)).await;
        probe.answered(&Ok(Response::new(())));
        probe.arrived();
        assert_eq!(health.stale()[0].to_string(), "Pods for 31s: it broke");
        probe.ended();
        assert_eq!(health.stale(), []);
        probe.failed("it broke again", None);
        health.follow([]);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(health.stale(), []);
    }
}
