//! `simulate`: the local multi-pool harness.

mod progress;
mod real;
mod scenario;

use std::fs::File;
use std::io::BufWriter;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::ValueEnum;

use self::progress::{conclude, progress_bar};
use super::build_settings::{BuildArguments, put};
use super::error::Error;
use crate::actors::ActorSettings;
use crate::settings;
use crate::simulation::runs::real_time::RealOptions;
use crate::simulation::runs::sweep::{self, InjectedFault, Scenario, SweepOptions};
use crate::simulation::{self, Builder, Fleet, FleetOptions, MachineConfigTemplate, Trace};
use crate::stderr;

const EXAMPLES: &str = "\
Examples:
  machine-os-builder simulate --pools 100 --configs 3
  machine-os-builder simulate --sweep happy/pod
  machine-os-builder simulate --scenario chaos --seeds 1..200";

/// Runs the daemon against a simulated cluster, in virtual time, and checks the result.
///
/// The same arguments print the same table. The exit status is 0 only if every pool ended with the image of its newest
/// config, no object of a build is left, and the daemon sent no request at rest.
///
/// --sweep replays each script once per request and injects one fault at that request. The exit status is 0 only if every
/// run ended in the state of a run without a fault.
///
/// --scenario injects faults for a bounded time. Afterwards, every pool has to be built, and the daemon has to come to
/// rest.
///
/// --executor buildah simulates only the API server and the renderer. Build pods run on this machine, in real time, and
/// push real images.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Number of opted-in pools
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pools: u32,

    /// Number of configs for each pool, rolled out one after the other
    #[arg(long, value_name = "M", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    configs: u32,

    /// Seed of all randomness
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// YAML file with a rendered MachineConfig, the content of every pool
    #[arg(long, value_name = "FILE")]
    machine_config: Option<PathBuf>,

    /// Image builder
    #[arg(long, value_enum, default_value_t = Builder::Pod)]
    builder: Builder,

    /// Executor of build pods
    #[arg(long, value_enum, default_value_t = RunBy::Simulated, conflicts_with_all = ["sweep", "scenario", "trace", "builder"])]
    executor: RunBy,

    /// With --executor buildah: YAML file with the ConfigMaps and Secrets of the build, as in config/samples; repeatable
    #[arg(long, value_name = "FILE", required_if_eq("executor", "buildah"), conflicts_with_all = ["sweep", "scenario"])]
    input: Vec<PathBuf>,

    /// Inject one fault at each request of every script, or of this one
    #[arg(long, value_name = "SCENARIO", num_args = 0..=1, conflicts_with_all = ["pools", "configs", "seed", "machine_config", "builder", "scenario", "trace"])]
    sweep: Option<Option<Scenario>>,

    /// With --sweep: only this kind of fault
    #[arg(long, requires = "sweep")]
    fault: Option<InjectedFault>,

    /// With --sweep: only at the request with this number, from 0
    #[arg(long, value_name = "N", requires = "sweep")]
    request: Option<usize>,

    #[command(flatten)]
    build: BuildArguments,

    /// Builds that run at once; 0 means no limit [default: 5]
    #[arg(long, value_name = "N", env = "MAX_CONCURRENT_BUILDS")]
    max_concurrent_builds: Option<usize>,

    /// Scenario with faults: happy, churn, failures, restarts, failover, chaos, scale, or a YAML file of fault rates. The
    /// exit status is 1 if an invariant is violated; the command that reproduces it is printed
    #[arg(long, value_name = "NAME|FILE", conflicts_with_all = ["pools", "configs", "machine_config", "builder"])]
    scenario: Option<String>,

    /// Seeds of the scenario, both ends included; they run in parallel, up to the first that violates an invariant
    #[arg(long, value_name = "A..B", requires = "scenario", conflicts_with_all = ["seed", "trace"], value_parser = scenario::seeds)]
    seeds: Option<RangeInclusive<u64>>,

    /// File for a trace: one line for each request, and one for each change that it makes
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

/// Settings of the process that a daemon is, and of where it works.
const NOT_FOLLOWED: [&str; 7] = [
    "namespace",
    "adminListen",
    "leaderElection.enabled",
    "leaderElection.leaseDuration",
    "leaderElection.renewDeadline",
    "leaderElection.retryPeriod",
    "logFormat",
];

