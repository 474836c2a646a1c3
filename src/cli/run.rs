//! `run`: the daemon.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::build_settings::{BuildArguments, put, word};
use super::cluster_access::{connect, limit};
use super::error::Error;
use super::stdout::print;
use super::stop::Stop;
use crate::actors::Computation;
use crate::clock::Clock;
use crate::cluster::connect::{Choice, Connection};
use crate::cluster::lease::elector::identity;
use crate::daemon;
use crate::daemon::admin::Admin;
use crate::daemon::replica::{ExitReason, Home, LeaderElectionConfig, Replica};
use crate::reconcile::objects::openshift;
use crate::settings::{self, LogFormat, Settings};

const EXAMPLES: &str = "\
Examples:
  machine-os-builder run                                        # in a cluster, or with KUBECONFIG
  machine-os-builder run --config settings.yaml --log-format json
  machine-os-builder run --config settings.yaml --print-config  # print the effective settings";

/// Runs the daemon.
///
/// SIGTERM and Ctrl-C stop it in order: it starts no new work, finishes its writes and releases the lease. Running builds
/// continue, and the next leader takes them over. A second signal ends the process at once, with 143 or 130. The first
/// one does the same while the API server has not answered yet.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Kubeconfig with credentials [default: KUBECONFIG, ~/.kube/config, or the cluster that the process runs in]
    #[arg(long, value_name = "FILE", env = "MACHINE_OS_BUILDER_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig [default: its current context]
    #[arg(long, value_name = "NAME", env = "MACHINE_OS_BUILDER_CONTEXT")]
    context: Option<String>,

    /// Time limit of the API server's first answer, as in 5s or 1m, or a number of seconds; 0 means no limit
    #[arg(long, value_name = "TIME", env = "REQUEST_TIMEOUT", default_value = "10s", value_parser = settings::timeout)]
    request_timeout: Duration,

    /// Print the settings as a file for --config, and exit; users and passwords in the URLs of proxies are redacted
    #[arg(long)]
    print_config: bool,

    /// Namespace of build objects, input ConfigMaps, Secrets and the lease [default: openshift-machine-config-operator]
    #[arg(long, value_name = "NAME", env = "NAMESPACE")]
    namespace: Option<String>,

    /// Builds that run at once; 0 means no limit [default: 5]
    #[arg(long, value_name = "N", env = "MAX_CONCURRENT_BUILDS")]
    max_concurrent_builds: Option<usize>,

    /// Attempts at a build whose pod is lost, including the first [default: 3]
    #[arg(long, value_name = "N", env = "MAX_ATTEMPTS", value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: Option<u32>,

    /// Time in which a build object has to start [default: 10m]
    #[arg(long, value_name = "TIME", env = "PENDING_DEADLINE", value_parser = settings::duration)]
    pending_deadline: Option<Duration>,

    #[command(flatten)]
    build: BuildArguments,

    /// Address of /livez, /readyz and /metrics [default: 127.0.0.1:8797]
    #[arg(long, value_name = "ADDRESS", env = "ADMIN_LISTEN", value_parser = settings::address)]
    admin_listen: Option<SocketAddr>,

    /// Act only while holding the lease machine-os-builder [default: true]
    #[arg(long, env = "LEADER_ELECT", num_args = 0..=1, default_missing_value = "true")]
    leader_elect: Option<bool>,

    /// Time for which an unrenewed lease excludes other processes [default: 15s]
    #[arg(long, value_name = "TIME", env = "LEASE_DURATION", value_parser = settings::duration)]
    lease_duration: Option<Duration>,

    /// Time for which a leader acts without a renewal [default: 10s]
    #[arg(long, value_name = "TIME", env = "RENEW_DEADLINE", value_parser = settings::duration)]
    renew_deadline: Option<Duration>,

    /// Interval between renewals of the lease, and between looks of a standby [default: 2s]
    #[arg(long, value_name = "TIME", env = "RETRY_PERIOD", value_parser = settings::duration)]
    retry_period: Option<Duration>,

    /// Log format; RUST_LOG sets the level [default: human]
    #[arg(long, value_name = "HOW", env = "LOG_FORMAT", value_parser = word::<LogFormat>(["human", "json"]))]
    log_format: Option<LogFormat>,
}

