//! The invariants of a simulation, checked after each request.
//!
//! [`Invariants`] receives every request and every change, by any client, and keeps its own small model of the cluster.
//! It judges the daemon's writes by that model alone, and never asks the daemon anything.
//!
//! | file | content |
//! |---|---|
//! | `builds` | build objects: how many exist, for which pools, from which inputs, and when they are deleted |
//! | `conditions` | a pool's conditions and references |
//! | `published` | the published image of a pool |
//! | `failed` | the failures that the daemon reports to users |
//! | `bounds` | the number of builds that run at once, and the time that cleaning up takes |
//! | `refused` | whether the daemon reports the writes that the cluster refuses |
//! | `foreign` | the objects and fields of other owners |
//! | `rest` | the state of the cluster at rest |
//! | `violation` | the types of invariants and violations |
//! | `event` | a change to be judged |
//! | `model` | the model: the objects that exist, and what the checks need of their history |

mod bounds;
mod builds;
mod conditions;
mod event;
mod failed;
mod foreign;
mod model;
mod published;
mod refused;
mod rest;
mod spoiled;
mod violation;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use self::event::{Event, object};
pub(in crate::simulation) use self::foreign::without_emptiness;
use self::model::Model;
use self::refused::Refusals;
pub use self::refused::RefusedWrite;
use self::spoiled::SpoiledInput;
pub use self::violation::{Invariant, Violation};
use crate::api::Object;
use crate::api::limits::REQUEST_TIMEOUT;
use crate::apiserver::{ApiServer, AuditedChange, LogEntry, Verb};
use crate::daemon;
use crate::simulation::checks::at_rest::Finding;
use crate::simulation::faults::link_control::LinkRequest;
use crate::simulation::people::registry::FakeRegistry;

/// The checker of one simulation. Clones are the same one.
#[derive(Clone)]
pub struct Invariants(Arc<Mutex<Checker>>);

struct Checker {
    ledger: FakeRegistry,
    agent: String,
    now: Timestamp,
    /// Until then, two processes may both act, or one may act on an outdated state.
    tolerant_until: Timestamp,
    /// Builds that may run at once; 0 is no limit.
    limit: bounds::BuildLimit,
    model: Model,
    refusals: Refusals,
    spoiled: SpoiledInput,
    violations: Vec<Violation>,
    /// Violations already noted, so that a lasting one is noted once.
    known: BTreeSet<(Invariant, String, String)>,
    requests: usize,
}

impl Invariants {
    /// Checks everything that happens on `server` from here on; the server must be new. If the images that builds push
    /// are not in `ledger`, the checks trust what builds report.
    pub fn attach(server: &ApiServer, ledger: &FakeRegistry) -> Self {
        let invariants = Self(Arc::new(Mutex::new(Checker {
            ledger: ledger.clone(),
            agent: daemon::user_agent(),
            now: Timestamp::MIN,
            tolerant_until: Timestamp::MIN,
            limit: bounds::BuildLimit::default(),
            model: Model::default(),
            refusals: Refusals::default(),
            spoiled: SpoiledInput::default(),
            violations: Vec::new(),
            known: BTreeSet::new(),
            requests: 0,
        })));
        let checker = invariants.clone();
        server.add_auditor(Arc::new(move |entry, changes| checker.with(|checker| checker.observe(entry, changes))));
        invariants
    }

    /// Limits the builds that may run at once to `max`; 0, the default, is no limit.
    pub fn limit_builds(&self, max: usize) {
        self.with(|checker| checker.limit.max = max);
    }

    /// Notes a disturbance at `time`: an answer was lost, or one process followed another. A request that was decided
    /// before it may still take effect, for as long as a request may be in flight. Nothing else is tolerated; an image
    /// that is published with other inputs than it was built from is never tolerated.
    pub fn tolerate_from(&self, time: Timestamp) {
        let until = time.checked_add(request_timeout()).unwrap_or(Timestamp::MAX);
        self.tolerate_until(until);
    }

    /// The same, until `time`: for requests known to be in flight for longer, or watches known to be blind.
    pub fn tolerate_until(&self, time: Timestamp) {
        self.with(|checker| checker.tolerant_until = checker.tolerant_until.max(time));
    }

    /// All that did not hold so far, oldest first.
    pub fn violations(&self) -> Vec<Violation> {
        self.with(|checker| checker.violations.clone())
    }

    /// Notes that a request of the process `identity` has reached the API server. Only the leader may send writes.
    pub fn arrived(&self, identity: &str, passing: &LinkRequest) {
        if !passing.is_write() || passing.path.contains("/leases") {
            return;
        }
        self.with(|checker| {
            let leader = checker.model.leader.as_deref().unwrap_or_default();
            if leader != identity {
                let LinkRequest { method, path, .. } = passing;
                let what = format!("sends {method} {path}, and {leader:?} leads");
                checker.note(Invariant::Fenced, vec![Finding::new(identity, what)]);
            }
        });
    }

    /// A write of the daemon is refused.
    pub fn refused(&self, write: &RefusedWrite) {
        self.with(|checker| checker.refusals.note(write, checker.now));
    }

    /// Something may be refused from here on, or nothing.
    pub fn refuses(&self, is_refusing: bool) {
        self.with(|checker| checker.refusals.refuses(is_refusing, checker.now));
    }

