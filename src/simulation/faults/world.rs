//! State shared by all ingredients: the cluster, and what its users want.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use kube::Client;
use kube::api::{Patch, PatchParams};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::refusals::Refusals;
use super::replicas::Replicas;
use super::watched::WatchedDaemon;
use crate::api::Kind;
use crate::apiserver::ApiServer;
use crate::simulation::checks::invariants::Invariants;
use crate::simulation::people::builder_toggle;
use crate::simulation::random;
use crate::simulation::scenario::{Admission, Every, Scenario};
use crate::simulation::seed::{self, Fleet};

/// The cluster of one run, and what its users want.
pub struct World {
    /// The scenario.
    pub scenario: Scenario,
    /// The API server.
    pub server: ApiServer,
    /// The pools.
    pub fleet: Fleet,
    /// A user's client, without faults.
    pub user: Client,
    /// The processes of the daemon.
    pub replicas: Replicas,
    /// Reports which pool the daemon works on.
    pub watched_daemon: WatchedDaemon,
    /// The active refusals.
    pub refusals: Refusals,
    /// The number of the newest config of each pool.
    newest: Mutex<BTreeMap<String, usize>>,
}

impl World {
    /// A world whose pools want their first configs.
    pub fn new(
        scenario: Scenario,
        server: ApiServer,
        fleet: Fleet,
        replicas: Replicas,
        invariants: &Invariants,
    ) -> Self {
        let newest = fleet.pool_names().into_iter().map(|pool| (pool, 1)).collect();
        let user = server.client(builder_toggle::USER_AGENT);
        let watched_daemon = WatchedDaemon::default();
        if scenario.neighbours.conflict_storms != Every::default() {
            server.add_auditor(watched_daemon.auditor());
        }
        let refusals = Refusals::new(invariants.clone());
        if scenario.admission != Admission::default() {
            server.set_admission(Some(refusals.admitter()));
        }
        Self { scenario, server, fleet, user, replicas, watched_daemon, refusals, newest: Mutex::new(newest) }
    }

    /// Random numbers, of which each stream has its own.
    pub fn random(&self, stream: u64) -> ChaCha8Rng {
        random::stream(self.fleet.seed, stream)
    }

    /// A pool, by chance.
    pub fn any_pool(&self, random: &mut ChaCha8Rng) -> String {
        let pools = self.fleet.pool_names();
        pools[random.random_range(0..pools.len())].clone()
    }

    /// The config that a pool is to want.
    pub fn wanted(&self, pool: &str) -> String {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        self.fleet.rendered(pool, newest.get(pool).copied().unwrap_or(1))
    }

    /// The number of the next config of a pool, which it is to want from here on.
    pub fn next_config(&self, pool: &str) -> usize {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let number = newest.entry(pool.to_owned()).or_insert(1);
        *number += 1;
        *number
    }

    /// Patches an object as a user. The object may be gone, because other clients delete objects too.
    pub async fn merge(&self, kind: Kind, name: &str, patch: Value) {
        let answer = seed::api(&self.user, kind).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
        if let Err(error) = answer {
            tracing::debug!(%error, kind = kind.name(), name, "a user's patch failed");
        }
    }
}