/// What is wrong with the way that the daemon is started.
#[derive(Debug, thiserror::Error)]
#[error("failed to listen on {0} for the admin server; choose another address with --admin-listen")]
struct StartError(SocketAddr, #[source] std::io::Error);

pub(super) fn run(arguments: &Arguments, settings: &Settings) -> Result<ExitCode, Error> {
    if arguments.print_config {
        print(&settings.to_yaml())?;
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(arguments, settings))
}

async fn serve(arguments: &Arguments, settings: &Settings) -> Result<ExitCode, Error> {
    let timing = settings.leader_election.timing().check()?;
    // From the very beginning: the first process of a container is deaf to signals that it does not listen for.
    let stop = Stop::at_once()?;
    let choice = Choice { kubeconfig: arguments.kubeconfig.clone(), context: arguments.context.clone() };
    let connection = Connection::new(&choice).await?;
    let service = connection.service()?;
    let address = settings.admin_listen;
    let listener = Admin::listen(address).await.map_err(|error| StartError(address, error))?;
    let address = listener.local_addr()?;
    let seed = u64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or_default();
    let candidacy = settings.leader_election.enabled.then(|| LeaderElectionConfig { identity: own_identity(), timing });
    let computation = Computation::Apart;
    let options =
        daemon::DaemonOptions { computation, ..daemon::DaemonOptions::new(settings.for_actors(), Clock::System, seed) };
    let admin = Admin::new(options.metrics.clone());
    let lease = connection.service()?;
    let replica = Replica::new(service, candidacy, options).with_lease_apart(lease, on_own_thread()?);
    connect(&connection, &replica.client(), limit(arguments.request_timeout)).await?;
    tracing::info!(server = connection.url(), namespace = settings.namespace, admin = %address, "connected");
    tell_of_what_builds_do_not_follow(settings);

    tokio::spawn(admin.clone().serve(listener));
    match replica.run(stop.in_order()?, |inspector| admin.show(Some(inspector))).await? {
        ExitReason::Stopped => Ok(ExitCode::SUCCESS),
        // Nothing of this process's state is worth more than a clean start.
        ExitReason::Deposed => Err("another process leads, or the lease could not be renewed in time".into()),
        ExitReason::Crashed => Err("the supervisor ended".into()),
    }
}

impl Arguments {
    /// The settings of the file, with these in their places.
    pub(super) fn settings(&self) -> Result<Settings, Error> {
        self.build.settings(|settings| {
            put(self.namespace.as_ref(), &mut settings.namespace);
            put(self.max_concurrent_builds.as_ref(), &mut settings.max_concurrent_builds);
            put(self.max_attempts.as_ref(), &mut settings.max_attempts);
            put(self.pending_deadline.as_ref(), &mut settings.pending_deadline);
            put(self.admin_listen.as_ref(), &mut settings.admin_listen);
            let election = &mut settings.leader_election;
            put(self.leader_elect.as_ref(), &mut election.enabled);
            put(self.lease_duration.as_ref(), &mut election.lease_duration);
            put(self.renew_deadline.as_ref(), &mut election.renew_deadline);
            put(self.retry_period.as_ref(), &mut election.retry_period);
            put(self.log_format.as_ref(), &mut settings.log_format);
        })
    }
}

/// Keeps the lease on a thread of its own: whatever else the process has to do does not make a renewal late.
fn on_own_thread() -> std::io::Result<Home> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (send, receive) = std::sync::mpsc::sync_channel(1);
    std::thread::Builder::new().name("lease".to_owned()).spawn(move || {
        if let Ok(task) = receive.recv() {
            runtime.block_on(task);
        }
    })?;
    Ok(Box::new(move |task| drop(send.send(task))))
}

/// Which builder a build will get is not known yet: imageBuilderType may change at any time.
fn tell_of_what_builds_do_not_follow(settings: &Settings) {
    let fields = openshift::not_followed(&settings.build);
    if !fields.is_empty() {
        tracing::warn!(
            fields = fields.join(", "),
            "only build pods follow these settings; Builds have no field for them"
        );
    }
}

fn own_identity() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "localhost".to_owned());
    identity(&host, std::process::id(), jiff::Timestamp::now())
}
