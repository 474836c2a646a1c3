//! Whether the daemon reports to users that the cluster refuses a build's writes, and for how long it does.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::event::Event;
use super::model::{Model, is_member};
use crate::api::Pool;
use crate::api::conditions::{BUILD_FAILED, BUILD_PENDING};
use crate::api::pool::field;
use crate::simulation::checks::at_rest::Finding;
use crate::simulation::faults::link_control::FAULT;

/// The reason of the condition, and of the Event, that report a refusal.
const REFUSED: &str = "BuildRefused";
/// The time in which a refusal is shown.
const SHOWN_WITHIN: SignedDuration = SignedDuration::from_secs(16);
/// The time after a refusal in which it is shown no more: the longest wait for the next try, and what that takes.
const FORGOTTEN_WITHIN: SignedDuration = SignedDuration::from_secs(60 + 16);
/// Tries closer than this are one, sent more than once.
const BURST: SignedDuration = SignedDuration::from_secs(15);
/// The maximum time between two renewals of the lease by a leader.
const RENEWED_WITHIN: SignedDuration = SignedDuration::from_secs(5);
/// Tries that may come faster than one a minute, at the beginning.
const FAST_TRIES_MAX: i64 = 6;

/// A write of the daemon that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedWrite {
    /// The pool that it was for.
    pub pool: String,
    /// A part of what the server said.
    pub words: String,
    /// Whether the status of the pool was to be written: it cannot show that this is refused.
    pub is_status: bool,
}

/// The history of refusals.
#[derive(Default)]
pub(super) struct Refusals {
    /// By pool.
    of: BTreeMap<String, Refused>,
    /// The pools whose status is known to be refused, and until when it may not be tried again.
    status: BTreeMap<String, Timestamp>,
    /// The pools for which an Event has reported a refusal.
    told: BTreeSet<String>,
    /// Whether anything is refused.
    is_refusing: bool,
    /// When that ended last.
    ended: Option<Timestamp>,
    /// Since when pools show a refusal though nothing is refused.
    stale: BTreeMap<String, (String, Timestamp)>,
    /// When the lease was renewed last.
    renewed: Option<Timestamp>,
    /// How many writes were.
    pub count: u64,
}

/// A pool that is refused something.
struct Refused {
    since: Timestamp,
    words: String,
    /// When the first of the latest tries was.
    burst: Timestamp,
    tries: i64,
}

impl Refusals {
    /// Something is refused from here on, or nothing.
    pub(super) fn refuses(&mut self, is_refusing: bool, now: Timestamp) {
        if self.is_refusing && !is_refusing {
            self.ended = Some(now);
        }
        self.is_refusing = is_refusing;
        // With new rules, the API server may admit what it refused before. Writes that it still refuses are noted
        // again.
        self.of.clear();
        let next_try = now.checked_add(FORGOTTEN_WITHIN).unwrap_or(Timestamp::MAX);
        for until in self.status.values_mut() {
            *until = next_try.min(*until);
        }
    }

    pub(super) fn note(&mut self, write: &RefusedWrite, now: Timestamp) {
        self.count += 1;
        if write.is_status {
            self.status.insert(write.pool.clone(), Timestamp::MAX);
            return;
        }
        let new = || Refused { since: now, words: write.words.clone(), burst: now, tries: 1 };
        let refused = self.of.entry(write.pool.clone()).or_insert_with(new);
        // The next refused write is the next step of the build: the step before it succeeded.
        if refused.words != write.words {
            *refused = new();
        }
        if now.duration_since(refused.burst) > BURST {
            (refused.burst, refused.tries) = (now, refused.tries + 1);
        }
    }

    /// Observes other changes: if one makes another build necessary, or none, earlier refusals are void.
    pub(super) fn observe(&mut self, event: &Event<'_>, now: Timestamp) {
        let is_about = |pool: &Value| pool["involvedObject"]["name"].as_str().map(str::to_owned);
        match event.kind {
            "Lease" => {
                let holder = |lease: &Value| lease["spec"]["holderIdentity"].clone();
                // A new process has no record of earlier refusals, and retries at once.
                if event.before.map(holder) != event.after.map(holder) {
                    self.of.clear();
                }
                self.renewed = Some(now);
            }
            "Event" if event.by_daemon => {
                let told = event.after.filter(|event| field(event, "reason") == REFUSED).and_then(is_about);
                self.told.extend(told);
            }
            "MachineConfigPool" if !event.by_daemon => {
                let part = |pool: &Value| {
                    let metadata =
                        ["labels", "annotations", "deletionTimestamp"].map(|field| pool["metadata"][field].clone());
                    (pool["spec"].clone(), metadata)
                };
                if event.before.map(part) != event.after.map(part) {
                    self.of.remove(&event.name);
                }
            }
            "ConfigMap" | "Secret" | "MachineConfig" if !event.by_daemon => self.of.clear(),
            _ => {}
        }
    }

