//! What a daemon would know of the cluster, read once, and what it would decide from it.
//!
//! The same objects as the daemon's [watches](super::watch) tell of, in the same scopes. Beyond that, only what a
//! decision asks to be read is read; nothing is ever written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use kube::Client;

use super::door::{self, Door};
use super::watch;
use crate::api::names::{BUILD_CONFIG, canonical_secret};
use crate::api::pool::field;
use crate::api::{Key, Kind, Object, Pool, names};
use crate::builders;
use crate::plan::cache::{Cache, Change};
use crate::plan::decide::{Prepared, Settings, View};
use crate::plan::digest::Digest;
use crate::plan::fault::FaultReason;
use crate::plan::index::{Index, Scope, WatchEvent};
use crate::plan::payload::Payload;
use crate::plan::pull_secret;
use crate::plan::report::{self, PoolReport, Seen, Wish};
use crate::plan::request::payload_fault;
use crate::plan::sources::{Sources, secret_names};
use crate::plan::status::BuildStatus;

/// Things that one look may ask for, one after the other; more than a few there are not.
const WISHES_MAX: usize = 8;

/// Why the cluster could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// These credentials are not enough.
    #[error("the API server refuses to {verb} {what}; see config/rbac/viewer_role.yaml for what is needed")]
    Refused {
        /// What was tried.
        verb: &'static str,
        /// The resource, and its namespace.
        what: String,
        /// What the API server has to say.
        #[source]
        source: Box<kube::Error>,
    },
    /// It is a cluster of another sort.
    #[error("the API server serves no {0}; this is for OpenShift clusters")]
    NotServed(String),
    /// Anything else.
    #[error("failed to list {0}")]
    Failed(String, #[source] Box<kube::Error>),
    /// An object could not be read.
    #[error("failed to read what the decision depends on")]
    Unread(#[source] door::Error),
}

/// What is known of a cluster.
pub struct Snapshot {
    client: Client,
    namespace: String,
    door: Door,
    index: Index,
    /// The Secrets that the build config names, and those derived from them.
    secrets: BTreeSet<String>,
    /// Those of them, and of what is derived from them, that may not be read.
    unreadable: BTreeSet<String>,
}

/// The reports on all pools, and when they have to be made anew even if nothing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reports {
    /// The reports, by the pools' names.
    pub pools: Vec<PoolReport>,
    /// When to look again.
    pub wake: Option<Timestamp>,
}

impl Snapshot {
    /// Reads all that there is to know.
    pub async fn read(client: Client, namespace: &str) -> Result<Self, Error> {
        let mut snapshot = Self {
            door: Door::new(client.clone(), namespace, None),
            client,
            namespace: namespace.to_owned(),
            index: Index::default(),
            secrets: BTreeSet::new(),
            unreadable: BTreeSet::new(),
        };
        for scope in watch::fixed_scopes() {
            let event = match snapshot.list(&scope).await {
                Ok(objects) => WatchEvent::Listed(scope, objects),
                Err(Error::NotServed(_)) if scope.kind.is_optional() => WatchEvent::NotServed(scope),
                Err(error) => return Err(error),
            };
            snapshot.index.observe(event);
        }
        snapshot.follow_secrets().await?;
        Ok(snapshot)
    }

    /// Takes in what a watch tells.
    pub fn observe(&mut self, event: WatchEvent) {
        self.index.observe(event);
    }

    /// What tells of all changes of what is known here.
    pub fn scopes(&self) -> Vec<Scope> {
        let readable = self.secrets.difference(&self.unreadable);
        watch::fixed_scopes().into_iter().chain(readable.map(|name| Scope::named(Kind::Secret, name))).collect()
    }

    /// Reports on every pool, and on those that are gone and have left something.
    pub async fn reports(&self, settings: &Settings, now: Timestamp) -> Result<Reports, Error> {
        let there = self.index.cache().of_kind(Kind::MachineConfigPool).map(|(key, _)| key.name.clone());
        let pools: BTreeSet<String> = there.chain(self.index.pools()).collect();
        let mut all = Vec::with_capacity(pools.len());
        for pool in pools {
            all.push(self.see(&pool, settings, now).await?);
        }
        let wake = all.iter().filter_map(|seen| seen.wake).min();
        Ok(Reports { pools: report::reports(all), wake })
    }

    /// Looks at one pool, and reads whatever that asks for.
    async fn see(&self, pool: &str, settings: &Settings, now: Timestamp) -> Result<Seen, Error> {
        let mut cache = self.index.of_pool(pool);
        let is_blind = self.unsee_secrets(&mut cache, pool);
        let statuses = self.statuses(&cache).await;
        let (mut prepared, mut wishes) = (None, 0);
        loop {
            let view = View {
                pool,
                cache: &cache,
                sources: &Sources::read(&cache, &builders::ALL),
                settings,
                statuses: &statuses,
                prepared: prepared.as_ref(),
                told: &BTreeSet::new(),
                refusal: None,
                has_slot: false,
                now,
            };
            wishes += 1;
            match report::see(&view) {
                Ok(mut seen) => {
                    seen.report.notes = self.notes(&seen.report, is_blind);
                    return Ok(seen);
                }
                Err(_) if wishes > WISHES_MAX => return Err(Error::Unread(door::Error::NoEffect)),
                Err(Wish::Object(key)) => self.look_for(&mut cache, &key).await?,
                Err(Wish::Payload(rendered, version)) => prepared = self.prepare(&mut cache, rendered, version).await?,
            }
        }
    }

