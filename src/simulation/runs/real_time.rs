//! One run in real time. Its build pods run on this machine, so builds and pushes are real.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, ServiceAccount};
use kube::Client;
use kube::api::{Api, ListParams, PostParams};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{self, Instant};

use super::fleet::Progress;
use super::report::{Report, Time};
use crate::actors::ActorSettings;
use crate::api::conditions::BUILD_FAILED;
use crate::api::pool::field;
use crate::api::{DEFAULT_NAMESPACE, EVENT_NAMESPACE, Kind, Object, Pool};
use crate::apiserver::{self, ApiServer, HttpsFront, Identity, Verb};
use crate::clock::Clock;
use crate::daemon::{self, Daemon};
use crate::reconcile::inputs::build_settings::DigestHandoff;
use crate::simulation::Finding;
use crate::simulation::checks::at_rest;
use crate::simulation::kubelet::real::{Ended, Executor};
use crate::simulation::kubelet::simulated::{self, NodeAgent};
use crate::simulation::machine_config::MachineConfigTemplate;
use crate::simulation::people::renderer::{self, Published, Renderer};
use crate::simulation::seed::{self, Fleet};

/// The interval between checks for failed pools and for a finished clean-up.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// Time that the last build's end may take to be shown, and its objects to go.
const SETTLE_MAX: Duration = Duration::from_secs(30);

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The parameters of a run.
#[derive(Debug, Clone)]
pub struct RealOptions {
    /// Pools, and configs for each.
    pub fleet: Fleet,
    /// The content of the configs.
    pub machine_config: MachineConfigTemplate,
    /// The ConfigMaps and Secrets that say what is built from what, and where it is pushed to.
    pub inputs: Vec<Object>,
    /// The daemon's settings; the digest is handed over in the termination message, whatever they say.
    pub settings: ActorSettings,
}

/// A node whose pods run on this machine.
pub struct RealNode {
    agent: JoinHandle<()>,
    containers: Ended,
}

impl RealNode {
    /// Starts a node for the pods of `server`, which containers reach at `address`. Needs a runtime.
    ///
    /// # Errors
    /// If this machine, or this user, cannot run containers.
    pub async fn start(server: &ApiServer, identity: &Identity, address: SocketAddr) -> Result<Self, Error> {
        let (executor, containers) = Executor::new(address, server.pod_logs())?;
        let client = server.client(simulated::USER_AGENT);
        // As in any cluster, pods find there what to check the API server's certificate against, and an account to run
        // as that say none.
        let account: ServiceAccount = serde_json::from_value(json!({"metadata": {"name": "default"}}))?;
        let authority = json!({"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": identity.authority()}});
        for namespace in [DEFAULT_NAMESPACE, EVENT_NAMESPACE] {
            let config_map = serde_json::from_value(authority.clone())?;
            let config_maps = Api::<ConfigMap>::namespaced(client.clone(), namespace);
            config_maps.create(&PostParams::default(), &config_map).await?;
            let accounts = Api::<ServiceAccount>::namespaced(client.clone(), namespace);
            accounts.create(&PostParams::default(), &account).await?;
        }
        let agent = tokio::spawn(NodeAgent::real(client, executor).run());
        Ok(Self { agent, containers })
    }

    /// Ends every pod, and waits until nothing of them is there any more.
    pub async fn close(self) {
        self.agent.abort();
        let _ = self.agent.await;
        self.containers.close().await;
    }
}

/// Runs until every config of every pool is built, or a build has failed, or `stop` ends: then nothing is left running.
///
/// # Errors
/// If this machine cannot run containers, or the embedded API server refuses what the run begins with.
pub async fn run(
    options: &RealOptions,
    stop: impl Future<Output = ()>,
    progress: Progress<'_>,
) -> Result<Report, Error> {
    let identity = Identity::generate()?;
    let (clock, seed) = (Clock::System, Timestamp::now().as_nanosecond() as u64);
    let server = ApiServer::new(apiserver::ServerOptions::new(clock, seed));
    let front = HttpsFront::bind(server.clone(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), &identity).await?;
    let node = RealNode::start(&server, &identity, front.address()?).await?;
    let front = tokio::spawn(front.serve());
    let report = tokio::select! {
        report = build(options, &server, seed, progress) => report,
        () = stop => Err("told to stop; what was being built is given up".into()),
    };
    node.close().await;
    front.abort();
    report
}

async fn build(options: &RealOptions, server: &ApiServer, seed: u64, progress: Progress<'_>) -> Result<Report, Error> {
    let (started, observer) = (Instant::now(), server.client("observer"));
    for object in &options.inputs {
        seed::create(&observer, object).await?;
    }
    let mut settings = options.settings.clone();
    settings.build.digest_handoff = DigestHandoff::TerminationMessage;
    let daemon = Daemon::start(server.service(), daemon::DaemonOptions::new(settings, Clock::System, seed)).await?;
    let fleet = Arc::new(options.fleet.clone());
    let renderer = server.client(renderer::USER_AGENT);
    let (renderer, mut published) = Renderer::new(renderer, fleet.clone(), options.machine_config.clone());
    renderer.create_pools().await?;
    let renderer = tokio::spawn(renderer.run());

    let failures = all_built(&observer, &fleet, &mut published, progress).await?;
    let took = started.elapsed();
    let leftovers = if failures.is_empty() { settled(&observer).await? } else { Vec::new() };
    renderer.abort();
    daemon.stop().await;
    let requests = Report::count(&server.log(), &daemon::user_agent());
    let builds = requests.get(&(Verb::Create, "pods".to_owned())).copied().unwrap_or_default();
    let published = published.borrow().values().sum();
    let findings = if failures.is_empty() { at_rest::states(&observer, &fleet).await? } else { failures };
    let (pools, configs) = (fleet.pools, fleet.configs);
    let time = Time::Real(took);
    Ok(Report { pools, configs, builds, published, leftovers, findings, time, requests, requests_at_rest: None })
}

/// Waits until every config is published, or a build has failed; those that have.
async fn all_built(
    observer: &Client,
    fleet: &Fleet,
    published: &mut watch::Receiver<Published>,
    progress: Progress<'_>,
) -> kube::Result<Vec<Finding>> {
    loop {
        let sum = published.borrow_and_update().values().sum();
        progress(sum);
        if sum == fleet.pools * fleet.configs {
            return Ok(Vec::new());
        }
        let failures = failures(observer).await?;
        if !failures.is_empty() {
            return Ok(failures);
        }
        // A published image wakes the loop; a failed build is found only by polling, so a timeout is no error.
        let _ = time::timeout(LOOK_INTERVAL, published.changed()).await;
    }
}

/// The pools that show a failed build, and what they say of it.
async fn failures(observer: &Client) -> kube::Result<Vec<Finding>> {
    let pools = seed::api(observer, Kind::MachineConfigPool).list(&ListParams::default()).await?;
    let failure = |object: &Object| {
        let pool = Pool::new(object);
        let condition = pool.shown().filter(|shown| field(shown, "type") == BUILD_FAILED)?;
        Some(Finding::of_pool(pool.name(), field(condition, "message")))
    };
    Ok(pools.iter().filter_map(failure).collect())
}

/// Waits until nothing of a build is there any more; what still is when that has taken too long.
async fn settled(observer: &Client) -> kube::Result<Vec<Finding>> {
    let deadline = Instant::now() + SETTLE_MAX;
    loop {
        let left = at_rest::leftovers(observer).await?;
        if left.is_empty() || Instant::now() > deadline {
            return Ok(left);
        }
        time::sleep(LOOK_INTERVAL).await;
    }
}
