//! The result of a simulation, as a table.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use comfy_table::{Cell, CellAlignment, Table, presets};

use crate::apiserver::{LogEntry, Verb};
use crate::simulation::checks::at_rest::Finding;
use crate::simulation::checks::invariants::is_upkeep;

/// The result of a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Pools.
    pub pools: usize,
    /// Configs that were to be rolled out to each pool.
    pub configs: usize,
    /// Builds that were started.
    pub builds: usize,
    /// Images that were published.
    pub published: usize,
    /// Objects of builds that were left behind.
    pub leftovers: Vec<Finding>,
    /// All other deviations.
    pub findings: Vec<Finding>,
    /// How long it took.
    pub time: Time,
    /// The daemon's requests, by verb and resource, up to the time when everything was done.
    pub requests: BTreeMap<(Verb, String), usize>,
    /// Requests in the hour after that, except lists, watches and the lease; none for a run that does not wait for that
    /// hour.
    pub requests_at_rest: Option<usize>,
}

/// How long something took, and by which clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// In virtual time.
    Virtual(Duration),
    /// In real time.
    Real(Duration),
}

impl Time {
    const fn name(self) -> &'static str {
        match self {
            Self::Virtual(_) => "virtual time",
            Self::Real(_) => "real time",
        }
    }

    /// How long.
    pub const fn duration(self) -> Duration {
        match self {
            Self::Virtual(duration) | Self::Real(duration) => duration,
        }
    }
}

impl Report {
    /// Counts the requests of one client.
    pub(super) fn count(log: &[LogEntry], agent: &str) -> BTreeMap<(Verb, String), usize> {
        let mut requests = BTreeMap::new();
        for entry in log.iter().filter(|entry| entry.agent == agent) {
            let resource = match &entry.subresource {
                Some(subresource) => format!("{}/{subresource}", entry.resource),
                None => entry.resource.clone(),
            };
            *requests.entry((entry.verb, resource)).or_default() += 1;
        }
        requests
    }

    /// The requests that are made for builds: all but lists, watches and the lease.
    pub fn build_requests(&self) -> usize {
        Self::sum(&self.requests)
    }

    /// How many of `requests` are made for builds.
    pub(super) fn sum(requests: &BTreeMap<(Verb, String), usize>) -> usize {
        requests.iter().filter(|((verb, resource), _)| !is_upkeep(*verb, resource)).map(|(_, n)| n).sum()
    }

    /// Whether everything is as it should be.
    pub fn is_clean(&self) -> bool {
        let is_complete = self.published == self.pools * self.configs;
        is_complete
            && self.leftovers.is_empty()
            && self.findings.is_empty()
            && self.requests_at_rest.is_none_or(|number| number == 0)
    }

    fn per_build(&self, requests: usize) -> String {
        if self.builds == 0 {
            return "-".to_owned();
        }
        // In hundredths, rounded up: a bound is not kept by rounding.
        let hundredths = (requests * 100).div_ceil(self.builds);
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut summary = table(["pools", "configs", "builds", "published", "left behind", self.time.name()]);
        summary.add_row([
            self.pools.to_string(),
            self.configs.to_string(),
            self.builds.to_string(),
            self.published.to_string(),
            self.leftovers.len().to_string(),
            hours_minutes_seconds(self.time.duration()),
        ]);
        writeln!(f, "{}\n", aligned(summary, 0))?;

        let mut requests = table(["request", "resource", "number", "per build"]);
        let (for_builds, others): (Vec<_>, Vec<_>) =
            self.requests.iter().partition(|((verb, resource), _)| !is_upkeep(*verb, resource));
        for ((verb, resource), number) in for_builds {
            requests.add_row([verb.as_str().into(), resource.clone(), number.to_string(), self.per_build(*number)]);
        }
        let total = self.build_requests();
        requests.add_row(["all".into(), String::new(), total.to_string(), self.per_build(total)]);
        for ((verb, resource), number) in others {
            requests.add_row([verb.as_str().into(), resource.clone(), number.to_string(), String::new()]);
        }
        if let Some(number) = self.requests_at_rest {
            requests.add_row(["at rest".into(), "all, in an hour".into(), number.to_string(), String::new()]);
        }
        write!(f, "{}", aligned(requests, 2))?;
        for finding in self.leftovers.iter().chain(&self.findings) {
            write!(f, "\nnot as it should be: {finding}")?;
        }
        Ok(())
    }
}

pub(super) fn table(header: impl IntoIterator<Item = impl Into<Cell>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.into_iter().map(Into::into).collect::<Vec<Cell>>());
    table
}

/// The table with its numbers, from column `first` on, on the right.
pub(super) fn aligned(mut table: Table, first: usize) -> String {
    for column in table.column_iter_mut().skip(first) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

fn hours_minutes_seconds(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}h{:02}m{:02}s", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
