//! A snapshot of the cluster state that a daemon would observe, and the decisions that it would take.
//!
//! It reads the same objects as the daemon's [watches](crate::cluster::watch), in the same scopes. Beyond that it reads
//! only the objects that a decision asks for, and writes nothing.

mod observe;

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::Api;

pub use self::observe::Reports;
use crate::api::names::{BUILD_CONFIG, canonical_secret};
use crate::api::{Key, Kind, Object};
use crate::causes::with_causes;
use crate::cluster::client::{self, ClusterClient};
use crate::cluster::lease::elector::LEASE_NAME;
use crate::cluster::watch;
use crate::reconcile::inputs::pull_secret;
use crate::reconcile::inputs::sources::secret_names;
use crate::reconcile::observed::index::{Index, Scope, WatchEvent};
use crate::report::daemon::DaemonReport;

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
    /// There is nothing to look at.
    #[error("there is no namespace {0}; give the one that the daemon works in with --namespace")]
    NoNamespace(String),
    /// Anything else.
    #[error("failed to {0}")]
    Failed(String, #[source] Box<kube::Error>),
    /// An object could not be read.
    #[error("failed to read what the decision depends on")]
    Unread(#[source] client::Error),
}

/// What the daemon says of itself on its lease in this namespace. That the lease may not be read is no
/// error.
///
/// # Errors
/// If it cannot be read for another reason.
pub async fn read_daemon(client: &Client, namespace: &str) -> Result<DaemonReport, Error> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
    match leases.get_opt(LEASE_NAME).await {
        Ok(lease) => Ok(DaemonReport::of(lease.as_ref())),
        Err(kube::Error::Api(status)) if matches!(status.code, 401 | 403) => Ok(DaemonReport::unreadable()),
        Err(error) => Err(Error::Failed(format!("get lease {LEASE_NAME}"), Box::new(error))),
    }
}

/// What is known of a cluster.
pub struct Snapshot {
    client: Client,
    namespace: String,
    cluster: ClusterClient,
    index: Index,
    /// The Secrets that the build config names, and those derived from them.
    secrets: BTreeSet<String>,
    /// Those of them, and of what is derived from them, that may not be read.
    unreadable: BTreeSet<String>,
}

impl Snapshot {
    /// Reads all that there is to know.
    pub async fn read(client: Client, namespace: &str) -> Result<Self, Error> {
        let mut snapshot = Self {
            cluster: ClusterClient::new(client.clone(), namespace, None),
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
                Err(error @ Error::Failed(..)) if scope.kind.is_optional() => {
                    WatchEvent::Unreachable(scope, with_causes(&error).into())
                }
                Err(error @ Error::Refused { .. }) => {
                    // As who may do something in some namespaces may do nothing in one that is not there.
                    snapshot.check_namespace().await?;
                    return Err(error);
                }
                Err(error) => return Err(error),
            };
            snapshot.index.observe(event);
        }
        snapshot.check_namespace().await?;
        snapshot.follow_secrets().await?;
        Ok(snapshot)
    }

    /// Sees that there is the namespace, if nothing else shows that: lists in one that is not there are empty.
    async fn check_namespace(&self) -> Result<(), Error> {
        if self.index.cache().get(&Key::new(Kind::ConfigMap, BUILD_CONFIG)).is_some() {
            return Ok(());
        }
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        match namespaces.get_opt(&self.namespace).await {
            Ok(None) => Err(Error::NoNamespace(self.namespace.clone())),
            // Whether there is one is more than some may know.
            _ => Ok(()),
        }
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

    /// Reads the Secrets that the build config names now; this may change the scopes to watch. A placeholder stands in
    /// for a named Secret that the user may not read.
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
            _ => Error::Failed(format!("list {what}"), Box::new(error)),
        }
    }
}
