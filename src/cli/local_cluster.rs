//! `local-cluster`: an API server to drive with `kubectl`.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::error::Error;
use super::stdout::print;
use super::stop::told_to_stop;
use crate::api::names::is_dns1123_subdomain;
use crate::apiserver::{ApiServer, HttpsFront, Identity, ServerOptions};
use crate::causes::with_causes;
use crate::clock::Clock;
use crate::simulation::kubelet::real::Executor;
use crate::simulation::kubelet::simulated::{self, NodeAgent};
use crate::simulation::people::build_controller::{self, BuildController, RealTime};
use crate::simulation::runs::real_time::RealNode;
use crate::stderr;
use crate::yaml;

/// Requests that the server remembers, however long it runs.
const LOG_LENGTH: usize = 1_000;
/// How long a simulated build runs, unless users say otherwise.
const BUILD_DURATION: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  machine-os-builder local-cluster --kubeconfig local.kubeconfig
  machine-os-builder local-cluster --kubeconfig local.kubeconfig --build-duration 30s --fail-rate 0.2
  machine-os-builder local-cluster --kubeconfig local.kubeconfig --listen 127.0.0.1:6443 --executor none";

/// Serves a Kubernetes API on this machine, for kubectl and every other client with its kubeconfig.
///
/// The server keeps all objects in memory. Ctrl-C and SIGTERM end it, and its objects are lost.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Address to listen on, a loopback address; port 0 selects a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = loopback)]
    listen: SocketAddr,

    /// File for the administrator's kubeconfig, written once the server is ready
    #[arg(long, value_name = "FILE")]
    kubeconfig: PathBuf,

    /// File for the kubeconfig of a ServiceAccount, as in openshift-machine-config-operator/robot=robot.kubeconfig. The
    /// Roles and bindings of the account limit its requests. The account need not exist yet. Repeatable
    #[arg(long, value_name = "NAMESPACE/NAME=FILE", value_parser = account)]
    service_account_kubeconfig: Vec<Account>,

    /// Executor of pods and Builds
    #[arg(long, value_enum, default_value_t = RunBy::Simulated)]
    executor: RunBy,

    /// Duration of a simulated build, as in 5s or 2m30s [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    build_duration: Option<Duration>,

    /// Share of simulated builds that fail, from 0 to 1 [default: 0]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    fail_rate: Option<f64>,
}

/// A ServiceAccount, and where its kubeconfig goes.
#[derive(Debug, Clone)]
struct Account {
    namespace: String,
    name: String,
    kubeconfig: PathBuf,
}

/// What runs pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RunBy {
    /// A simulated node: build pods pass through their phases, all other pods run until they are deleted
    Simulated,
    /// This machine: every pod's command runs as root, in namespaces of its own, with the programs of this machine
    /// instead of those of the pod's images. Build pods build and push with the buildah of this machine. Builds of
    /// build.openshift.io stay simulated, and push nothing. On a machine without oc, start the daemon with
    /// --digest-handoff=termination-message
    Buildah,
    /// None: pods and Builds stay as they are created
    None,
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "not an address; write one as in 127.0.0.1:6443 or [::1]:0".to_owned())?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    let ip = address.ip();
    Err(format!("{ip} is not a loopback address, and this server is for this machine alone; use 127.0.0.1 or [::1]"))
}

fn account(text: &str) -> Result<Account, String> {
    let parts = text.split_once('=').and_then(|(account, file)| Some((account.split_once('/')?, file)));
    let is_name = |name: &str| is_dns1123_subdomain(name);
    match parts {
        Some(((namespace, name), file)) if is_name(namespace) && is_name(name) && !file.is_empty() => {
            Ok(Account { namespace: namespace.to_owned(), name: name.to_owned(), kubeconfig: file.into() })
        }
        _ => Err("not an account and a file; write them as in default/robot=robot.kubeconfig".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "not a duration; write one as in 500ms, 5s or 2m30s".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "not a share; write a number from 0 to 1, as in 0.25".to_owned())
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(arguments))?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn real_time(&self) -> RealTime {
        let build_duration = self.build_duration.unwrap_or(BUILD_DURATION);
        RealTime { build_duration, fail_rate: self.fail_rate.unwrap_or(0.0) }
    }

    /// Sees that nothing was asked for that would not be done.
    fn check(&self) -> Result<(), Error> {
        let is_simulating = self.executor != RunBy::None;
        if !is_simulating && (self.build_duration.is_some() || self.fail_rate.is_some()) {
            return Err(
                "--build-duration and --fail-rate are for simulated builds, and with --executor none there are \
                        none; leave them out"
                    .into(),
            );
        }
        Ok(())
    }
}