    /// The daemon's writes that were refused so far.
    pub fn refused_writes(&self) -> u64 {
        self.with(|checker| checker.refusals.count)
    }

    /// The daemon's requests so far, but for lists, watches and the lease.
    pub fn requests(&self) -> usize {
        self.with(|checker| checker.requests)
    }

    /// Build objects that were made so far, by pool and the hash of their inputs.
    pub fn builds_made(&self) -> BTreeMap<(String, String), usize> {
        self.with(|checker| checker.model.builds_made.clone())
    }

    /// Objects that should not exist, or are missing, in a cluster at rest.
    pub fn at_rest(&self) -> Vec<Violation> {
        self.with(|checker| {
            let found = rest::faults(&checker.model);
            found.into_iter().map(|fault| Violation::new(Invariant::Rest, checker.now, fault)).collect()
        })
    }

    fn with<T>(&self, read: impl FnOnce(&mut Checker) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Checker {
    fn observe(&mut self, entry: &LogEntry, changes: &[AuditedChange<'_>]) {
        self.now = entry.at;
        let by_daemon = entry.agent == self.agent;
        self.requests += usize::from(by_daemon && !is_upkeep(entry.verb, &entry.resource));
        for change in changes {
            let event = Event {
                kind: change.kind,
                name: change.object["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
                before: change.previous,
                after: (!change.is_deletion).then_some(change.object),
                by_daemon,
            };
            self.judge(&event);
            self.model.apply(&event, self.now);
            self.refusals.observe(&event, self.now);
            self.spoiled.observe(&event);
        }
        if !changes.is_empty() {
            self.judge_state();
        }
    }

    /// Judges what is there now.
    fn judge_state(&mut self) {
        let running = bounds::running(&self.model);
        let is_full = self.limit.is_reached(running);
        let unshown = self.refusals.faults(&self.model, is_full, self.tolerant_until, self.now);
        self.note(Invariant::RefusalIsShown, unshown);
        let is_tolerant = self.is_tolerant();
        let is_disturbed = is_tolerant || self.refusals.is_refusing() || !self.refusals.is_at_work(self.now);
        let unshown = self.spoiled.faults(&self.model, is_disturbed, self.now);
        self.note(Invariant::BadInputIsShown, unshown);
        self.note(Invariant::CleanUp, bounds::overdue(&self.model, self.now));
        let too_many = self.limit.exceeded(running, is_tolerant);
        self.note(Invariant::BuildsAtOnce, too_many);
        self.note_unless_tolerant(Invariant::OneBuild, builds::duplicates(&self.model));
    }

    /// Judges a change by what was there before it.
    fn judge(&mut self, event: &Event<'_>) {
        if !event.by_daemon {
            return;
        }
        let recent = self.now.checked_sub(request_timeout()).unwrap_or(Timestamp::MIN);
        self.note(Invariant::ForeignIsKept, foreign::faults(event));
        self.note_unless_tolerant(Invariant::ForItsPool, builds::made_for_no_pool(&self.model, event, recent));
        self.note_unless_tolerant(Invariant::InOrder, builds::made_unclaimed(&self.model, event));
        self.note_unless_tolerant(Invariant::InOrder, builds::deleted_early(&self.model, event));
        if event.kind == "MachineConfigPool"
            && let (Some(before), Some(after)) = (event.before.and_then(object), event.after.and_then(object))
        {
            self.judge_pool(&before, &after);
        }
    }

    fn judge_pool(&mut self, before: &Object, after: &Object) {
        let write = conditions::Write { before, after, model: &self.model };
        let (one, blocked, degraded) = (write.one_of_four(), write.blocked(), write.degraded_once());
        let (referred, success) = (write.in_order(), write.success_after_clean_up());
        self.note(Invariant::OneOfFour, one);
        self.note_unless_tolerant(Invariant::Blocked, blocked);
        self.note(Invariant::DegradedOnce, degraded);
        self.note(Invariant::InOrder, referred);
        self.note_unless_tolerant(Invariant::InOrder, success);
        self.note(Invariant::PublishedIsBuilt, published::faults(&self.model, &self.ledger, before, after));
        self.note(Invariant::FailedIsFailed, failed::faults(&self.model, &self.ledger, before, after));
    }

    fn is_tolerant(&self) -> bool {
        self.now <= self.tolerant_until
    }

    fn note_unless_tolerant(&mut self, invariant: Invariant, faults: Vec<Finding>) {
        if !self.is_tolerant() {
            self.note(invariant, faults);
        }
    }

    fn note(&mut self, invariant: Invariant, faults: Vec<Finding>) {
        for fault in faults {
            if self.known.insert((invariant, fault.object.clone(), fault.what.clone())) {
                self.violations.push(Violation::new(invariant, self.now, fault));
            }
        }
    }
}

fn request_timeout() -> SignedDuration {
    SignedDuration::try_from(REQUEST_TIMEOUT).unwrap_or(SignedDuration::MAX)
}

/// Whether a request is for no build: lists, watches and the lease.
pub(in crate::simulation) fn is_upkeep(verb: Verb, resource: &str) -> bool {
    matches!(verb, Verb::List | Verb::Watch) || resource == "leases"
}
