//! Scenarios: user actions, other controllers' writes, and faults.

mod arguments;
mod ingredients;
mod presets;
mod refusals;

use std::path::{Path, PathBuf};
use std::time::Duration;

use machine_os_builder::actors::ActorSettings;
use machine_os_builder::simulation::runs::scenario::{self, Run};

/// The preset of this name, with a phase of faults of this length.
fn preset(name: &str, seed: u64, minutes: u64) -> Run {
    let mut scenario = scenario::named(name).unwrap();
    scenario.faults = Duration::from_secs(minutes * 60);
    Run { scenario, seed, settings: ActorSettings::default() }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}
