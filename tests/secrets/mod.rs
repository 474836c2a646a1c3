//! Credentials never show: not in logs at any level, not in conditions, Events, metrics, nor in any object but Secrets.

mod shapes;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use kube::api::{Api, ListParams, PostParams};
use machine_os_builder::api::{DEFAULT_NAMESPACE, Kind, Object, keys};
use machine_os_builder::apiserver::{AdmissionRequest, Refusal};
use machine_os_builder::cluster::LOG_DIRECTIVE;
use machine_os_builder::daemon::user_agent;
use machine_os_builder::reconcile::decide;
use machine_os_builder::simulation::seed;
use machine_os_builder::snapshot::Snapshot;
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::it::harness::cluster::{Cluster, exited, inputs, machine_config, message, pool, secret};
use crate::it::harness::processes;

const R1: &str = "rendered-worker-1";
const R2: &str = "rendered-worker-2";
const USER: &str = "robot$release";
const PASSWORD: &str = "c0rrect-h0rse/battery+staple";
const TOKEN: &str = "an-identity-token-of-a-registry";
const EMBEDDED: &str = "pass-in-an-address";

fn auth() -> String {
    STANDARD.encode(format!("{USER}:{PASSWORD}"))
}

fn body() -> Value {
    json!({"registry.test": {"auth": auth(), "identitytoken": TOKEN}})
}

/// A modern Secret, and a legacy one that a canonical Secret is made from.
fn secrets() -> [Value; 2] {
    [
        secret("pull", "kubernetes.io/dockerconfigjson", ".dockerconfigjson", &json!({"auths": body()})),
        secret("push", "kubernetes.io/dockercfg", ".dockercfg", &body()),
    ]
}

/// Everything that gives a credential away.
fn needles() -> Vec<String> {
    let bodies = [body(), json!({"auths": body()})].map(|body| body.to_string());
    let words = [PASSWORD, TOKEN, EMBEDDED].map(str::to_owned).into_iter().chain([auth()]);
    let words: Vec<String> = words.collect();
    let encoded = |encode: fn(&str) -> String| words.iter().chain(&bodies).map(|word| encode(word)).collect::<Vec<_>>();
    let mut needles = words.clone();
    needles.extend(encoded(|word| STANDARD.encode(word)));
    needles.extend(encoded(|word| URL_SAFE.encode(word)));
    needles.extend(encoded(|word| word.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ")));
    needles
}

fn assert_hidden(place: &str, text: &str) {
    for needle in needles() {
        let Some(at) = text.find(&needle) else { continue };
        let start = text.floor_char_boundary(at.saturating_sub(200));
        let end = text.ceil_char_boundary((at + needle.len() + 100).min(text.len()));
        panic!("{needle:?} shows in {place}: {}", &text[start..end]);
    }
}

/// The log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Every object but Secrets. What a build says in the status of its pod is its own to answer for.
async fn objects(client: &kube::Client) -> String {
    let mut text = String::new();
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Secret) {
        for mut object in seed::api(client, kind).list(&ListParams::default()).await.unwrap().items {
            if kind.is_build_object() {
                object.data.as_object_mut().unwrap().remove("status");
            }
            text.push_str(&serde_json::to_string(&object).unwrap());
        }
    }
    text
}

/// A build that says all it knows, in each of the places where it may.
async fn blab(cluster: &Cluster, rendered: &str) -> Value {
    let pod = format!("build-{rendered}");
    let words = format!("login {USER} {PASSWORD} {TOKEN} {} https://u:{EMBEDDED}@host/", auth());
    let uid = cluster.exists(Kind::Pod, &pod).await.metadata.uid.unwrap();
    cluster.server.pod_logs().append(&uid, "image-build", &words);
    let waiting = json!({"reason": "CreateContainerError", "message": words});
    cluster.set_pod(&pod, json!({"containerStatuses": [{"name": "image-build", "state": {"waiting": waiting}}]})).await;
    cluster.rest(Duration::from_secs(5)).await;
    let text = message(&cluster.pool("worker").await, "BuildPending");
    assert!(text.contains("CreateContainerError: login robot$release [redacted]"), "{text}");
    json!({"phase": "Failed", "containerStatuses": [exited("image-build", 20, &words)]})
}

#[tokio::test(start_paused = true)]
async fn l44_no_credential_shows_in_logs_at_trace_level_nor_in_objects() {
    let log = Log::default();
    let filter = EnvFilter::new("trace").add_directive(LOG_DIRECTIVE.parse().unwrap());
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_env_filter(filter).with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let cluster = Cluster::bare();
    for object in inputs().into_iter().filter(|object| object["kind"] != "Secret").chain(secrets()) {
        cluster.create(object).await;
    }
    let daemon = cluster.daemon().await;
    cluster.start_build("worker", R1).await;
    let failure = blab(&cluster, R1).await;
    cluster.set_pod(&format!("build-{R1}"), failure).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    cluster.rest(Duration::from_secs(5)).await;
    assert!(message(&cluster.pool("worker").await, "BuildFailed").contains("[redacted]"));
    assert_hidden("objects", &objects(&cluster.client).await);

    // A refusal of a write may quote the request.
    let says = Refusal::Forbidden(format!("the registry's password {PASSWORD} and its token {TOKEN} are too weak"));
    cluster.server.set_admission(Some(Arc::new(move |request: &AdmissionRequest<'_>| {
        (request.resource == "pods" && request.agent == user_agent()).then(|| says.clone())
    })));
    cluster.annotate("worker", keys::REBUILD, "now").await;
    cluster.shows("worker", "BuildPending", "BuildRefused").await;
    assert!(message(&cluster.pool("worker").await, "BuildPending").contains("[redacted]"));
    assert_hidden("objects", &objects(&cluster.client).await);
    cluster.server.set_admission(None);

    cluster.roll_out("worker", R2).await;
    cluster.exists(Kind::Pod, &format!("build-{R2}")).await;
    blab(&cluster, R2).await;
    // Lost while it waited, with what it said as the reason.
    cluster.rest(Duration::from_secs(600)).await;
    cluster.shows("worker", "BuildPending", "BuildRetrying").await;
    assert_hidden("objects", &objects(&cluster.client).await);
    daemon.stop().await;

    // Bodies that cannot be read are not quoted either.
    let broken = json!({"auths": {"registry.test": auth()}}).to_string();
    let broken = json!({"data": {".dockerconfigjson": STANDARD.encode(broken)}});
    cluster.merge(Kind::Secret, "pull", broken).await;
    let daemon = cluster.daemon().await;
    cluster.shows("worker", "BuildFailed", "SecretInvalid").await;
    // Nor is a value that they were put into by mistake.
    cluster.merge(Kind::Secret, "pull", secrets()[0].clone()).await;
    let address = json!({"data": {"finalImagePullspec": format!("https://{USER}:{PASSWORD}@registry.test/org/os")}});
    cluster.merge(Kind::ConfigMap, "on-cluster-build-config", address).await;
    cluster.shows("worker", "BuildFailed", "PullspecInvalid").await;
    let snapshot = Snapshot::read(cluster.client.clone(), DEFAULT_NAMESPACE).await.unwrap();
    let reports = snapshot.reports(&decide::DecideSettings::default(), cluster.clock.now()).await.unwrap();
    let text = serde_json::to_string(&reports.pools).unwrap();
    assert!(text.contains("PullspecInvalid"), "{text}");
    assert_hidden("a report", &text);
    assert_hidden("the pool", &serde_json::to_string(&cluster.pool("worker").await).unwrap());
    let mended = json!({"data": {"finalImagePullspec": "registry.test/org/os"}});
    cluster.merge(Kind::ConfigMap, "on-cluster-build-config", mended).await;
    cluster.opt_out("worker").await;
    cluster.rest(Duration::from_secs(60)).await;
    daemon.stop().await;
    assert_hidden("objects", &objects(&cluster.client).await);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains(" TRACE ") && log.contains("failed with exit code 20"), "little was logged");
    assert_hidden("the log", &log);
}

