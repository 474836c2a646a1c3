//! Runs of a [scenario](crate::simulation::scenario), from one seed or from each of many.

pub(crate) mod run;
mod seeds;
mod verdict;

pub use self::run::{Outcome, Run, run};
pub use self::seeds::{Failed, Summary, run_all};
pub use crate::simulation::scenario::{
    Admission, Builds, Every, Neighbours, Network, PRESETS, Preset, Processes, Scenario, ScenarioError, Share, Users,
    named, read,
};
