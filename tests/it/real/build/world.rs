//! A user, and the cluster and registry that a build needs.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, LogParams, Patch, PatchParams, PostParams};
use machine_os_builder::api::{DEFAULT_NAMESPACE, Kind, Object, keys};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::harness::daemon::{Daemon, POOL, User};
use crate::harness::processes::{Cluster, local_cluster};
use crate::real::registry::{Credentials, Registry};

/// How long anything may take before a test gives up on it: builds share this machine with others.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
pub(super) const POLL: Duration = Duration::from_millis(20);

/// The location of images that a mirror serves.
const MIRRORED: &str = "mirrored.test/release";

/// A proxy that no request uses: addresses on this machine are exempt.
const PROXY: &str = "http://bob:pr0xy-s-Secret@proxy.test:3128";

/// How the digest is handed over where there is no oc.
const HANDOFF: &str = "--digest-handoff=termination-message";

/// A registry, a cluster and a daemon.
pub(super) struct World {
    pub registry: Registry,
    pub base_image: String,
    pub cluster: Cluster,
    _daemon: Daemon,
    pub user: User,
    pub client: Client,
    /// The output of each container of each pod, as far as a test has read it.
    pub logs: Logs,
    // Where pods have their files. Dropped last.
    _directory: TempDir,
}

/// The output of containers, by pod and container; clones share it.
pub(super) type Logs = Arc<Mutex<BTreeMap<String, String>>>;

fn config_map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

impl Drop for World {
    fn drop(&mut self) {
        // In good order: killed, it would leave what its pods have.
        if self.cluster.process.0.try_wait().unwrap().is_none() {
            self.cluster.process.end();
        }
    }
}

impl World {
    /// A world in which a pool can be opted in; it wants no build yet.
    pub(super) async fn new() -> Self {
        let trust = |command: &mut Command, registry: &Registry| {
            command.env("SSL_CERT_FILE", registry.authority());
        };
        Self::start(trust, &[HANDOFF]).await
    }

    /// The same, but that the digest is handed over by the pod's helper, for which kubectl stands in for oc.
    pub(super) async fn with_helper() -> Self {
        let programs = crate::real::directory().join("programs");
        std::fs::create_dir_all(&programs).unwrap();
        let oc = programs.join("oc");
        std::fs::write(&oc, "#!/bin/sh\nKUBECONFIG=/dev/null exec kubectl \"$@\"\n").unwrap();
        std::fs::set_permissions(&oc, std::fs::Permissions::from_mode(0o755)).unwrap();
        let trust = |command: &mut Command, registry: &Registry| {
            command.env("SSL_CERT_FILE", registry.authority());
            command.env("PATH", format!("{}:{}", programs.display(), std::env::var("PATH").unwrap()));
        };
        Self::start(trust, &[]).await
    }

    /// The same, but nothing on this machine trusts the registry or maps [`MIRRORED`] to it: only the ConfigMaps that
    /// the build settings name do. The settings also name a proxy.
    pub(super) async fn by_settings() -> Self {
        let proxy = format!("--build-https-proxy={PROXY}");
        let settings =
            [HANDOFF, "--build-trusted-ca-config-map=registry-ca", "--build-registries-config-map=mirrors", &proxy];
        let world = Self::start(|_, _| {}, &settings).await;
        let bundle = std::fs::read_to_string(world.registry.authority()).unwrap();
        world.create(config_map("registry-ca", json!({"ca-bundle.crt": bundle}))).await;
        let location = world.base_image.rsplit_once('/').unwrap().0;
        let mirrors = format!("[[registry]]\nprefix = \"{MIRRORED}\"\nlocation = \"{location}\"\n");
        world.create(config_map("mirrors", json!({"registries.conf": mirrors}))).await;
        let image = world.base_image.replace(location, MIRRORED);
        let change = json!({"data": {"baseOSContainerImage": image}});
        world.merge(Kind::ConfigMap, "machine-config-osimageurl", change).await;
        world
    }

    async fn start(trust: impl FnOnce(&mut Command, &Registry), arguments: &[&str]) -> Self {
        let registry = Registry::start();
        let base_image = registry.push_base_image();
        let directory = crate::real::temporary_directory();
        let mut command = local_cluster();
        command.args(["--executor", "buildah"]).env("TMPDIR", directory.path());
        command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
        trust(&mut command, &registry);
        command.env("STORAGE_DRIVER", "vfs").env("BUILDAH_ISOLATION", "chroot");
        let stderr = std::fs::File::create(directory.path().join("cluster-stderr")).unwrap();
        let cluster = Cluster::start_by(command.stderr(stderr));
        let daemon = Daemon::start(&cluster, "daemon", arguments);
        let (user, client) = (User::of(&cluster).await, cluster.client().await);
        let logs = Logs::default();
        let world = Self { registry, base_image, cluster, _daemon: daemon, user, client, logs, _directory: directory };
        world.write_inputs().await;
        world
    }

