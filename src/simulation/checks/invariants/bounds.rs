//! Bounds: the number of builds that run at once, and the time until the daemon has cleaned up.

use jiff::{SignedDuration, Timestamp};

use super::model::{Model, is_member};
use super::rest;
use crate::api::Pool;
use crate::reconcile::objects;
use crate::simulation::checks::at_rest::Finding;

/// The time within which the daemon removes what is left of a pool that was opted out or deleted, whatever goes wrong
/// meanwhile. It covers several faults in sequence, and a lost node with a build on it.
const CLEAN_UP_MAX: SignedDuration = SignedDuration::from_mins(15);

/// The number of build objects whose builds run.
pub(super) fn running(model: &Model) -> usize {
    model
        .made
        .iter()
        .filter(|((kind, _), _)| kind.is_build_object())
        .filter(|((kind, _), build)| objects::classify(*kind, build).is_some_and(|status| !status.is_finished()))
        .count()
}

/// The limit on builds that run at once.
#[derive(Default)]
pub(super) struct BuildLimit {
    /// The maximum; 0 is no limit.
    pub max: usize,
    /// Builds that ran while disturbances were tolerated, and that still run.
    tolerated: usize,
}

impl BuildLimit {
    /// Whether as many builds run as the limit allows. Other pools then wait, whatever they show.
    pub(super) const fn is_reached(&self, running: usize) -> bool {
        self.max > 0 && running >= self.max
    }

    /// More builds that run at once than may. Builds in excess that a tolerated disturbance led to may run on.
    pub(super) fn exceeded(&mut self, running: usize, is_tolerant: bool) -> Vec<Finding> {
        self.tolerated = if is_tolerant { running } else { self.tolerated.min(running) };
        let max = self.max;
        if max == 0 || running <= max.max(self.tolerated) {
            return Vec::new();
        }
        vec![Finding::new("all pools", format!("{running} builds run at once, and {max} may"))]
    }
}

/// Objects that still exist of pools that were opted out or deleted long ago.
pub(super) fn overdue(model: &Model, now: Timestamp) -> Vec<Finding> {
    let is_long_ago = |since: &Timestamp| now.duration_since(*since) > CLEAN_UP_MAX;
    let mut faults = Vec::new();
    for (name, past) in &model.past {
        let pool = model.pools.get(name);
        if pool.is_some_and(is_member) || !past.membership_changed.as_ref().is_some_and(is_long_ago) {
            continue;
        }
        faults.extend(model.made_for(name).map(|((kind, left), _)| {
            Finding::new(format!("{} {left}", kind.name()), format!("is there long after {name} was opted out"))
        }));
        let traces = pool.map_or_else(Vec::new, |pool| rest::traces(&Pool::new(pool)));
        faults.extend(traces.into_iter().map(|what| Finding::of_pool(name, what)));
    }
    faults
}