/// What runs build pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RunBy {
    /// A simulated node: build pods pass through their phases in virtual time
    Simulated,
    /// This machine, as root, with its buildah, as in local-cluster
    Buildah,
}

impl Arguments {
    /// Whether faults are part of the run, which are logged as such.
    pub(super) const fn has_faults(&self) -> bool {
        self.scenario.is_some()
    }

    /// The settings of the file and the flags, but for those of the process that a daemon is: here there is none.
    fn settings(&self) -> Result<ActorSettings, Error> {
        let mut settings = self.given()?;
        let default = settings::Settings::default();
        let others = NOT_FOLLOWED.into_iter().filter(|field| settings.differing(&default).contains(field));
        let others = others.collect::<Vec<_>>().join(", ");
        if !others.is_empty() {
            stderr::line(&format!("warning: a simulation does not go by these settings: {others}"));
        }
        settings.namespace = default.namespace;
        Ok(settings.for_actors())
    }

    fn given(&self) -> Result<settings::Settings, Error> {
        self.build.settings(|settings| put(self.max_concurrent_builds.as_ref(), &mut settings.max_concurrent_builds))
    }

    /// Sees that nothing was asked for that would not be done.
    fn check(&self) -> Result<(), Error> {
        if !self.input.is_empty() && self.executor != RunBy::Buildah {
            return Err("--input is for --executor buildah: a simulation has inputs of its own".into());
        }
        if self.sweep.is_some() {
            let given = self.given()?;
            let fields = given.differing(&settings::Settings::default()).join(", ");
            if !fields.is_empty() {
                return Err(format!("a sweep goes by the default settings; leave out what sets {fields}").into());
            }
        }
        Ok(())
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    arguments.check()?;
    if let Some(scenario) = arguments.sweep {
        return sweep(scenario, arguments);
    }
    if let Some(name) = &arguments.scenario {
        let trace = arguments.trace.as_deref().map(open_trace).transpose()?;
        let seeds = arguments.seeds.clone().unwrap_or(arguments.seed..=arguments.seed);
        return scenario::run(name, seeds, arguments.settings()?, trace.as_ref());
    }
    let machine_config = match &arguments.machine_config {
        Some(path) => MachineConfigTemplate::read(path)?,
        None => MachineConfigTemplate::default(),
    };
    let fleet = Fleet { pools: arguments.pools as usize, configs: arguments.configs as usize, seed: arguments.seed };
    let bar = progress_bar(fleet.pools * fleet.configs, "images published");
    if arguments.executor == RunBy::Buildah {
        let inputs = real::inputs(&arguments.input)?;
        return real::run(&RealOptions { fleet, machine_config, inputs, settings: arguments.settings()? }, &bar);
    }
    let started = Instant::now();
    let options = FleetOptions { fleet, machine_config, builder: arguments.builder, settings: arguments.settings()? };
    let trace = arguments.trace.as_deref().map(open_trace).transpose()?;
    let report = simulation::run_traced(&options, trace.as_ref(), &mut |published| bar.set_position(published as u64))?;
    bar.finish_and_clear();
    conclude(&report, report.is_clean(), Some(started))
}

fn open_trace(path: &Path) -> Result<Trace, Error> {
    let file = File::create(path).map_err(|error| format!("failed to write {}: {error}", path.display()))?;
    Ok(Trace::new(BufWriter::new(file)))
}

fn sweep(scenario: Option<Scenario>, arguments: &Arguments) -> Result<ExitCode, Error> {
    let started = Instant::now();
    let mut options = SweepOptions { request: arguments.request, ..SweepOptions::default() };
    if let Some(scenario) = scenario {
        options.scenarios = vec![scenario];
    }
    if let Some(fault) = arguments.fault {
        options.faults = vec![fault];
    }
    let bar = progress_bar(0, "points tried");
    let report = sweep::sweep(&options, &|done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    if let Some(request) = arguments.request.filter(|_| report.points() == 0 && report.failures.is_empty()) {
        let last = report.last_request();
        return Err(
            format!("there is no request {request} for such a fault; --request has to be from 0 to {last}").into()
        );
    }
    conclude(&report, report.is_clean(), Some(started))
}
