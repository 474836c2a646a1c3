//! The result of a sweep, as a table.

use std::collections::BTreeMap;
use std::fmt;

use comfy_table::Cell;

use super::fault::InjectedFault;
use super::scenario::Scenario;
use super::trial::{Reference, Trial};
use crate::simulation::runs::report::{aligned, table};

/// The result of a sweep.
#[derive(Debug, Clone, Default)]
pub struct SweepReport {
    faults: Vec<InjectedFault>,
    /// The number of requests at which any of the faults can be.
    numbers: usize,
    /// The requests of each scenario's undisturbed run.
    requests: BTreeMap<Scenario, usize>,
    /// Points tried, and those of them at which something was wrong.
    points: BTreeMap<(Scenario, InjectedFault), (usize, usize)>,
    /// All that was wrong.
    pub failures: Vec<Failure>,
}

/// A point at which something was wrong.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The violation.
    pub whats: Vec<String>,
    /// The request at which the fault was.
    pub at: String,
    /// The command that does it again.
    pub command: String,
}

impl SweepReport {
    pub(super) fn new(faults: &[InjectedFault], numbers: usize) -> Self {
        Self { faults: faults.to_vec(), numbers, ..Self::default() }
    }

    pub(super) fn add_scenario(&mut self, scenario: Scenario, reference: &Result<Reference, Vec<String>>) {
        self.requests.insert(scenario, reference.as_ref().map_or(0, |reference| reference.requests.len()));
        if let Err(whats) = reference {
            let command = format!("machine-os-builder simulate --sweep {scenario}");
            let at = "no request: nothing was disturbed".into();
            self.failures.push(Failure { whats: whats.clone(), at, command });
        }
    }

    pub(super) fn add_trial(&mut self, trial: &Trial<'_>, whats: Vec<String>) {
        let Trial { scenario, fault, request, reference } = trial;
        let (tried, wrong) = self.points.entry((*scenario, *fault)).or_default();
        *tried += 1;
        if whats.is_empty() {
            return;
        }
        *wrong += 1;
        let at = match fault {
            InjectedFault::Panics => reference.announced[*request].clone(),
            InjectedFault::DiesAlways => "the second write of every process".to_owned(),
            _ => format!("{} {}", reference.requests[*request].method, reference.requests[*request].path),
        };
        let command = format!("machine-os-builder simulate --sweep {scenario} --fault {fault} --request {request}");
        self.failures.push(Failure { whats, at, command });
    }

    /// The highest number of a request at which any of the faults can be.
    pub const fn last_request(&self) -> usize {
        self.numbers.saturating_sub(1)
    }

    /// Points that were tried.
    pub fn points(&self) -> usize {
        self.points.values().map(|(tried, _)| tried).sum()
    }

    /// Whether nothing was wrong, and something was tried.
    pub fn is_clean(&self) -> bool {
        self.failures.is_empty() && self.points() > 0
    }

    /// Points, and after a stroke those of them at which something was wrong.
    fn cell(&self, points: impl Fn(&(Scenario, InjectedFault)) -> bool) -> Cell {
        let (tried, wrong) = self
            .points
            .iter()
            .filter(|(point, _)| points(point))
            .fold((0, 0), |(tried, wrong), (_, (t, w))| (tried + t, wrong + w));
        Cell::new(if wrong == 0 { tried.to_string() } else { format!("{tried}/{wrong}") })
    }

    fn row(&self, head: String, requests: usize, points: impl Fn(&Scenario) -> bool) -> Vec<Cell> {
        let mut row = vec![Cell::new(head), Cell::new(requests)];
        row.extend(self.faults.iter().map(|fault| self.cell(|(s, f)| points(s) && f == fault)));
        row.push(self.cell(|(scenario, _)| points(scenario)));
        row
    }
}

impl fmt::Display for SweepReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = self.faults.iter().map(|fault| fault.name().replace('-', "\n"));
        let header = ["scenario".to_owned(), "requests".to_owned()].into_iter().chain(heads).chain(["all".to_owned()]);
        let mut points = table(header);
        for (scenario, requests) in &self.requests {
            points.add_row(self.row(scenario.to_string(), *requests, |s| s == scenario));
        }
        points.add_row(self.row("all".to_owned(), self.requests.values().sum(), |_| true));
        write!(f, "{}", aligned(points, 1))?;
        for failure in &self.failures {
            write!(f, "\n\nnot as it should be, with a fault at {}:\n  {}", failure.at, failure.command)?;
            for what in &failure.whats {
                write!(f, "\n    {what}")?;
            }
        }
        Ok(())
    }
}
