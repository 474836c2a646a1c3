//! A cluster in this process, and what a user, a kubelet and a neighbour do in it: objects in, objects out.

mod builds;
mod objects;

use std::time::Duration;

use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::{DEFAULT_NAMESPACE, Kind, Object, keys};
use machine_os_builder::apiserver::{self, ApiServer};
use machine_os_builder::clock::Clock;
use machine_os_builder::cluster::client::RequestHook;
use machine_os_builder::daemon::{self, Daemon};
use machine_os_builder::simulation::checks::invariants::Invariants;
use machine_os_builder::simulation::people::registry::FakeRegistry;
use machine_os_builder::simulation::seed;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

pub(crate) use objects::*;

/// Virtual time within which something that is due has to happen, unless a test is less patient.
const BOUND: Duration = Duration::from_secs(120);

pub(crate) struct Cluster {
    pub server: ApiServer,
    pub client: Client,
    pub clock: Clock,
    pub invariants: Invariants,
    /// How long is waited for anything.
    pub patience: Duration,
}

impl Drop for Cluster {
    /// Every test also checks that the invariants held at every moment.
    fn drop(&mut self) {
        let violations: Vec<String> = self.invariants.violations().iter().map(ToString::to_string).collect();
        assert!(violations.is_empty() || std::thread::panicking(), "{violations:#?}");
    }
}

impl Cluster {
    /// A cluster with a user's ConfigMaps and Secrets in it.
    pub(crate) async fn new() -> Self {
        let cluster = Self::bare();
        for object in inputs() {
            cluster.create(object).await;
        }
        cluster
    }

    /// A cluster with a user's ConfigMaps and Secrets in it, and without Builds.
    pub(crate) async fn without_builds() -> Self {
        let cluster = Self::serving(false);
        for object in inputs() {
            cluster.create(object).await;
        }
        cluster
    }

    pub(crate) fn bare() -> Self {
        Self::serving(true)
    }

    fn serving(serve_builds: bool) -> Self {
        let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
        let server =
            ApiServer::new(apiserver::ServerOptions { serve_builds, ..apiserver::ServerOptions::new(clock, 7) });
        Self::on(server, clock)
    }

    /// A cluster with this API server, which has nothing in it yet.
    pub(crate) fn on(server: ApiServer, clock: Clock) -> Self {
        let client = server.client("user");
        // The empty registry makes the checks trust the digest that a build object reports.
        let invariants = Invariants::attach(&server, &FakeRegistry::default());
        Self { server, client, clock, invariants, patience: BOUND }
    }

    pub(crate) async fn daemon(&self) -> Daemon {
        self.daemon_with(ActorSettings::default(), None).await
    }

    pub(crate) async fn daemon_with(&self, settings: ActorSettings, request_hook: Option<RequestHook>) -> Daemon {
        let options = daemon::DaemonOptions { request_hook, ..daemon::DaemonOptions::new(settings, self.clock, 7) };
        Daemon::start(self.server.service(), options).await.unwrap()
    }

    pub(crate) fn api(&self, kind: Kind) -> Api<Object> {
        seed::api(&self.client, kind)
    }

    pub(crate) async fn create(&self, document: Value) -> Object {
        let kind = Kind::of(&serde_json::from_value(document.clone()).unwrap()).unwrap();
        // As it stands: a typed metadata would drop fields that it does not know.
        let request = kube::core::Request::new(self.api(kind).resource_url());
        let request = request.create(&PostParams::default(), document.to_string().into_bytes()).unwrap();
        self.client.request(request).await.unwrap()
    }

    /// An opted-in pool, and the rendered MachineConfig that it wants.
    pub(crate) async fn create_pool(&self, name: &str, rendered: &str) {
        self.create(machine_config(rendered)).await;
        self.create(pool(name, rendered)).await;
    }

    /// An opted-in pool whose build is there and has not started yet.
    pub(crate) async fn start_build(&self, pool: &str, rendered: &str) {
        self.create_pool(pool, rendered).await;
        self.shows(pool, "BuildPending", "BuildPending").await;
    }