    /// Where the daemon says that there is something wrong with a Secret, one that may not be read is not taken to be
    /// usable; true if that is so.
    fn unsee_secrets(&self, cache: &mut Cache, pool: &str) -> bool {
        let shown = cache
            .get(&Key::new(Kind::MachineConfigPool, pool))
            .and_then(|object| Pool::new(object).shown().map(|shown| field(shown, "reason").to_owned()));
        let faults = [FaultReason::SecretMissing, FaultReason::SecretInvalid].map(FaultReason::as_str);
        let is_blind = !self.unreadable.is_empty() && shown.is_some_and(|reason| faults.contains(&reason.as_str()));
        for name in self.unreadable.iter().filter(|_| is_blind) {
            cache.apply(&Change::Unknown(Key::new(Kind::Secret, name)));
        }
        is_blind
    }

    fn notes(&self, report: &PoolReport, is_blind: bool) -> Vec<String> {
        // What is not opted in reads no Secrets, and of what is derived from one, nothing is said here.
        let is_named = |name: &&String| self.secrets.contains(&canonical_secret(name));
        let unreadable = self.unreadable.iter().filter(is_named).filter(|_| !report.inputs.is_empty());
        let taken = if is_blind { "what the pool shows is taken for granted" } else { "it is taken to be usable" };
        unreadable.map(|name| format!("Secret {name} may not be read with these credentials; {taken}")).collect()
    }

    /// How the builds are doing, by the UID of their objects.
    async fn statuses(&self, cache: &Cache) -> BTreeMap<String, BuildStatus> {
        let mut statuses = BTreeMap::new();
        for (key, object) in cache.iter() {
            let Some(builder) = builders::for_kind(key.kind) else { continue };
            let status = match builder.classify(object) {
                BuildStatus::DigestInConfigMap => self.digest(key, object).await.map(BuildStatus::Succeeded),
                status => Some(status),
            };
            let uid = object.metadata.uid.clone().unwrap_or_default();
            statuses.insert(uid, status.unwrap_or(BuildStatus::DigestInConfigMap));
        }
        statuses
    }

    /// The digest that a build left in its ConfigMap; that none can be read is for the daemon to judge.
    async fn digest(&self, key: &Key, build: &Object) -> Option<Digest> {
        let name = names::digest(names::rendered_of(&key.name)?);
        match self.door.get(&Key::new(Kind::ConfigMap, name)).await {
            Ok(Change::Applied(_, config_map)) => Digest::left_by(build, &config_map),
            _ => None,
        }
    }

    /// Sees whether there is an object that a decision depends on. Lists tell of all, but for objects that run builds
    /// and have lost their labels.
    async fn look_for(&self, cache: &mut Cache, key: &Key) -> Result<(), Error> {
        let change = match key.kind.is_build_object() && cache.serves(key.kind) {
            true => self.door.get(key).await.map_err(Error::Unread)?,
            false => Change::Gone(key.clone(), None),
        };
        let is_gone = matches!(change, Change::Gone(..));
        cache.apply(&change);
        if is_gone {
            cache.confirm_absent(key);
        }
        Ok(())
    }

    /// Reads and compresses a MachineConfig, to see whether it still does not fit.
    async fn prepare(
        &self,
        cache: &mut Cache,
        rendered: String,
        version: Option<String>,
    ) -> Result<Option<Prepared>, Error> {
        let key = Key::new(Kind::MachineConfig, &rendered);
        let Some(document) = self.door.read(&key).await.map_err(Error::Unread)? else {
            cache.apply(&Change::Gone(key, None));
            return Ok(None);
        };
        let payload = Payload::encode(&document).map_err(|error| payload_fault(&key, error));
        Ok(Some(Prepared { rendered, version, payload }))
    }

    /// Reads the Secrets that the build config names now; the scopes to watch may be others from then on. What may not
    /// be read has somebody stand in for it.
    pub async fn follow_secrets(&mut self) -> Result<(), Error> {
        let config = Key::new(Kind::ConfigMap, BUILD_CONFIG);
        let named = self.index.cache().get(&config).map(|config| secret_names(config)).unwrap_or_default();
        let secrets: BTreeSet<String> = named.iter().flat_map(|name| [canonical_secret(name), name.clone()]).collect();
        for name in self.secrets.difference(&secrets).cloned().collect::<Vec<_>>() {
            self.index.unfollow(Key::new(Kind::Secret, &name));
            self.unreadable.remove(&name);
        }
        for name in secrets.difference(&self.secrets) {
            let scope = Scope::named(Kind::Secret, name);
            let objects = match self.list(&scope).await {
                Ok(objects) => objects,
                Err(Error::Refused { .. }) => {
                    self.unreadable.insert(name.clone());
                    named.contains(name).then(|| Arc::new(pull_secret::stand_in(name))).into_iter().collect()
                }
                Err(error) => return Err(error),
            };
            self.index.observe(WatchEvent::Listed(scope, objects));
        }
        self.secrets = secrets;
        Ok(())
    }

    /// All objects of a scope.
    async fn list(&self, scope: &Scope) -> Result<Vec<Arc<Object>>, Error> {
        let answer = watch::list(&self.client, &self.namespace, scope).await;
        answer.map_err(|error| self.explain(scope, error))
    }

    fn explain(&self, scope: &Scope, error: kube::Error) -> Error {
        let plural = scope.kind.resource().plural;
        let name = scope.name.as_ref().map(|name| format!(" named {name}")).unwrap_or_default();
        let place = if scope.kind.is_namespaced() { format!(" in {}", self.namespace) } else { String::new() };
        let what = format!("{plural}{name}{place}");
        match &error {
            kube::Error::Api(status) if status.code == 403 => {
                Error::Refused { verb: "list", what, source: Box::new(error) }
            }
            kube::Error::Api(status) if status.code == 404 => Error::NotServed(format!("{}s", scope.kind.name())),
            _ => Error::Failed(what, Box::new(error)),
        }
    }
}
