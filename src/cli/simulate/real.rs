//! `simulate --executor buildah`: builds for real, in real time.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{Arguments, progress_bar};
use crate::api::Kind;
use crate::cli::Error;
use crate::cli::documents::Documents;
use crate::cli::stdout::print;
use crate::cli::stop::told_to_stop;
use crate::simulation::kubelet::real::Executor;
use crate::simulation::runs::real_time::{self, RealOptions};
use crate::simulation::{Fleet, MachineConfigTemplate};
use crate::stderr;

pub(super) fn run(arguments: &Arguments, machine_config: MachineConfigTemplate) -> Result<ExitCode, Error> {
    let inputs = inputs(&arguments.input)?;
    let options = RealOptions {
        fleet: Fleet { pools: arguments.pools as usize, configs: arguments.configs as usize, seed: arguments.seed },
        machine_config,
        inputs,
        settings: arguments.settings()?,
    };
    stderr::line(Executor::NOTICE);
    let bar = progress_bar(u64::from(arguments.pools) * u64::from(arguments.configs), "images published");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        let stop = told_to_stop()?;
        real_time::run(&options, stop, &mut |published| bar.set_position(published as u64)).await
    })?;
    bar.finish_and_clear();
    print(&format!("{report}\n"))?;
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The ConfigMaps and Secrets in the files.
fn inputs(files: &[PathBuf]) -> Result<Vec<crate::api::Object>, Error> {
    let documents = Documents::read(files)?;
    let inputs = documents.of_kinds(&[Kind::ConfigMap, Kind::Secret]);
    if inputs.is_empty() {
        return Err("there is no ConfigMap in any --input; name files with machine-config-osimageurl, \
                    on-cluster-build-config, and the Secrets that it names"
            .into());
    }
    Ok(inputs)
}