    /// The object as the server has it, field for field.
    pub(crate) async fn raw(&self, kind: Kind, name: &str) -> Option<Value> {
        let request = kube::core::Request::new(self.api(kind).resource_url()).get(name, &Default::default()).unwrap();
        self.client.request(request).await.ok()
    }

    pub(crate) async fn get(&self, kind: Kind, name: &str) -> Option<Object> {
        self.api(kind).get_opt(name).await.unwrap()
    }

    pub(crate) async fn pool(&self, name: &str) -> Object {
        self.get(Kind::MachineConfigPool, name).await.expect("the pool is there")
    }

    pub(crate) async fn names(&self, kind: Kind) -> Vec<String> {
        let objects = self.api(kind).list(&ListParams::default()).await.unwrap();
        objects.into_iter().map(|object| object.metadata.name.unwrap()).collect()
    }

    /// Names of pods and Builds, and of ConfigMaps that users did not write.
    pub(crate) async fn build_objects(&self) -> Vec<String> {
        let mut names = self.names(Kind::Pod).await;
        let builds = self.api(Kind::Build).list(&ListParams::default()).await;
        names.extend(builds.into_iter().flatten().filter_map(|build| build.metadata.name));
        names.extend(
            self.names(Kind::ConfigMap)
                .await
                .into_iter()
                .filter(|name| !machine_os_builder::api::names::INPUT_CONFIG_MAPS.contains(&name.as_str())),
        );
        names.sort();
        names
    }

    pub(crate) async fn merge(&self, kind: Kind, name: &str, patch: Value) -> Object {
        self.api(kind).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap()
    }

    pub(crate) async fn merge_status(&self, kind: Kind, name: &str, patch: Value) -> Object {
        self.api(kind).patch_status(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap()
    }

    pub(crate) async fn delete(&self, kind: Kind, name: &str) {
        self.api(kind).delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// Sets a pod's status, as a kubelet would.
    pub(crate) async fn set_pod(&self, name: &str, status: Value) {
        self.merge_status(Kind::Pod, name, json!({ "status": status })).await;
    }

    pub(crate) async fn set_phase(&self, name: &str, phase: &str) {
        self.set_pod(name, json!({ "phase": phase })).await;
    }

    /// Asks for an image builder, as a user would.
    pub(crate) async fn use_builder(&self, builder: &str) {
        self.merge(Kind::ConfigMap, "on-cluster-build-config", json!({"data": {"imageBuilderType": builder}})).await;
    }

    /// Sets a Build's status, as OpenShift's build controller would.
    pub(crate) async fn set_build(&self, name: &str, status: Value) {
        self.merge(Kind::Build, name, json!({ "status": status })).await;
    }

    /// Puts a pod on a node, as a scheduler would: from here on it takes its time to end.
    pub(crate) async fn bind(&self, name: &str) {
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": "node-1"},
        });
        let url = format!("/api/v1/namespaces/{DEFAULT_NAMESPACE}/pods/{name}/binding");
        let request = http::Request::post(url).header("content-type", "application/json");
        let _: Value = self.client.request(request.body(binding.to_string().into_bytes()).unwrap()).await.unwrap();
    }

    /// Ends a deleted pod, as its kubelet would.
    pub(crate) async fn end_pod(&self, name: &str) {
        self.api(Kind::Pod).delete(name, &DeleteParams::default().grace_period(0)).await.unwrap();
    }

    /// Ends a build with a pushed image, digest handed over as a termination message.
    pub(crate) async fn succeed(&self, rendered: &str) {
        self.set_pod(
            &format!("build-{rendered}"),
            json!({
                "phase": "Succeeded",
                "containerStatuses": [exited("image-build", 0, &digest_of(rendered)), exited("wait-for-done", 0, "")],
            }),
        )
        .await;
    }

    /// The digest ConfigMap of a build pod's helper, with the pod's labels and annotations.
    pub(crate) async fn digest_left_by(&self, pod: &str, digest: &str) -> Value {
        let made = self.exists(Kind::Pod, pod).await.metadata;
        let name = pod.replacen("build-", "digest-", 1);
        let mut left = config_map(&name, json!({ "digest": digest }));
        left["metadata"]["labels"] = json!(made.labels);
        let marks = ["build-input-hash", "build-claim", "pool"];
        let annotations = made.annotations.unwrap_or_default().into_iter();
        let annotations = annotations.filter(|(key, _)| marks.iter().any(|mark| key.ends_with(&format!("/{mark}"))));
        left["metadata"]["annotations"] = annotations.map(|(key, value)| (key, json!(value))).collect();
        left
    }

