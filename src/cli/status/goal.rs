//! The goal of a wait, and whether it is reached, or out of reach.

use clap::ValueEnum;

use crate::report::{PoolPhase, PoolReport};

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Goal {
    /// The image of the pool's config is published, and the build is deleted
    Built,
    /// The build failed, or an input cannot be used
    Failed,
}

/// Whether what is waited for is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is.
    Reached,
    /// It is not, and needs a user's action first.
    Hopeless(String),
    /// It is not, and may come.
    NotYet,
}

impl Goal {
    /// Judges the pool of this name, or else all pools that are opted in.
    pub(super) fn judge(self, reports: &[&PoolReport], pool: Option<&str>) -> Verdict {
        let meant: Vec<&PoolReport> =
            reports.iter().copied().filter(|r| pool.is_some() || r.state != PoolPhase::NotOptedIn).collect();
        if meant.is_empty() {
            let why = pool.map_or_else(|| "no pool is opted in".to_owned(), |pool| format!("pool {pool} is gone"));
            return Verdict::Hopeless(why);
        }
        if let Some(report) = meant.iter().find(|report| self.is_out_of_reach(report)) {
            return Verdict::Hopeless(format!(
                "pool {} is {}, which lasts until somebody acts",
                report.name, report.state
            ));
        }
        if meant.iter().all(|report| self.is_reached(report)) { Verdict::Reached } else { Verdict::NotYet }
    }

    fn is_reached(self, report: &PoolReport) -> bool {
        match self {
            Self::Built => report.is_built(),
            Self::Failed => report.is_failed(),
        }
    }

    fn is_out_of_reach(self, report: &PoolReport) -> bool {
        let is_left = matches!(report.state, PoolPhase::NotOptedIn | PoolPhase::OptingOut | PoolPhase::Deleting);
        let other = match self {
            Self::Built => Self::Failed,
            Self::Failed => Self::Built,
        };
        is_left || other.is_reached(report)
    }
}
