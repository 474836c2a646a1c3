//! The places of the pools that wait for a slot.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{PoolReport, Queue};
use crate::reconcile::slots::Demand;

/// The report on a pool, and what the pool wants of the slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The report; its queue is for [`reports`] to fill in.
    pub report: PoolReport,
    pub(super) demand: Demand,
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
