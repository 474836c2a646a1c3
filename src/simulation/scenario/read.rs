//! Reading of scenarios, by preset name or from a file.

use std::path::{Path, PathBuf};

use super::entries::Scenario;
use super::presets::PRESETS;

/// Why there is no scenario to run.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// There is no such file either.
    #[error("failed to read {}: it is no scenario's name ({}) and no file that can be read", .0.display(), names())]
    Read(PathBuf, #[source] std::io::Error),
    /// The file is no YAML, or says something else than scenarios do.
    #[error("failed to read {} as a scenario", .0.display())]
    Malformed(PathBuf, #[source] Box<serde_saphyr::Error>),
    /// Some number is out of bounds: the error, and a valid alternative.
    #[error("{}: {}", .0.display(), .1)]
    OutOfBounds(PathBuf, &'static str),
}

/// The preset of this name.
pub fn named(name: &str) -> Option<Scenario> {
    let (_, entries) = PRESETS.iter().find(|(known, _)| *known == name)?;
    Some(serde_saphyr::from_str(&entries.join("\n")).expect("a preset is a scenario"))
}

/// The preset of this name, or else the scenario in the file of this name.
///
/// # Errors
/// If there is neither. An error in a file names its line.
pub fn read(name: &str) -> Result<Scenario, ScenarioError> {
    if let Some(scenario) = named(name) {
        return Ok(scenario);
    }
    let path = Path::new(name);
    let text = std::fs::read_to_string(path).map_err(|error| ScenarioError::Read(path.into(), error))?;
    let scenario: Scenario =
        serde_saphyr::from_str(&text).map_err(|error| ScenarioError::Malformed(path.into(), Box::new(error)))?;
    match fault(&scenario) {
        Some(what) => Err(ScenarioError::OutOfBounds(path.into(), what)),
        None => Ok(scenario),
    }
}

fn fault(scenario: &Scenario) -> Option<&'static str> {
    const POOLS_MAX: usize = 10_000;
    const REPLICAS_MAX: usize = 10;
    if !(1..=POOLS_MAX).contains(&scenario.pools) {
        return Some("pools has to be from 1 to 10000");
    }
    if !(1..=REPLICAS_MAX).contains(&scenario.replicas) {
        return Some("replicas has to be from 1 to 10");
    }
    (scenario.network.event_window == 0).then_some("network.event-window has to be at least 1")
}

fn names() -> String {
    PRESETS.map(|(name, _)| name).join(", ")
}
