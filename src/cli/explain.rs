//! `explain`: all that there is to say of one pool.

use std::process::ExitCode;

use jiff::Timestamp;

use super::Error;
use super::cluster_access::{ClusterArguments, find};
use super::stdout::print;
use super::stop::Stop;
use crate::plan::report::text;

const EXAMPLES: &str = "\
Examples:
  machine-os-builder explain worker
  machine-os-builder explain worker --context prod";

/// Explains where a pool stands, from the cluster alone.
///
/// What its image was built from and what is wanted now, field by field, which build there is, who is in the way, what
/// the daemon does next, and a command that is of use. It is the daemon's own decision, carried out nowhere: nothing is
/// written, and no daemon has to run.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The pool
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