    /// Asks the user to remove the label by which the pool is opted in.
    pub(crate) async fn opt_out(&self, pool: &str) {
        self.merge(Kind::MachineConfigPool, pool, json!({"metadata": {"labels": {keys::LAYERING_ENABLED: null}}}))
            .await;
    }

    pub(crate) async fn annotate(&self, pool: &str, key: &str, value: &str) {
        self.merge(Kind::MachineConfigPool, pool, json!({"metadata": {"annotations": {key: value}}})).await;
    }

    /// Lets the pool want another config.
    pub(crate) async fn roll_out(&self, pool: &str, rendered: &str) {
        self.create(machine_config(rendered)).await;
        self.merge(Kind::MachineConfigPool, pool, json!({"spec": {"configuration": {"name": rendered}}})).await;
    }

    /// Waits until the pool shows this and only this of the four build conditions, with this reason.
    pub(crate) async fn shows(&self, pool: &str, condition: &str, reason: &str) {
        let expected = vec![(condition.to_owned(), reason.to_owned())];
        self.eventually(&format!("{pool} shows {condition}/{reason}"), async || {
            (shown(&self.pool(pool).await) == expected).then_some(())
        })
        .await;
    }

    pub(crate) async fn exists(&self, kind: Kind, name: &str) -> Object {
        self.eventually(&format!("{} {name} is there", kind.name()), async || self.get(kind, name).await).await
    }

    pub(crate) async fn is_gone(&self, kind: Kind, name: &str) {
        self.eventually(&format!("{} {name} is gone", kind.name()), async || {
            self.get(kind, name).await.is_none().then_some(())
        })
        .await;
    }

    /// Waits for something, with a bound in virtual time.
    pub(crate) async fn eventually<T>(&self, what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some(found) = probe().await {
                return found;
            }
            if Instant::now() > deadline {
                self.dump().await;
                panic!("not within {:?}: {what}", self.patience);
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Lets everything that is due happen: virtual time passes, and work goes before time.
    pub(crate) async fn rest(&self, time: Duration) {
        sleep(time).await;
    }

    /// Requests of the daemon, but for watches and lists, since the log was cleared.
    pub(crate) fn daemon_requests(&self) -> Vec<String> {
        let agent = daemon::user_agent();
        let log = self.server.log();
        let own = log.iter().filter(|entry| entry.agent == agent);
        own.filter(|entry| !matches!(entry.verb, apiserver::Verb::List | apiserver::Verb::Watch))
            .map(|entry| {
                let (verb, name) = (entry.verb.as_str(), entry.name.clone().unwrap_or_default());
                let subresource = entry.subresource.as_ref().map(|s| format!("/{s}")).unwrap_or_default();
                format!("{verb} {}{subresource} {name} {}", entry.resource, entry.code)
            })
            .collect()
    }

    /// Reasons of the Events about a pool, in the order of their making.
    pub(crate) async fn events(&self, pool: &str) -> Vec<String> {
        let mut events = self.api(Kind::Event).list(&ListParams::default()).await.unwrap().items;
        events.retain(|event| event.data["involvedObject"]["name"] == pool);
        events.sort_by_key(|event| event.metadata.resource_version.as_ref().and_then(|v| v.parse::<u64>().ok()));
        events.iter().map(|event| event.data["reason"].as_str().unwrap_or_default().to_owned()).collect()
    }

    async fn dump(&self) {
        for kind in [Kind::MachineConfigPool, Kind::Pod, Kind::Build] {
            for object in self.api(kind).list(&ListParams::default()).await.into_iter().flatten() {
                eprintln!("{}", serde_json::to_string_pretty(&object).unwrap());
            }
        }
        eprintln!("{:?}", self.build_objects().await);
        eprintln!("{:#?}", self.daemon_requests());
    }
}