async fn serve(arguments: &Arguments) -> Result<(), Error> {
    arguments.check()?;
    // From the very beginning, so that there is no moment at which a signal is a crash.
    let stopped = told_to_stop()?;
    let identity = Identity::generate()?;
    let seed = Timestamp::now().as_nanosecond() as u64;
    let server = ApiServer::new(ServerOptions {
        log_length: LOG_LENGTH,
        default_roles: true,
        ..ServerOptions::new(Clock::System, seed)
    });
    let front = HttpsFront::bind(server.clone(), arguments.listen, &identity)
        .await
        .map_err(|error| format!("failed to listen on {}: {error}; choose another --listen", arguments.listen))?;
    let address = front.address()?;
    let node = match arguments.executor {
        RunBy::Simulated => Some(simulated(arguments, &server, seed)),
        RunBy::Buildah => Some(real(&server, &identity, address).await?),
        RunBy::None => None,
    };
    if arguments.executor != RunBy::None {
        let controller = server.client(build_controller::USER_AGENT);
        tokio::spawn(BuildController::in_real_time(controller, seed, arguments.real_time()).run());
    }
    tokio::spawn(front.serve());
    let path = &arguments.kubeconfig;
    for Account { namespace, name, kubeconfig } in &arguments.service_account_kubeconfig {
        write_kubeconfig(kubeconfig, address, &identity, name, &server.lasting_token(namespace, name)?)?;
    }
    // This file is written last: a client that finds it finds everything else done.
    write_kubeconfig(path, address, &identity, "admin", identity.token())?;
    let ready = format!("ready: kubectl --kubeconfig {} get machineconfigpools\n", path.display());
    // The kubeconfig is written, so a client may already use the cluster: a failed print must not end it.
    if let Err(error) = print(&ready) {
        stderr::line(&format!("warning: {}", with_causes(&error)));
    }
    stopped.await;
    if let Some(node) = node {
        node.close().await;
    }
    Ok(())
}

/// What runs pods.
enum Node {
    Simulated(JoinHandle<()>),
    Real(RealNode),
}

impl Node {
    /// Ends every pod.
    async fn close(self) {
        match self {
            Self::Simulated(agent) => agent.abort(),
            Self::Real(node) => node.close().await,
        }
    }
}

fn simulated(arguments: &Arguments, server: &ApiServer, seed: u64) -> Node {
    let client = server.client(simulated::USER_AGENT);
    let agent = NodeAgent::whole(client, seed, arguments.real_time(), server.pod_logs());
    Node::Simulated(tokio::spawn(agent.run()))
}

async fn real(server: &ApiServer, identity: &Identity, address: SocketAddr) -> Result<Node, Error> {
    let node = RealNode::start(server, identity, address).await?;
    stderr::line(Executor::NOTICE);
    Ok(Node::Real(node))
}

fn write_kubeconfig(
    path: &Path,
    address: SocketAddr,
    identity: &Identity,
    user: &str,
    token: &str,
) -> Result<(), Error> {
    let kubeconfig = kubeconfig(address, identity, user, token);
    write_privately(path, &yaml::print(&kubeconfig))
        .map_err(|error| format!("failed to write {}: {error}; name a file in a directory of yours", path.display()))?;
    Ok(())
}

fn kubeconfig(address: SocketAddr, identity: &Identity, user: &str, token: &str) -> Value {
    const NAME: &str = "local-cluster";
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": {
            "certificate-authority-data": STANDARD.encode(identity.authority()),
            "server": format!("https://{address}"),
        }}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": user, "namespace": "default"}}],
        "current-context": NAME,
    })
}

/// Puts a file at `path` that only its owner may read, all of it at once.
fn write_privately(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(directory.unwrap_or(Path::new(".")))?;
    fs::set_permissions(file.path(), Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
