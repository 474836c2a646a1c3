//! Watches: one task each, with its own backoff, that forwards changes and does nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use kube::api::{Api, ListParams};
use kube::core::{ApiResource, DynamicResourceScope, ObjectMeta};
use kube::runtime::watcher::{self, Event};
use kube::{Client, Resource, runtime};
use serde_json::Value;
use tokio::task::AbortHandle;
use tokio::time::{self, Instant};

use super::watch_health::{Doubtful, WatchHealth};
use crate::api::limits::{
    UNSERVED_INTERVAL, WATCH_BACKOFF_FIRST, WATCH_BACKOFF_MAX, WATCH_SILENCE_MAX, WATCH_TIMEOUT_S,
};
use crate::api::{Kind, Object, PartialObjectMeta, keys};
use crate::causes::with_causes;
use crate::jitter::Jitter;
use crate::reconcile::observed::index::{Scope, WatchEvent};

/// Where watches send what they see; must not block.
pub type Sink = Arc<dyn Fn(WatchEvent) + Send + Sync>;

/// The scopes that are watched from start to end. Input ConfigMaps are read with their contents; of all other
/// ConfigMaps and of MachineConfigs, metadata is enough. Secrets are watched by name, once their names are known.
pub fn fixed_scopes() -> Vec<Scope> {
    let inputs = crate::api::names::INPUT_CONFIG_MAPS.map(|name| Scope::named(Kind::ConfigMap, name));
    let kinds = [Kind::MachineConfigPool, Kind::MachineConfig, Kind::ConfigMap, Kind::Pod, Kind::Build].map(Scope::all);
    kinds.into_iter().chain(inputs).collect()
}

/// The watches of one daemon; dropping it ends them.
pub struct Watches {
    client: Client,
    namespace: String,
    jitter: Jitter,
    sink: Sink,
    health: WatchHealth,
    running: BTreeMap<Scope, AbortHandle>,
    /// Sees whether the history of the cluster goes on.
    historian: Option<AbortHandle>,
}

impl Watches {
    /// No watches yet; `health` is what the transport behind `client` tells of them.
    pub const fn new(client: Client, namespace: String, jitter: Jitter, sink: Sink, health: WatchHealth) -> Self {
        Self { client, namespace, jitter, sink, health, running: BTreeMap::new(), historian: None }
    }

    /// Watches exactly `scopes`: starts those that are missing, ends those that are not wanted any more.
    pub fn follow(&mut self, scopes: impl IntoIterator<Item = Scope>) {
        let mut before = std::mem::take(&mut self.running);
        let scopes: Vec<Scope> = scopes.into_iter().collect();
        self.health.follow(&scopes);
        for scope in scopes {
            let running = before.remove(&scope).unwrap_or_else(|| self.start(scope.clone()));
            self.running.insert(scope, running);
        }
        before.into_values().for_each(|unwanted| unwanted.abort());
        if self.historian.is_none() {
            let (client, namespace) = (self.client.clone(), self.namespace.clone());
            let task = follow_history(client, namespace, self.health.clone(), self.sink.clone());
            self.historian = Some(tokio::spawn(task).abort_handle());
        }
    }

    /// Ends all watches: what is followed from here on begins with a list.
    pub fn begin_anew(&mut self) {
        std::mem::take(&mut self.running).into_values().for_each(|running| running.abort());
        self.health.follow([]);
    }

    fn start(&self, scope: Scope) -> AbortHandle {
        let (client, namespace) = (self.client.clone(), self.namespace.clone());
        let open = move |scope: &Scope| stream(&client, &namespace, scope);
        tokio::spawn(forward(open, scope, self.jitter.clone(), self.sink.clone())).abort_handle()
    }
}

impl Drop for Watches {
    fn drop(&mut self) {
        self.running.values().chain(&self.historian).for_each(AbortHandle::abort);
    }
}

