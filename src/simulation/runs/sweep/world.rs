//! One cluster, and functions that wait for a state of it.

use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::api::{Kind, Object};
use crate::apiserver::{self, ApiServer};
use crate::clock::Clock;
use crate::simulation::checks::invariants::Invariants;
use crate::simulation::people::registry::FakeRegistry;
use crate::simulation::seed::{self, EPOCH};

/// The seed of all that is random: one will do, as faults are what is varied.
pub(super) const SEED: u64 = 1;
/// The virtual time within which an awaited state must come: far longer than any wait of the daemon.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Virtual time between two looks.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Why a scenario does not go on.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Stuck {
    /// The awaited state did not come in time.
    #[error("not within an hour: {0}")]
    InVain(String),
    /// The API server does not do what a user asks for.
    #[error("a user's request failed: {0}")]
    Refused(String),
}

impl From<kube::Error> for Stuck {
    fn from(error: kube::Error) -> Self {
        Self::Refused(error.to_string())
    }
}

/// One cluster.
pub(super) struct World {
    pub server: ApiServer,
    /// The client of the simulated user and builder, without faults.
    pub client: Client,
    pub clock: Clock,
    pub ledger: FakeRegistry,
    pub invariants: Invariants,
}

impl World {
    pub(super) fn new() -> Self {
        let clock = Clock::starting_at(EPOCH.parse::<Timestamp>().expect("this is a time"));
        let server = ApiServer::new(apiserver::ServerOptions::new(clock, SEED));
        let ledger = FakeRegistry::default();
        let invariants = Invariants::attach(&server, &ledger);
        Self { client: server.client("user"), clock, ledger, invariants, server }
    }

    pub(super) fn api(&self, kind: Kind) -> Api<Object> {
        seed::api(&self.client, kind)
    }

    pub(super) async fn create(&self, document: Value) -> Result<(), Stuck> {
        let object: Object = serde_json::from_value(document).expect("this is an object");
        seed::create(&self.client, &object).await?;
        Ok(())
    }

    pub(super) async fn get(&self, kind: Kind, name: &str) -> Result<Option<Object>, Stuck> {
        Ok(self.api(kind).get_opt(name).await?)
    }

    pub(super) async fn merge(&self, kind: Kind, name: &str, patch: Value) -> Result<(), Stuck> {
        self.api(kind).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    pub(super) async fn merge_status(&self, kind: Kind, name: &str, status: Value) -> Result<(), Stuck> {
        let patch = Patch::Merge(json!({ "status": status }));
        self.api(kind).patch_status(name, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    pub(super) async fn delete(&self, kind: Kind, name: &str) -> Result<(), Stuck> {
        self.api(kind).delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Waits until `probe` finds a state. The state must last until it is found; an event would be missed.
    pub(super) async fn until(&self, what: &str, probe: impl AsyncFn() -> Result<bool, Stuck>) -> Result<(), Stuck> {
        let deadline = Instant::now() + PATIENCE;
        while !probe().await? {
            if Instant::now() > deadline {
                return Err(Stuck::InVain(what.to_owned()));
            }
            sleep(LOOK_INTERVAL).await;
        }
        Ok(())
    }
}
