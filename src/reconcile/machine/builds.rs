//! The status of a pool's builds: from their objects, the digests that they left, and the diagnostics read about them.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::outcome::Failure;
use crate::api::limits::{DIGEST_BACKOFF_MAX, DIGEST_FAILURES_MAX, DIGEST_INTERVAL, DIGEST_TRIES_MAX};
use crate::api::{Key, Object, Sensitive};
use crate::jitter::Jitter;
use crate::reconcile::decide::{Diagnostics, Effect};
use crate::reconcile::observed::digest::Digest;
use crate::reconcile::observed::status::{BuildFailure, BuildStatus};

/// The step at which a build without a digest is lost.
const READING_DIGEST: &str = "reading the digest of the image";

/// The status of a pool's builds, by the UIDs of their objects.
#[derive(Debug, Clone, Default)]
pub(super) struct Builds {
    statuses: BTreeMap<String, BuildStatus>,
    /// When this process first saw each build; none for a build first seen before a step passed in the time.
    seen: BTreeMap<String, Instant>,
    /// Since when this process has seen builds run; none for a build first seen before a step passed in the time.
    running: BTreeMap<String, Instant>,
    /// The diagnostics read about them.
    diagnostics: BTreeMap<String, Diagnostics>,
    /// Digests that have to be read from the ConfigMaps that builds left.
    digests: BTreeMap<String, DigestRead>,
    transitions: Vec<Transition>,
}

/// A build whose status has changed.
#[derive(Debug, Clone)]
pub struct Transition {
    /// The build object.
    pub build: Key,
    /// Its UID.
    pub uid: String,
    /// Its new status.
    pub status: BuildStatus,
}

/// A digest that has to be read.
#[derive(Debug, Clone)]
struct DigestRead {
    /// The build object.
    build: Key,
    due: Due,
    /// Reads that found none.
    tries: u32,
    /// Reads that failed.
    failures: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Now,
    At(Instant),
    /// It is being read.
    Answer,
}

impl Builds {
    pub(super) const fn statuses(&self) -> &BTreeMap<String, BuildStatus> {
        &self.statuses
    }

    pub(super) const fn seen(&self) -> &BTreeMap<String, Instant> {
        &self.seen
    }

    pub(super) const fn running(&self) -> &BTreeMap<String, Instant> {
        &self.running
    }

    pub(super) const fn diagnostics(&self) -> &BTreeMap<String, Diagnostics> {
        &self.diagnostics
    }

    pub(super) fn take_transitions(&mut self) -> Vec<Transition> {
        std::mem::take(&mut self.transitions)
    }

    /// Applies the status that a build object reports.
    pub(super) fn classified(&mut self, key: &Key, object: &Object, status: BuildStatus) {
        let uid = object.metadata.uid.clone().unwrap_or_default();
        if status == BuildStatus::DigestInConfigMap {
            if self.statuses.get(&uid).is_some_and(BuildStatus::is_finished) {
                // The digest is being read, or the result of that is known.
                return;
            }
            let read = DigestRead { build: key.clone(), due: Due::Now, tries: 0, failures: 0 };
            self.digests.insert(uid.clone(), read);
        }
        self.note(key, uid, status);
    }

    /// Notes since when builds have been seen, and seen to run.
    pub(super) fn clock_in(&mut self, now: Instant) {
        for (uid, status) in &self.statuses {
            self.seen.entry(uid.clone()).or_insert(now);
            if *status == BuildStatus::Running {
                self.running.entry(uid.clone()).or_insert(now);
            }
        }
    }

    /// The digests that are to be read now; each is answered, or abandoned.
    pub(super) fn read_digests(&mut self, now: Instant) -> Vec<Effect> {
        let is_due = |read: &DigestRead| match read.due {
            Due::Now => true,
            Due::At(time) => time <= now,
            Due::Answer => false,
        };
        let due = self.digests.iter_mut().filter(|(_, read)| is_due(read));
        due.map(|(uid, read)| {
            read.due = Due::Answer;
            Effect::ReadDigest { build: read.build.clone(), uid: uid.clone() }
        })
        .collect()
    }

