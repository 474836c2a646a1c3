//! The refusals of the daemon's writes that are active.

use std::sync::{Arc, Mutex, PoisonError};

use crate::api::{Kind, Object};
use crate::apiserver::{AdmissionRequest, Admitter, Refusal, Verb};
use crate::daemon;
use crate::reconcile::observed::index::owner_of;
use crate::simulation::checks::invariants::{Invariants, RefusedWrite};

/// The active refusals. Clones share them.
#[derive(Clone)]
pub struct Refusals {
    rules: Arc<Mutex<Vec<Rule>>>,
    invariants: Invariants,
}

/// The refusals of one cause.
#[derive(Debug, Clone)]
struct Rule {
    /// Distinguishes it from others.
    number: u32,
    target: Target,
    /// The pool whose writes are refused; none for those of all pools.
    pool: Option<String>,
    refusal: Refusal,
    /// A part of the refusal's message that no other refusal has.
    words: String,
}

/// Which writes are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Creations of build objects.
    Builds,
    /// Creations of the ConfigMaps that builds take in.
    ConfigMaps,
    /// Patches of pools, but for their status.
    Pools,
    /// Patches of the status of pools.
    PoolStatus,
    /// All of these.
    All,
}

impl Refusals {
    /// No refusals; reports each refused write to `invariants`.
    pub(super) fn new(invariants: Invariants) -> Self {
        Self { rules: Arc::default(), invariants }
    }

    /// The admitter to install in the API server.
    pub(super) fn admitter(&self) -> Admitter {
        let (refusals, agent) = (self.clone(), daemon::user_agent());
        Arc::new(move |request| {
            if request.agent != agent {
                return None;
            }
            refusals.asked(request)
        })
    }

    /// Ends all refusals.
    pub fn end_all(&self) {
        self.change(Vec::clear);
    }

    fn asked(&self, request: &AdmissionRequest<'_>) -> Option<Refusal> {
        let target = Target::of(request)?;
        let pool = pool_of(request)?;
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let rule = rules.iter().find(|rule| {
            (rule.target == Target::All || rule.target == target) && rule.pool.as_ref().is_none_or(|one| *one == pool)
        })?;
        let is_status = target == Target::PoolStatus;
        self.invariants.refused(&RefusedWrite { pool, words: rule.words.clone(), is_status });
        Some(rule.refusal.clone())
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Rule>)) {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut rules);
        self.invariants.refuses(!rules.is_empty());
    }

    pub(super) fn begin(&self, draw: impl FnOnce(u32) -> (Target, Option<String>, Refusal, String)) -> u32 {
        let mut begun = 0;
        self.change(|rules| {
            begun = rules.iter().map(|rule| rule.number + 1).max().unwrap_or_default();
            let (target, pool, refusal, words) = draw(begun);
            rules.push(Rule { number: begun, target, pool, refusal, words });
        });
        begun
    }

    pub(super) fn end(&self, number: u32) {
        self.change(|rules| rules.retain(|rule| rule.number != number));
    }
}

impl Target {
    /// The target of a write; none for a write that is never refused.
    fn of(request: &AdmissionRequest<'_>) -> Option<Self> {
        let is_patch = matches!(request.verb, Verb::Patch | Verb::Update);
        match (request.resource, request.subresource) {
            ("pods" | "builds", None) if request.verb == Verb::Create => Some(Self::Builds),
            ("configmaps", None) if request.verb == Verb::Create => Some(Self::ConfigMaps),
            ("machineconfigpools", None) if is_patch => Some(Self::Pools),
            ("machineconfigpools", Some("status")) if is_patch => Some(Self::PoolStatus),
            _ => None,
        }
    }
}

/// The pool that a write is for.
fn pool_of(request: &AdmissionRequest<'_>) -> Option<String> {
    if request.resource == Kind::MachineConfigPool.resource().plural {
        return Some(request.name.to_owned());
    }
    let object: Object = serde_json::from_value(request.object?.clone()).ok()?;
    owner_of(&object)
}
