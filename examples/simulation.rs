//! Runs a simulation from code: the daemon against a cluster of its own, in virtual time.
//!
//! ```console
//! $ cargo run --example simulation
//! ```
//!
//! The first part rolls a fleet out and checks how it ends, as `simulate` does. The second part runs a scenario with
//! faults from several seeds, as `simulate --scenario restarts --seeds 1..3` does.

use std::error::Error;

use machine_os_builder::actors::ActorSettings;
use machine_os_builder::simulation::runs::scenario::{self, Failed, Run};
use machine_os_builder::simulation::{self, Builder, Fleet, FleetOptions, MachineConfigTemplate};

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut settings = ActorSettings::default();
    settings.decide.concurrent_builds_max = 2;

    let options = FleetOptions {
        fleet: Fleet { pools: 4, configs: 2, seed: 7 },
        machine_config: MachineConfigTemplate::default(),
        builder: Builder::Mixed,
        settings: settings.clone(),
    };
    let report = simulation::run(&options, &mut |_published| {})?;
    println!("{report}\n");
    assert!(report.is_clean(), "a pool did not get its image, or an object of a build is left");
    assert_eq!(report.published, 8);

    let run = Run { scenario: scenario::read("restarts")?, seed: 1, settings };
    match scenario::run_all(&run, 1..=3, &|_done| {}) {
        Ok(summary) => println!("{} runs, {} builds, no violation", summary.runs, summary.builds),
        Err(Failed::Violated(outcome)) => panic!("seed {}: {:?}", outcome.seed, outcome.violations),
        Err(Failed::Error(error)) => return Err(error),
    }
    Ok(())
}