    /// The output of the daemon and the cluster.
    pub(super) fn printed(&self) -> Vec<(&'static str, String)> {
        let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap();
        vec![
            ("the daemon's log", read(self.cluster.directory.path().join("daemon"))),
            ("the cluster's output", read(self.cluster.directory.path().join("stdout"))),
            ("the cluster's errors", read(self._directory.path().join("cluster-stderr"))),
        ]
    }

    /// Where images are pushed to.
    pub(super) fn repository(&self) -> String {
        format!("{}/fleet/os", self.registry.host)
    }

    async fn write_inputs(&self) {
        self.create(config_map("machine-config-osimageurl", json!({
            "baseOSContainerImage": self.base_image, "baseOSExtensionsContainerImage": "", "releaseVersion": "4.16.0",
        }))).await;
        self.create(config_map(
            "on-cluster-build-config",
            json!({
                "baseImagePullSecretName": "pull", "finalImagePushSecretName": "push",
                "finalImagePullspec": format!("{}:latest", self.repository()),
            }),
        ))
        .await;
        self.create(self.secret("pull", &self.registry.reader)).await;
        self.create(self.secret("push", &self.registry.writer)).await;
    }

    fn secret(&self, name: &str, credentials: &Credentials) -> Value {
        let body = credentials.pull_secret(&self.registry.host).to_string();
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": STANDARD.encode(body)},
        })
    }

    /// Puts other credentials into a Secret.
    pub(super) async fn change_secret(&self, name: &str, credentials: &Credentials) {
        let data = self.secret(name, credentials)["data"].clone();
        self.merge(Kind::Secret, name, json!({"data": data})).await;
    }

    pub(super) async fn create(&self, object: Value) -> Object {
        let object: Object = serde_json::from_value(object).unwrap();
        self.user.api(Kind::of(&object).unwrap()).create(&PostParams::default(), &object).await.unwrap()
    }

    pub(super) async fn merge(&self, kind: Kind, name: &str, patch: Value) {
        self.user.api(kind).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Creates a pool that wants `machine_config`, and is not opted in.
    pub(super) async fn create_pool(&self, machine_config: &Value) {
        self.create(machine_config.clone()).await;
        self.create(json!({
            "apiVersion": "machineconfiguration.openshift.io/v1", "kind": "MachineConfigPool",
            "metadata": {"name": POOL, "labels": {"a": "b"}},
            "spec": {"configuration": {"name": machine_config["metadata"]["name"]}},
        }))
        .await;
    }

    pub(super) async fn opt_in(&self) {
        let labels = json!({"metadata": {"labels": {keys::LAYERING_ENABLED: ""}}});
        self.merge(Kind::MachineConfigPool, POOL, labels).await;
    }

    /// Text that is appended to the pool's Containerfile.
    pub(super) async fn customize(&self, text: &str) {
        self.create(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "on-cluster-build-custom-dockerfile"},
            "data": {POOL: text},
        }))
        .await;
    }

    /// Waits until the pool's state is this one of the four.
    pub(super) async fn shows(&self, condition: &str) {
        self.user.shows_within(PATIENCE, condition).await;
    }

    /// The condition of this type on the pool, once it is True.
    pub(super) async fn condition(&self, kind: &str) -> Value {
        self.shows(kind).await;
        let pool = self.user.pool().await;
        let conditions = pool.data["status"]["conditions"].as_array().unwrap().clone();
        conditions.into_iter().find(|condition| condition["type"] == kind).unwrap()
    }

    pub(super) fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), DEFAULT_NAMESPACE)
    }

    /// Reads and stores the output of `image-build` and `image-push` so far; it is empty before there is a pod.
    pub(super) async fn log(&self, pod: &str) -> String {
        let mut text = String::new();
        for container in ["image-build", "image-push"] {
            let params = LogParams { container: Some(container.into()), ..Default::default() };
            text += &self.pods().logs(pod, &params).await.unwrap_or_default();
        }
        if !text.is_empty() {
            self.logs.lock().unwrap().insert(pod.to_owned(), text.clone());
        }
        text
    }

    /// Waits until one of the two wrote this.
    pub(super) async fn logged(&self, pod: &str, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log(pod).await.contains(what) {
            assert!(Instant::now() < deadline, "gave up waiting for {what:?}: {}", self.log(pod).await);
            sleep(POLL).await;
        }
    }

    /// The pod in which this config is built.
    pub(super) fn pod_of(machine_config: &Value) -> String {
        format!("build-{}", machine_config["metadata"]["name"].as_str().unwrap())
    }
}
