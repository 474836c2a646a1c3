//! One server for all cases, and the client of each case.

mod answers;
mod embedded;
mod objects;
mod real;
mod world;

use std::env;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::process::Child;
use std::sync::OnceLock;
use std::time::Duration;

use futures::FutureExt as _;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};

pub(super) use answers::*;
pub(super) use objects::*;
pub(super) use serde_json::{Value, json};
pub(super) use world::*;

/// How long anything may take before a case gives up on it.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// The server that the cases run against.
pub(super) enum Server {
    /// The embedded server.
    Embedded(Kubeconfig),
    /// A `kube-apiserver` that this process started, without controllers; the watchdog ends it with this process.
    Bare { kubeconfig: Kubeconfig, _watchdog: Child },
    /// The cluster that the current kubeconfig is for.
    Existing,
}

impl Server {
    /// The server of this test binary; the first case that asks starts it.
    fn the() -> &'static Self {
        static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
        SERVER.get_or_init(Self::start).as_ref().unwrap_or_else(|why| panic!("there is no server: {why}"))
    }

    fn start() -> Result<Self, String> {
        if env::var("USE_EXISTING_CLUSTER").is_ok_and(|existing| existing.eq_ignore_ascii_case("true")) {
            return Ok(Self::Existing);
        }
        match env::var_os("KUBEBUILDER_ASSETS").filter(|assets| !assets.is_empty()) {
            Some(assets) => real::start(&PathBuf::from(assets))
                .map(|(kubeconfig, watchdog)| Self::Bare { kubeconfig, _watchdog: watchdog }),
            None => Ok(Self::Embedded(embedded::start())),
        }
    }

    /// Whether controllers collect garbage and empty namespaces here.
    fn has_controllers(&self) -> bool {
        !matches!(self, Self::Bare { .. })
    }

    async fn config(&self) -> Config {
        let mut config = match self {
            Self::Embedded(kubeconfig) | Self::Bare { kubeconfig, .. } => {
                Config::from_custom_kubeconfig(kubeconfig.clone(), &KubeConfigOptions::default()).await.unwrap()
            }
            Self::Existing => Config::infer().await.unwrap(),
        };
        // A refusal is what a case may want to see.
        config.default_retry = false;
        config
    }
}

/// Runs one case, in a namespace of its own.
pub(super) fn case(body: impl AsyncFnOnce(&World)) {
    // Starting it takes a runtime of its own, and there is no room for one within another.
    let server = Server::the();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::new(server.config().await).await;
        let outcome = AssertUnwindSafe(body(&world)).catch_unwind().await;
        world.clean_up().await;
        outcome.unwrap_or_else(|panic| resume_unwind(panic));
    });
}

/// Runs one case that begins with this ConfigMap.
pub(super) fn case_of(map: Value, body: impl AsyncFnOnce(&World, Value)) {
    case(async |world| body(world, world.made(map).await).await);
}

/// Runs one case that begins with this pod.
pub(super) fn case_of_pod(pod: Value, body: impl AsyncFnOnce(&World, Value)) {
    case(async |world| body(world, world.made_pod(pod).await).await);
}

/// Runs one case that needs a controller manager, where there is one.
pub(super) fn case_with_controllers(body: impl AsyncFnOnce(&World)) {
    if Server::the().has_controllers() {
        case(body);
    } else {
        println!("skipped: nobody collects garbage beside a bare kube-apiserver");
    }
}
