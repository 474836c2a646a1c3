//! `explain`: the full report on one pool.

use std::process::ExitCode;

use jiff::Timestamp;

use super::cluster_access::{ClusterArguments, find};
use super::error::Error;
use super::stdout::print;
use super::stop::Stop;
use crate::report::text;

const EXAMPLES: &str = "\
Examples:
  machine-os-builder explain worker
  machine-os-builder explain worker --context prod";

/// Explains the state of one pool.
///
/// The page compares what the image was built from with what is wanted now, field by field. It shows the build, objects
/// of others that block it, what the daemon does next, and a command that helps. The command evaluates the daemon's own
/// decision and writes nothing. No daemon has to run.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Name of the pool
    #[arg(value_name = "POOL")]
    pool: String,

    #[command(flatten)]
    cluster: ClusterArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let page = runtime.block_on(page(arguments))?;
    print(&page)?;
    Ok(ExitCode::SUCCESS)
}

async fn page(arguments: &Arguments) -> Result<String, Error> {
    Stop::at_once()?;
    let access = arguments.cluster.connect().await?;
    let snapshot = access.snapshot().await?;
    let now = Timestamp::now();
    let reports = snapshot.reports(&access.settings, now).await?;
    let page = text::page_beside(find(&reports.pools, &arguments.pool)?, Some(&access.daemon), now);
    Ok(page + &text::daemon(&access.daemon, now, None))
}