/// Reports each watch that began at a newer version than the cluster is at now.
///
/// A list carries the current version of the cluster: if that is older than the version at which a watch began, the
/// cluster was restored from a backup.
async fn follow_history(client: Client, namespace: String, health: WatchHealth, sink: Sink) {
    loop {
        let scope = match health.doubtful().await {
            Doubtful::Rewound(scope) => scope,
            Doubtful::At(scope, version) => match version_now(&client, &namespace, &scope).await {
                Ok(now) if now < version => scope,
                Ok(_) => continue,
                Err(error) => {
                    tracing::warn!(watch = %scope, error = with_causes(&error), "failed to see which version the cluster is at");
                    health.doubt(&scope);
                    continue;
                }
            },
        };
        sink(WatchEvent::Rewound(scope));
    }
}

/// The version that the cluster is at.
async fn version_now(client: &Client, namespace: &str, scope: &Scope) -> kube::Result<u64> {
    let list = api::<Object>(client, namespace, scope.kind).list_metadata(&list_params(scope).limit(1)).await?;
    let version = list.metadata.resource_version.and_then(|version| version.parse().ok());
    // Versions that are no numbers cannot be compared.
    Ok(version.unwrap_or(u64::MAX))
}

/// What the API server tells, for as long as it is listened to.
type Events = BoxStream<'static, watcher::Result<Event<Object>>>;

fn stream(client: &Client, namespace: &str, scope: &Scope) -> Events {
    let config = selection(scope);
    if is_metadata_enough(scope) {
        let kind = scope.kind;
        let watcher = runtime::watcher(api::<PartialObjectMeta<Object>>(client, namespace, kind), config);
        watcher.map(move |event| event.map(|event| with_no_data(event, kind))).boxed()
    } else {
        runtime::watcher(api::<Object>(client, namespace, scope.kind), config).boxed()
    }
}

/// All that a watch of `scope` would tell of first, read once.
pub(crate) async fn list(client: &Client, namespace: &str, scope: &Scope) -> kube::Result<Vec<Arc<Object>>> {
    let (params, kind) = (list_params(scope), scope.kind);
    let api = api::<Object>(client, namespace, kind);
    let mut objects = if is_metadata_enough(scope) {
        let partial = api.list_metadata(&params).await?.items.into_iter();
        partial.map(|partial| without_data(partial.metadata, kind)).collect()
    } else {
        api.list(&params).await?.items
    };
    objects.iter_mut().for_each(|object| normalise(object, kind));
    Ok(objects.into_iter().map(Arc::new).collect())
}

/// Which objects of its kind a scope is about.
fn selection(scope: &Scope) -> watcher::Config {
    let mut config = watcher::Config::default().timeout(WATCH_TIMEOUT_S);
    if let Some(name) = &scope.name {
        config = config.fields(&format!("metadata.name={name}"));
    }
    if scope.kind.is_build_object() {
        config = config.labels(keys::BUILD_POD);
    }
    config
}

fn list_params(scope: &Scope) -> ListParams {
    let watcher::Config { label_selector, field_selector, .. } = selection(scope);
    ListParams { label_selector, field_selector, ..ListParams::default() }
}

fn is_metadata_enough(scope: &Scope) -> bool {
    scope.kind == Kind::MachineConfig || (scope.kind == Kind::ConfigMap && scope.name.is_none())
}

/// The objects of a kind; those of `namespace`, where they are in one.
pub(super) fn api<K>(client: &Client, namespace: &str, kind: Kind) -> Api<K>
where
    K: Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>,
{
    if kind.is_namespaced() {
        Api::namespaced_with(client.clone(), namespace, &kind.resource())
    } else {
        Api::all_with(client.clone(), &kind.resource())
    }
}

