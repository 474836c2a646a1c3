//! Reports on pools, for users and programs: the decisions of the pool's [machine](crate::reconcile::machine), without
//! carrying them out.
//!
//! | file | concern |
//! |---|---|
//! | [`DryRun`] | drives the pool's machine as its actor would, up to the first effect that is not on the pool itself |
//! | `state` | one word for the phase that results |
//! | `parts` | the built and the wanted inputs, attempts, build objects, blocking conditions |
//! | `schema` | the fields of a report |
//! | `next` | the next step, and a useful command |
//! | [`daemon`] | the settings and the state that a daemon publishes on its Lease |
//! | [`text`] | a table, and a page for one pool |
//!
//! # The schema
//!
//! `status -o json` prints [`PoolReport`]s: names and meanings of its fields stay, and so do the words of [`PoolPhase`].
//! Fields, and words, may be added. A field that has nothing to say is `null`, or an empty list; times are RFC 3339 in
//! UTC. Nothing in it comes from a Secret.

pub mod daemon;
mod dry_run;
mod next;
mod parts;
mod schema;
mod state;
pub mod text;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use self::dry_run::{DryRun, Progress};
pub use self::schema::{
    AttemptReport, Blocker, BuildReport, Condition, InputFaultReport, InputField, Next, PoolReport, Queue,
};
pub use self::state::PoolPhase;
use crate::reconcile::slots::Demand;

/// The report on a pool, and what the pool wants of the slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The report; its queue is for [`reports`] to fill in.
    pub report: PoolReport,
    demand: Demand,
    /// When to look again, even if nothing changes.
    pub requeue_at: Option<Timestamp>,
}

/// The reports on all pools, each with its place in the queue.
pub fn reports(seen: impl IntoIterator<Item = Observation>) -> Vec<PoolReport> {
    let mut reports: Vec<(PoolReport, Demand)> = seen.into_iter().map(|seen| (seen.report, seen.demand)).collect();
    let holds = |(report, demand): &(PoolReport, Demand)| (*demand == Demand::Hold).then(|| report.name.clone());
    let held_by: Vec<String> = reports.iter().filter_map(holds).collect();
    let mut waiting: Vec<(Timestamp, String)> = reports
        .iter()
        .filter_map(|(report, demand)| match demand {
            Demand::Wait(since) => Some((*since, report.name.clone())),
            Demand::None | Demand::Hold => None,
        })
        .collect();
    // In the order in which slots are given out.
    waiting.sort();
    let place = |(n, (_, pool)): (usize, &(Timestamp, String))| (pool.clone(), n + 1);
    let places: BTreeMap<String, usize> = waiting.iter().enumerate().map(place).collect();
    for (report, _) in &mut reports {
        report.queue = places.get(&report.name).map(|position| Queue {
            position: *position,
            waiting: places.len(),
            held_by: held_by.clone(),
        });
    }
    reports.into_iter().map(|(report, _)| report).collect()
}
