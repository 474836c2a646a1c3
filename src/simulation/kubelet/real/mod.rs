//! A node that runs pods as processes of this machine, with this machine's programs.
//!
//! It reads pods and the ConfigMaps and Secrets that they name, and requests their tokens. It writes their status,
//! their logs, and Events on what keeps them from starting. It knows nothing of builds.
//!
//! ```text
//! pod ──► volumes, environment ──► containers ──► states ──► status
//!              │ missing objects       │  ▲
//!              └─ waits, reports it    └──┴ SIGTERM, then SIGKILL: asked to stop, or past its deadline
//! ```
//!
//! # Differences from a kubelet
//! - No image is pulled: a container sees this machine's file system instead. /tmp, /var/tmp, /run and
//!   /var/lib/containers are empty, and its writes are discarded with it. Its command has to be in its spec.
//! - Everything runs as root; [`Executor::NOTICE`] lists which fields of the spec are overridden.
//! - Pods use this machine's network. Probes, hooks and init containers are not run, and containers are not restarted.
//! - A service account's token is not renewed before it expires: volumes are never updated.

mod container;
mod environment;
mod failure;
mod host;
mod node;
mod objects;
mod output;
mod pod;
mod prepare;
mod status;
mod token;
mod volumes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use tokio::sync::{mpsc, watch};
use tokio::time;

pub use self::host::HostError;

use self::host::Host;
use self::node::Node;
use self::pod::RealPodRunner;
use crate::apiserver::PodLogs;

/// How long containers may take to be gone once this program ends.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs pods for real. Clones are the same node.
#[derive(Clone)]
pub struct Executor {
    node: Node,
    /// True once all pods have to end.
    closes: Arc<watch::Sender<bool>>,
}

/// Waits for what an [`Executor`] runs.
pub struct Ended(Arc<watch::Sender<bool>>, mpsc::Receiver<()>);

impl Executor {
    /// The notice for the user who starts it.
    pub const NOTICE: &str = "\
pods run for real, as root, with this machine's programs in place of their images; of their specs, these are overridden:
  image, imagePullPolicy, imagePullSecrets   no image is pulled but what a container pulls by itself
  securityContext                            runAsUser, runAsGroup and fsGroup are root's; all capabilities are there,
                                             whatever is added or dropped; nothing else of it is applied either
  resources, probes, lifecycle, network      not applied; init containers are refused";

    /// A node on this machine, whose pods reach the API server at `address` and write to `logs`.
    ///
    /// # Errors
    /// If this machine, or this user, cannot run containers.
    pub fn new(address: SocketAddr, logs: PodLogs) -> Result<(Self, Ended), HostError> {
        let (held, all_gone) = mpsc::channel(1);
        let closes = Arc::new(watch::Sender::new(false));
        let node = Node { host: Arc::new(Host::prepare()?), address, logs, held };
        Ok((Self { node, closes: Arc::clone(&closes) }, Ended(closes, all_gone)))
    }

    /// Runs a pod until it is asked to stop and its containers have ended.
    pub(super) fn start(&self, client: &Client, pod: Pod) -> Running {
        let (stop, stopped) = watch::channel(None);
        let carrier = RealPodRunner::new(self.node.clone(), client.clone(), pod, stopped);
        let mut closes = self.closes.subscribe();
        let running = Running(stop);
        let own = running.clone();
        tokio::spawn(async move {
            let mut carried = std::pin::pin!(carrier.carry());
            tokio::select! {
                () = &mut carried => {}
                () = async { drop(closes.wait_for(|closes| *closes).await) } => {
                    own.stop(Duration::ZERO);
                    carried.await;
                }
            }
        });
        running
    }

    pub(super) fn forget(&self, uid: &str) {
        self.node.logs.forget(uid);
    }
}

impl Ended {
    /// Ends all containers, and waits until nothing of them is there any more.
    pub async fn close(mut self) {
        self.0.send_replace(true);
        let _ = time::timeout(END_TIMEOUT, self.1.recv()).await;
    }
}

/// A pod that runs.
#[derive(Clone)]
pub(super) struct Running(watch::Sender<Option<Duration>>);

impl Running {
    /// Asks the pod to stop within a grace period. A later call can shorten the period, not extend it.
    pub(super) fn stop(&self, grace_period: Duration) {
        self.0.send_if_modified(|stop| {
            let is_sooner = stop.is_none_or(|known| grace_period < known);
            if is_sooner {
                *stop = Some(grace_period);
            }
            is_sooner
        });
    }
}
