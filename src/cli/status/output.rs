//! How reports are printed.

use std::collections::BTreeMap;

use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::error::Error;
use crate::cli::stdout::print;
use crate::report::PoolReport;
use crate::report::daemon::DaemonReport;
use crate::report::text::{self, Rows};
use crate::stderr;
use crate::yaml;

/// How to print reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One row per pool
    Table,
    /// All facts as JSON: a list, or one object with POOL
    Json,
    /// All facts as YAML
    Yaml,
}

/// Prints reports, at once or as they change.
pub(super) struct Printer {
    format: Format,
    /// Whether there will be more, so that each report is a document of its own.
    is_stream: bool,
    is_one: bool,
    rows: Rows,
    terminal: Option<usize>,
    /// What is printed before the first table.
    head: String,
    shown: BTreeMap<String, PoolReport>,
}

impl Printer {
    pub(super) fn new(format: Format, is_stream: bool, is_one: bool) -> Self {
        let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Self {
            format,
            is_stream,
            is_one,
            rows: Rows::new(terminal),
            terminal,
            head: String::new(),
            shown: BTreeMap::new(),
        }
    }

    /// Has a table begin with a line on the daemon.
    pub(super) fn head(&mut self, daemon: &DaemonReport, now: Timestamp) {
        self.head = text::daemon(daemon, now, self.terminal);
    }

    /// Prints those that are not as they were when they were printed last.
    pub(super) fn print_changes(&mut self, reports: &[&PoolReport], now: Timestamp) -> Result<(), Error> {
        let is_news = |report: &&&PoolReport| self.shown.get(&report.name) != Some(report);
        let news: Vec<&PoolReport> = reports.iter().filter(is_news).copied().collect();
        if !news.is_empty() {
            self.print(&news, now)?;
        }
        // A pool that is gone and comes again is news.
        self.shown = reports.iter().map(|report| (report.name.clone(), (*report).clone())).collect();
        Ok(())
    }

    pub(super) fn print(&mut self, reports: &[&PoolReport], now: Timestamp) -> Result<(), Error> {
        let text = match self.format {
            Format::Table if reports.is_empty() && !self.is_stream => {
                stderr::line("no MachineConfigPools found");
                std::mem::take(&mut self.head)
            }
            Format::Table => std::mem::take(&mut self.head) + &self.rows.print(reports.iter().copied(), now),
            Format::Json | Format::Yaml if self.is_stream => {
                reports.iter().map(|report| self.next_document(report)).collect::<Result<_, _>>()?
            }
            Format::Json | Format::Yaml => match reports {
                [report] if self.is_one => self.document(report)?,
                reports => self.document(&reports)?,
            },
        };
        Ok(print(&text)?)
    }

    fn document(&self, what: &impl Serialize) -> Result<String, Error> {
        Ok(match self.format {
            Format::Yaml => yaml::print(what),
            Format::Json | Format::Table => format!("{}\n", serde_json::to_string_pretty(what)?),
        })
    }

    /// One of many documents.
    fn next_document(&self, report: &PoolReport) -> Result<String, Error> {
        Ok(match self.format {
            Format::Yaml => format!("---\n{}", yaml::print(report)),
            Format::Json | Format::Table => format!("{}\n", serde_json::to_string(report)?),
        })
    }
}