    /// How long it is until the next digest is to be read.
    pub(super) fn next_read(&self, now: Instant) -> Option<Duration> {
        let times = self.digests.values().filter_map(|read| match read.due {
            Due::Now => Some(now),
            Due::At(time) => Some(time),
            Due::Answer => None,
        });
        times.min().map(|time| time.saturating_duration_since(now))
    }

    /// Applies the read of the digest that `build` left in the ConfigMap `found`. A build writes its digest before its
    /// object reports success, so a few reads prove that there is none.
    pub(super) fn digest_read(&mut self, uid: &str, build: Option<&Object>, found: Option<&Object>, now: Instant) {
        let Some(read) = self.digests.get_mut(uid) else { return };
        if let Some(digest) = build.zip(found).and_then(|(build, found)| Digest::left_by(build, found)) {
            return self.end_read(uid, BuildStatus::Succeeded(digest));
        }
        read.tries += 1;
        if read.tries < DIGEST_TRIES_MAX {
            read.due = Due::At(now + DIGEST_INTERVAL);
            return;
        }
        let config_map = Digest::config_map_of(&read.build);
        let words = format!("the build succeeded, but left no digest in {config_map}");
        self.end_read(uid, BuildStatus::Lost(BuildFailure::loss(READING_DIGEST, words)));
    }

    /// Applies a failed read of a digest: the next read comes later each time, and their number is limited.
    pub(super) fn digest_unread(&mut self, uid: &str, failure: &Failure, jitter: &Jitter, now: Instant) {
        let Some(read) = self.digests.get_mut(uid) else { return };
        read.failures += 1;
        if read.failures < DIGEST_FAILURES_MAX {
            let wait = jitter.backoff(DIGEST_INTERVAL, DIGEST_BACKOFF_MAX, read.failures);
            tracing::warn!(error = %failure, build = %read.build, failures = read.failures, ?wait, "failed to read a digest");
            read.due = Due::At(now + wait);
            return;
        }
        let words = format!("{failure}; tried {DIGEST_FAILURES_MAX} times");
        self.end_read(uid, BuildStatus::Lost(BuildFailure::loss(READING_DIGEST, words)));
    }

    /// Diagnostics about a build are being read.
    pub(super) fn read_diagnostics(&mut self, uid: &str) {
        self.diagnostics.insert(uid.to_owned(), Diagnostics::Sought);
    }

    /// The diagnostics about a build were read.
    pub(super) fn found(&mut self, uid: &str, text: Sensitive<String>) {
        self.diagnostics.insert(uid.to_owned(), Diagnostics::Found(text));
    }

    /// Reads under way about builds are lost and have to be repeated.
    pub(super) fn abandon_reads(&mut self) {
        self.diagnostics.retain(|_, diagnostics| *diagnostics != Diagnostics::Sought);
        for read in self.digests.values_mut().filter(|read| read.due == Due::Answer) {
            read.due = Due::Now;
        }
    }

    /// Forgets all builds but these.
    pub(super) fn retain(&mut self, is_there: impl Fn(&str) -> bool) {
        self.statuses.retain(|uid, _| is_there(uid));
        self.seen.retain(|uid, _| is_there(uid));
        self.running.retain(|uid, _| is_there(uid));
        self.diagnostics.retain(|uid, _| is_there(uid));
        self.digests.retain(|uid, _| is_there(uid));
    }

    fn end_read(&mut self, uid: &str, status: BuildStatus) {
        if let Some(read) = self.digests.remove(uid) {
            self.note(&read.build, uid.to_owned(), status);
        }
    }

    fn note(&mut self, build: &Key, uid: String, status: BuildStatus) {
        if self.statuses.get(&uid) != Some(&status) {
            self.statuses.insert(uid.clone(), status.clone());
            self.transitions.push(Transition { build: build.clone(), uid, status });
        }
    }
}
