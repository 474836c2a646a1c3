//! `run`: the daemon.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use super::Error;
use super::build_settings::BuildArguments;
use super::stop::told_to_stop;
use crate::actors::Settings;
use crate::api::DEFAULT_NAMESPACE;
use crate::api::limits::{ATTEMPTS_MAX_DEFAULT, CONCURRENT_BUILDS_DEFAULT};
use crate::clock::Clock;
use crate::cluster::connect;
use crate::cluster::lease::Timing;
use crate::cluster::lease::elector::identity;
use crate::daemon;
use crate::daemon::admin::Admin;
use crate::daemon::replica::{Candidacy, End, Replica};

/// Runs the daemon against a cluster, until it is told to stop.
///
/// SIGTERM and Ctrl-C end it in an orderly way: no new work, writes under way are finished, the lease is released.
/// Builds under way go on, and whoever leads next takes them over.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Credentials; without it, those of KUBECONFIG, of ~/.kube/config, or of the cluster that this runs in
    #[arg(long, value_name = "FILE", env = "MACHINE_OS_BUILDER_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,

    /// Where build objects, input ConfigMaps and Secrets are, and the lease
    #[arg(long, value_name = "NAME", env = "NAMESPACE", default_value = DEFAULT_NAMESPACE)]
    namespace: String,

    /// Builds that run at once; 0 is no limit
    #[arg(long, value_name = "N", env = "MAX_CONCURRENT_BUILDS", default_value_t = CONCURRENT_BUILDS_DEFAULT)]
    max_concurrent_builds: usize,

    /// Attempts at a build whose pod is lost, the first included
    #[arg(long, value_name = "N", env = "MAX_ATTEMPTS", default_value_t = ATTEMPTS_MAX_DEFAULT, value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: u32,

    #[command(flatten)]
    build: BuildArguments,

    /// Where to serve /livez, /readyz and /metrics
    #[arg(long, value_name = "ADDRESS", env = "ADMIN_LISTEN", default_value = "127.0.0.1:8797")]
    admin_listen: SocketAddr,

    /// Whether to act only while holding the lease machine-os-builder
    #[arg(long, env = "LEADER_ELECT", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    leader_elect: bool,

    /// How long a lease that is not renewed keeps others out
    #[arg(long, value_name = "TIME", env = "LEASE_DURATION", default_value = "15s", value_parser = humantime::parse_duration)]
    lease_duration: std::time::Duration,

    /// How long to act on a lease that cannot be renewed
    #[arg(long, value_name = "TIME", env = "RENEW_DEADLINE", default_value = "10s", value_parser = humantime::parse_duration)]
    renew_deadline: std::time::Duration,

    /// How often to renew the lease, or to look at it
    #[arg(long, value_name = "TIME", env = "RETRY_PERIOD", default_value = "2s", value_parser = humantime::parse_duration)]
    retry_period: std::time::Duration,

    /// How logs are written; RUST_LOG says how much of them
    #[arg(long, value_enum, env = "LOG_FORMAT", default_value_t = LogFormat::Human)]
    pub(super) log_format: LogFormat,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people.
    Human,
    /// A JSON object a line.
    Json,
}

/// What is wrong with the way that the daemon is started.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("failed to listen on {0} for the admin server; choose another address with --admin-listen")]
    Listen(SocketAddr, #[source] std::io::Error),
    #[error("{0:?} cannot be the name of a namespace; correct --namespace")]
    Namespace(String),
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: &Arguments) -> Result<ExitCode, Error> {
    let timing = arguments.timing().check()?;
    if !crate::api::names::is_dns1123_subdomain(&arguments.namespace) {
        return Err(StartError::Namespace(arguments.namespace.clone()).into());
    }
    let config = connect::configuration(arguments.kubeconfig.as_deref()).await?;
    let service = connect::service(&config)?;
    let address = arguments.admin_listen;
    let listener = Admin::listen(address).await.map_err(|error| StartError::Listen(address, error))?;
    let address = listener.local_addr()?;
    let seed = u64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or_default();
    let candidacy = arguments.leader_elect.then(|| Candidacy { identity: own_identity(), timing });
    let options = daemon::Options::new(arguments.settings(), Clock::System, seed);
    let admin = Admin::new(options.metrics.clone());
    let replica = Replica::new(service, candidacy, options);
    connect::check(&replica.client(), &config).await?;
    tracing::info!(server = %config.cluster_url, namespace = arguments.namespace, admin = %address, "connected");

    tokio::spawn(admin.clone().serve(listener));
    match replica.run(told_to_stop()?, |inspector| admin.show(Some(inspector))).await? {
        End::Stopped => Ok(ExitCode::SUCCESS),
        // Nothing of this process's state is worth more than a clean start.
        End::Deposed => Err("another process leads, or the lease could not be renewed in time".into()),
        End::Crashed => Err("the supervisor ended".into()),
    }
}

impl Arguments {
    const fn timing(&self) -> Timing {
        Timing {
            lease_duration: self.lease_duration,
            renew_deadline: self.renew_deadline,
            retry_period: self.retry_period,
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.decide.namespace.clone_from(&self.namespace);
        settings.decide.concurrent_builds_max = self.max_concurrent_builds;
        settings.decide.attempts_max = self.max_attempts;
        settings.build = self.build.settings(&self.namespace);
        settings
    }
}

fn own_identity() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "localhost".to_owned());
    identity(&host, std::process::id(), jiff::Timestamp::now())
}