    /// Whether anything is refused.
    pub(super) const fn is_refusing(&self) -> bool {
        self.is_refusing
    }

    /// Whether a leader renews the lease.
    pub(super) fn is_at_work(&self, now: Timestamp) -> bool {
        self.renewed.is_some_and(|renewed| now.duration_since(renewed) <= RENEWED_WITHIN)
    }

    /// Faults in the refusals that pools show. Disturbances are tolerated until `tolerant_until`. Without a free slot,
    /// the next try waits for one.
    pub(super) fn faults(
        &mut self,
        model: &Model,
        is_full: bool,
        tolerant_until: Timestamp,
        now: Timestamp,
    ) -> Vec<Finding> {
        let mut faults = Vec::new();
        if now <= tolerant_until || !self.is_at_work(now) {
            self.of.clear();
        }
        self.of.retain(|name, _| {
            model.pools.get(name).is_some_and(|pool| is_member(pool) && Pool::new(pool).blocked_by().is_none())
        });
        for (name, refused) in &self.of {
            let pool = Pool::new(&model.pools[name]);
            let (lasts, fault) = (now.duration_since(refused.since), |what: String| Finding::of_pool(name, what));
            if refused.tries > FAST_TRIES_MAX + lasts.as_mins() {
                faults.push(fault(format!("is tried more than once a minute, and refused since {}", refused.since)));
            }
            let is_building = model.builds_of(name).next().is_some();
            if lasts <= SHOWN_WITHIN || is_building {
                continue;
            }
            if !self.told.contains(name) {
                faults.push(fault(format!("is refused since {}, and no Event tells of it", refused.since)));
            }
            if self.status.get(name).is_none_or(|until| *until < now) && !shows(&pool, &refused.words) {
                let shown = pool.shown();
                faults.push(fault(format!(
                    "is refused since {} ({}), and shows {shown:?}",
                    refused.since, refused.words
                )));
            }
        }
        faults.extend(self.forgotten(model, is_full, tolerant_until, now));
        faults
    }

    /// Pools that have shown a refusal for long though nothing is refused.
    fn forgotten(&mut self, model: &Model, is_full: bool, tolerant_until: Timestamp, now: Timestamp) -> Vec<Finding> {
        let Some(ended) = self.ended.filter(|_| !self.is_refusing && !is_full && now > tolerant_until) else {
            self.stale.clear();
            return Vec::new();
        };
        let shown = stale(model);
        // A pool that shows another refusal has tried again, and met another error: its next try is due a minute later.
        self.stale.retain(|pool, (message, _)| shown.get(pool) == Some(message));
        for (pool, message) in shown {
            self.stale.entry(pool).or_insert((message, now));
        }
        let is_late = |since: &Timestamp| now.duration_since(ended.max(*since)) > FORGOTTEN_WITHIN;
        let late = self.stale.iter().filter(|(_, (_, since))| is_late(since));
        late.map(|(pool, _)| Finding::of_pool(pool, "shows a refusal, and nothing is refused")).collect()
    }
}

/// Whether a pool shows that it is refused, or that it has failed.
fn shows(pool: &Pool<'_>, words: &str) -> bool {
    // The pool shows the latest error, and a network fault may have followed the refusal.
    let is_said = |condition| {
        let message = field(condition, "message");
        field(condition, "reason") == REFUSED && (message.contains(words) || message.contains(FAULT))
    };
    pool.is_true(BUILD_FAILED) || (pool.is_true(BUILD_PENDING) && pool.condition(BUILD_PENDING).is_some_and(is_said))
}

/// Pools that show a refusal, and that nothing else keeps from being built.
fn stale(model: &Model) -> BTreeMap<String, String> {
    let pools = model.pools.values().map(Pool::new).filter(|pool| pool.blocked_by().is_none());
    let refused = pools.filter_map(|pool| Some((pool.name().to_owned(), pool.shown()?.clone())));
    let refused = refused.filter(|(_, shown)| field(shown, "reason") == REFUSED);
    refused.map(|(pool, shown)| (pool, field(&shown, "message").to_owned())).collect()
}
