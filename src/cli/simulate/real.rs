//! `simulate --executor buildah`: builds for real, in real time.

use std::path::PathBuf;
use std::process::ExitCode;

use indicatif::ProgressBar;

use super::progress::conclude;
use crate::api::Kind;
use crate::cli::documents::Documents;
use crate::cli::error::Error;
use crate::cli::stop::told_to_stop;
use crate::simulation::kubelet::real::Executor;
use crate::simulation::runs::real_time::{self, RealOptions};
use crate::stderr;

/// Runs until every config is built, or until the process is told to stop.
pub(super) fn run(options: &RealOptions, bar: &ProgressBar) -> Result<ExitCode, Error> {
    stderr::line(Executor::NOTICE);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        let stop = told_to_stop()?;
        real_time::run(options, stop, &mut |published| bar.set_position(published as u64)).await
    })?;
    bar.finish_and_clear();
    conclude(&report, report.is_clean(), None)
}

/// The ConfigMaps and Secrets in the files.
pub(super) fn inputs(files: &[PathBuf]) -> Result<Vec<crate::api::Object>, Error> {
    let documents = Documents::read(files)?;
    let inputs = documents.of_kinds(&[Kind::ConfigMap, Kind::Secret]);
    if inputs.is_empty() {
        return Err("there is no ConfigMap in any --input; name files with machine-config-osimageurl, \
                    on-cluster-build-config, and the Secrets that it names"
            .into());
    }
    Ok(inputs)
}