/// The same of a process, with all that its libraries log about connections.
#[tokio::test]
async fn l44_no_credential_shows_in_the_log_of_a_process_at_trace_level_nor_in_its_metrics() {
    let cluster = processes::Cluster::start(&["--build-duration=10ms"]);
    let client = cluster.client().await;
    let create = async |document: Value| {
        let object: Object = serde_json::from_value(document).unwrap();
        let api: Api<Object> = seed::api(&client, Kind::of(&object).unwrap());
        api.create(&PostParams::default(), &object).await.unwrap();
    };
    for object in inputs().into_iter().filter(|object| object["kind"] != "Secret").chain(secrets()) {
        create(object).await;
    }
    create(machine_config(R1)).await;
    create(pool("worker", R1)).await;
    let log = cluster.directory.path().join("trace");
    let mut command = processes::machine_os_builder("run");
    command.arg("--kubeconfig").arg(cluster.kubeconfig()).args(["--admin-listen=127.0.0.1:0", "--log-format=json"]);
    command.env("RUST_LOG", "trace").stderr(std::fs::File::create(&log).unwrap());
    let mut daemon = processes::Process::spawn(&mut command);
    let read = || std::fs::read_to_string(&log).unwrap();
    processes::until("the image is published", || read().contains("\"reason\":\"BuildSucceeded\"").then_some(()));
    let admin = read().split("\"admin\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_hidden("metrics", &processes::ask(&admin, "GET", "/metrics").1);
    assert_eq!(daemon.end(), Some(0));
    assert!(read().contains("\"level\":\"TRACE\""), "little was logged");
    assert!(!read().contains("Unsuccessful: Status"), "kube logs answers as they are");
    assert_hidden("the log", &read());
    assert_hidden("objects", &objects(&client).await);
}