async fn forward(open: impl Fn(&Scope) -> Events, scope: Scope, jitter: Jitter, sink: Sink) {
    let mut stream = open(&scope);
    let (mut listed, mut is_served) = (Vec::new(), true);
    let (mut failures, mut failed) = (0, Instant::now());
    // Whether it is known what there is, or was told that it is not.
    let mut is_settled = !scope.kind.is_optional();
    while let Some(event) = stream.next().await {
        let event = match event {
            Ok(event) => event.modify(|object| normalise(object, scope.kind)),
            Err(error) if scope.kind.is_optional() && is_not_served(&error) => {
                note_served(&scope, &mut is_served, false);
                sink(WatchEvent::NotServed(scope.clone()));
                time::sleep(jitter.spread(UNSERVED_INTERVAL)).await;
                // From the first list on: what there was to go on from is gone.
                stream = open(&scope);
                continue;
            }
            Err(error) => {
                // One that lasted so long was answered in between, be it with nothing.
                failures = if failed.elapsed() >= WATCH_SILENCE_MAX { 1 } else { failures + 1 };
                failed = Instant::now();
                report(&scope, &error, failures);
                if !std::mem::replace(&mut is_settled, true) {
                    sink(WatchEvent::Unreachable(scope.clone(), with_causes(&error).into()));
                }
                time::sleep(jitter.backoff(WATCH_BACKOFF_FIRST, WATCH_BACKOFF_MAX, failures)).await;
                if is_expired(&error) {
                    // The watcher would ask for the same version for ever.
                    stream = open(&scope);
                }
                continue;
            }
        };
        if !matches!(event, Event::Init) {
            note_served(&scope, &mut is_served, true);
            failures = 0;
        }
        match event {
            Event::Init => {
                listed.clear();
                sink(WatchEvent::Listing(scope.clone()));
            }
            Event::InitApply(object) => listed.push(Arc::new(object)),
            Event::InitDone => {
                is_settled = true;
                sink(WatchEvent::Listed(scope.clone(), std::mem::take(&mut listed)));
            }
            Event::Apply(object) => sink(WatchEvent::Applied(scope.clone(), Arc::new(object))),
            Event::Delete(object) => sink(WatchEvent::Deleted(scope.clone(), Arc::new(object))),
        }
    }
}

/// Whether the API server does not know the kind that it was asked for.
fn is_not_served(error: &watcher::Error) -> bool {
    answer(error).is_some_and(|(_, code)| code == 404)
}

/// Whether the version that a watch was to begin with is not kept any more.
fn is_expired(error: &watcher::Error) -> bool {
    answer(error) == Some(("watch", 410))
}

/// The verb of the request that was answered with an error, and the code of the answer.
fn answer(error: &watcher::Error) -> Option<(&'static str, u16)> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status)) => Some(("list", status.code)),
        watcher::Error::WatchStartFailed(kube::Error::Api(status)) => Some(("watch", status.code)),
        _ => None,
    }
}

/// Logs a failure; of many in a row, fewer and fewer, but one now and then for who looks late.
fn report(scope: &Scope, error: &watcher::Error, failures: u32) {
    const REMINDER: u32 = 32;
    if !failures.is_power_of_two() && !failures.is_multiple_of(REMINDER) {
        return;
    }
    match answer(error) {
        Some((verb, 403)) => {
            let resource = scope.kind.resource().plural;
            tracing::warn!(watch = %scope, verb, resource, %error, failures, "refused to watch; see config/rbac for the verb that is needed");
        }
        _ => tracing::warn!(watch = %scope, error = with_causes(error), failures, "failed to watch"),
    }
}

/// Logs that a kind is served from now on, or is not: a fact, and said once.
fn note_served(scope: &Scope, was_served: &mut bool, is_served: bool) {
    if *was_served != is_served {
        tracing::info!(kind = scope.kind.name(), is_served, "what the cluster serves has changed");
        *was_served = is_served;
    }
}

/// Drops the managed fields, which this program never reads, and sets the type, which items of a list do not carry.
fn normalise(object: &mut Object, kind: Kind) {
    object.metadata.managed_fields = None;
    object.types = Object::new("", &kind.resource()).types;
}

fn with_no_data(event: Event<PartialObjectMeta<Object>>, kind: Kind) -> Event<Object> {
    let object = |partial: PartialObjectMeta<Object>| without_data(partial.metadata, kind);
    match event {
        Event::Init => Event::Init,
        Event::InitApply(partial) => Event::InitApply(object(partial)),
        Event::InitDone => Event::InitDone,
        Event::Apply(partial) => Event::Apply(object(partial)),
        Event::Delete(partial) => Event::Delete(object(partial)),
    }
}

/// An object of which nothing but its metadata is known.
fn without_data(metadata: ObjectMeta, kind: Kind) -> Object {
    let mut object = Object::new("", &kind.resource());
    object.metadata = metadata;
    object.data = Value::Null;
    object
}
