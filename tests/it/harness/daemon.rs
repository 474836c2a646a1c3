//! A daemon, and a simulated user beside it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use kube::Client;
use kube::api::{Api, ListParams, PostParams};
use machine_os_builder::api::{Kind, Object, keys};
use machine_os_builder::simulation::seed;
use machine_os_builder::yaml;
use serde_json::Value;

use super::processes::{Cluster, PATIENCE, POLL, Process, ask, machine_os_builder, until};

/// The pool of the samples.
pub(crate) const POOL: &str = "layered";
/// Leadership that passes on soon after a process was killed.
pub(crate) const QUICK_LEASE: [&str; 3] = ["--lease-duration=3s", "--renew-deadline=2s", "--retry-period=500ms"];
/// Leadership that passes on by nothing but a release, as far as a test can tell.
pub(crate) const SLOW_LEASE: [&str; 3] = ["--lease-duration=3h", "--renew-deadline=2h", "--retry-period=1h"];

pub(crate) struct Daemon {
    pub process: Process,
    log: PathBuf,
    admin: String,
}

impl Daemon {
    /// A daemon that has found its cluster.
    pub(crate) fn start(cluster: &Cluster, name: &str, arguments: &[&str]) -> Self {
        let log = cluster.directory.path().join(name);
        let mut command = machine_os_builder("run");
        command.arg("--kubeconfig").arg(cluster.kubeconfig()).args(["--admin-listen=127.0.0.1:0", "--log-format=json"]);
        let process = Process::spawn(command.args(arguments).stderr(fs::File::create(&log).unwrap()));
        let mut daemon = Self { process, log, admin: String::new() };
        daemon.admin = daemon.logged("connected")["fields"]["admin"].as_str().unwrap().to_owned();
        daemon
    }

    /// The line of its log that says this, once it is there.
    pub(crate) fn logged(&self, message: &str) -> Value {
        until(message, || self.lines().into_iter().find(|line| line["fields"]["message"] == message))
    }

    /// Its log.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.log).unwrap();
        // The last line may be half written.
        text.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(crate) fn leads(&self) -> bool {
        self.get("/metrics").1.contains("machine_os_builder_leader 1\n")
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.process.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// The answer of its admin server.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", path)
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> (u16, String) {
        ask(&self.admin, method, path)
    }
}

/// The samples in a cluster, to which everything of the user's belongs.
pub(crate) struct User {
    client: Client,
}

impl User {
    pub(crate) async fn of(cluster: &Cluster) -> Self {
        Self { client: cluster.client().await }
    }

    /// A user who has applied the samples.
    pub(crate) async fn with_samples(cluster: &Cluster) -> Self {
        let user = Self::of(cluster).await;
        user.apply_samples().await;
        user
    }

    pub(crate) fn api(&self, kind: Kind) -> Api<Object> {
        seed::api(&self.client, kind)
    }

    /// Creates everything in `config/samples`. The pool comes last: a user creates the inputs before opting in.
    pub(crate) async fn apply_samples(&self) {
        let files =
            fs::read_dir("config/samples").unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        let documents = files.flat_map(|text| yaml::parse(&text).unwrap());
        let mut objects: Vec<Object> = documents.map(|document| serde_json::from_value(document).unwrap()).collect();
        objects.sort_by_key(|object| matches!(Kind::of(object), Ok(Kind::MachineConfigPool)));
        for object in objects {
            self.api(Kind::of(&object).unwrap()).create(&PostParams::default(), &object).await.unwrap();
        }
    }

    pub(crate) async fn pool(&self) -> Object {
        self.api(Kind::MachineConfigPool).get(POOL).await.unwrap()
    }

    /// The image that is published on the pool.
    pub(crate) async fn image(&self) -> Option<String> {
        self.pool().await.metadata.annotations?.get(keys::NEWEST_IMAGE).cloned()
    }

    /// Waits until this condition, and no other of the four, is True.
    pub(crate) async fn shows(&self, condition: &str) {
        self.shows_within(PATIENCE, condition).await;
    }

    pub(crate) async fn shows_within(&self, patience: Duration, condition: &str) {
        let deadline = Instant::now() + patience;
        while self.condition().await.as_deref() != Some(condition) {
            assert!(Instant::now() < deadline, "gave up waiting for {condition}: {:?}", self.pool().await.data);
            tokio::time::sleep(POLL).await;
        }
    }

    async fn condition(&self) -> Option<String> {
        let pool = self.pool().await;
        let conditions = pool.data.pointer("/status/conditions")?.as_array()?.clone();
        let shown: Vec<&str> = conditions
            .iter()
            .filter(|condition| condition["status"] == "True")
            .filter_map(|condition| condition["type"].as_str())
            .filter(|kind| kind.starts_with("Build"))
            .collect();
        (shown.len() == 1).then(|| shown[0].to_owned())
    }

    /// Reasons of the Events on the pool, oldest first.
    pub(crate) async fn reasons(&self) -> Vec<String> {
        let mut events = self.api(Kind::Event).list(&ListParams::default()).await.unwrap().items;
        events.sort_by_key(|event| event.metadata.resource_version.clone().unwrap().parse::<u64>().unwrap());
        events.into_iter().map(|event| event.data["reason"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn names(&self, kind: Kind) -> Vec<String> {
        let objects = self.api(kind).list(&ListParams::default()).await.unwrap();
        objects.into_iter().map(|object| object.metadata.name.unwrap()).collect()
    }

    /// Pods, and ConfigMaps with the label of build objects.
    pub(crate) async fn leftovers(&self) -> Vec<String> {
        let config_maps = self.api(Kind::ConfigMap).list(&ListParams::default().labels(keys::BUILD_POD)).await.unwrap();
        let names = config_maps.into_iter().map(|object| object.metadata.name.unwrap());
        self.names(Kind::Pod).await.into_iter().chain(names).collect()
    }
}
