//! The arguments by which read-only commands reach a cluster.

use std::path::PathBuf;
use std::time::Duration;

use kube::Client;
use tower::ServiceBuilder;
use tower::timeout::TimeoutLayer;
use tower::timeout::error::Elapsed;
use tower::{BoxError, ServiceExt as _};

use super::error::Error;
use crate::api::{COMPONENT, DEFAULT_NAMESPACE, names};
use crate::cluster::connect::{self, Choice, Connection};
use crate::cluster::lease::fence::Fence;
use crate::cluster::meter::Meter;
use crate::cluster::transport::Transport;
use crate::cluster::watch_health::WatchHealth;
use crate::jitter::Jitter;
use crate::reconcile::decide::DecideSettings;
use crate::report::PoolReport;
use crate::report::daemon::DaemonReport;
use crate::settings;
use crate::snapshot::{Snapshot, read_daemon};
use crate::stderr;

/// Which cluster to look at, and what has to be known of the daemon in it.
#[derive(Debug, clap::Args)]
pub(super) struct ClusterArguments {
    /// Kubeconfig with credentials [default: KUBECONFIG, ~/.kube/config, or the cluster that the process runs in]
    #[arg(long, value_name = "FILE", env = "MACHINE_OS_BUILDER_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig [default: its current context]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,

    /// Time limit of each answer of the API server, as in 5s or 1m, or a number of seconds; 0 means no limit
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = settings::timeout)]
    request_timeout: Duration,

    /// Namespace of build objects, input ConfigMaps and Secrets
    #[arg(long, value_name = "NAME", env = "NAMESPACE", default_value = DEFAULT_NAMESPACE)]
    namespace: String,

    /// Attempts at a build whose pod is lost [default: the daemon's setting on its lease, else 3]
    #[arg(long, value_name = "N", env = "MAX_ATTEMPTS", value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: Option<u32>,
}

/// How long an answer takes before users wonder.
const NOT_AT_ONCE: Duration = Duration::from_secs(3);

/// A cluster that answers.
pub(super) struct Access {
    pub(super) client: Client,
    pub(super) jitter: Jitter,
    pub(super) health: WatchHealth,
    /// What the daemon's decisions are made by, as far as it is known.
    pub(super) settings: DecideSettings,
    pub(super) daemon: DaemonReport,
}

/// The API server takes its time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0}, which --request-timeout says is enough")]
struct NoAnswer(humantime::FormattedDuration);

/// What is wrong with what was asked for.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("{0:?} cannot be the name of a namespace; correct --namespace")]
    Namespace(String),
    #[error("there is no MachineConfigPool {0}; there are: {1}")]
    UnknownPool(String, String),
}

impl ClusterArguments {
    /// Sees that the cluster answers.
    pub(super) async fn connect(&self) -> Result<Access, Error> {
        if !names::is_dns1123_subdomain(&self.namespace) {
            return Err(AskError::Namespace(self.namespace.clone()).into());
        }
        let choice = Choice { kubeconfig: self.kubeconfig.clone(), context: self.context.clone() };
        let connection = Connection::new(&choice).await?;
        let limit = limit(self.request_timeout);
        let seed = u64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or_default();
        let (jitter, health) = (Jitter::seeded(seed), WatchHealth::default());
        // Not the daemon's name: a reader of an audit log has to tell the two apart.
        let agent = format!("{COMPONENT}-status/{}", env!("CARGO_PKG_VERSION"));
        let service = connection.service()?;
        let transport = Transport::new(service, jitter.clone(), &agent, Fence::open(), Meter::default());
        let transport = transport.telling(health.clone());
        // The time limit covers a request with all its retries: the user waits for one answer.
        let limited = ServiceBuilder::new().option_layer(limit.map(TimeoutLayer::new)).service(transport);
        let service = limited.map_err(move |error| explain(error, limit));
        let client = Client::new(service, self.namespace.clone());
        connect(&connection, &client, None).await?;
        let daemon = read_daemon(&client, &self.namespace).await?;
        let mut settings = DecideSettings { namespace: self.namespace.clone(), ..DecideSettings::default() };
        daemon.settings.as_ref().inspect(|told| told.put(&mut settings));
        settings.attempts_max = self.max_attempts.unwrap_or(settings.attempts_max);
        Ok(Access { client, jitter, health, settings, daemon })
    }
}

impl Access {
    /// Reads the cluster.
    pub(super) async fn snapshot(&self) -> Result<Snapshot, Error> {
        Ok(Snapshot::read(self.client.clone(), &self.settings.namespace).await?)
    }
}

/// A limit that may be none at all, as for kubectl.
pub(super) fn limit(timeout: Duration) -> Option<Duration> {
    (!timeout.is_zero()).then_some(timeout)
}

/// That there was no answer in time is told with the limit.
fn explain(error: BoxError, limit: Option<Duration>) -> BoxError {
    match limit.filter(|_| error.is::<Elapsed>()) {
        Some(limit) => Box::new(NoAnswer(humantime::format_duration(limit))),
        None => error,
    }
}

/// Sees that the cluster answers; that it takes its time is told meanwhile.
pub(super) async fn connect(
    connection: &Connection,
    client: &Client,
    limit: Option<Duration>,
) -> Result<(), connect::Error> {
    let mut answer = std::pin::pin!(connection.check(client, limit));
    match tokio::time::timeout(NOT_AT_ONCE, &mut answer).await {
        Ok(answer) => answer,
        Err(_) => {
            stderr::line(&format!("waiting for an answer from the API server {}", connection.url()));
            answer.await
        }
    }
}

/// The report on the pool of this name.
pub(super) fn find<'r>(reports: &'r [PoolReport], pool: &str) -> Result<&'r PoolReport, Error> {
    let names = || match reports {
        [] => "none".to_owned(),
        reports => reports.iter().map(|report| report.name.as_str()).collect::<Vec<_>>().join(", "),
    };
    let found = reports.iter().find(|report| report.name == pool);
    found.ok_or_else(|| AskError::UnknownPool(pool.to_owned(), names()).into())
}
