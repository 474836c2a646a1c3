//! A daemon under a load over HTTPS: many pools with large MachineConfigs, and no limit on builds.

/// The shared harness, of which this program uses a part.
#[allow(dead_code)]
mod it {
    pub(crate) mod harness;
}

use std::fs;
use std::time::{Duration, Instant};

use kube::api::{Api, ListParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

use crate::it::harness::processes::{Cluster, Process, ask, machine_os_builder};

const NAMESPACE: &str = "openshift-machine-config-operator";
const ADMIN: &str = "127.0.0.1:18797";
const CONFIG_BYTES: usize = 700 << 10;
const PATIENCE: Duration = Duration::from_secs(480);

/// Text that hardly compresses, and is another for each seed.
fn noise(mut seed: u64, bytes: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        char::from(DIGITS[(seed >> 40) as usize % DIGITS.len()])
    };
    (0..bytes).map(|_| next()).collect()
}

fn api(client: &kube::Client, document: &Value) -> Api<DynamicObject> {
    let version = document["apiVersion"].as_str().unwrap();
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let kind = document["kind"].as_str().unwrap();
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    match kind {
        "ConfigMap" | "Secret" | "Pod" | "Lease" => Api::namespaced_with(client.clone(), NAMESPACE, &resource),
        _ => Api::all_with(client.clone(), &resource),
    }
}

async fn create(client: &kube::Client, document: Value) {
    let object: DynamicObject = serde_json::from_value(document.clone()).unwrap();
    api(client, &document).create(&PostParams::default(), &object).await.unwrap();
}

fn inputs() -> Vec<Value> {
    let config_map = |name: &str, data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data});
    let secret = |name: &str| {
        let auths = r#"{"auths": {"registry.test": {"auth": "dTpw"}}}"#;
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": auths},
        })
    };
    let images = json!({"baseOSContainerImage": "registry.test/release/os:9", "releaseVersion": "4.16.0"});
    let builds = json!({
        "baseImagePullSecretName": "pull", "finalImagePushSecretName": "push",
        "finalImagePullspec": "registry.test/org/os:latest",
    });
    let config_maps = [("machine-config-osimageurl", images), ("on-cluster-build-config", builds)];
    let config_maps = config_maps.map(|(name, data)| config_map(name, data)).into_iter();
    config_maps.chain(["pull", "push"].map(secret)).collect()
}

async fn fill(client: &kube::Client, pools: u64) {
    for input in inputs() {
        create(client, input).await;
    }
    for pool in 0..pools {
        let rendered = format!("rendered-{pool}-1");
        let kind = "machineconfiguration.openshift.io/v1";
        create(
            client,
            json!({
                "apiVersion": kind, "kind": "MachineConfig", "metadata": {"name": rendered},
                "spec": {"config": {"ignition": {"version": "3.4.0"}, "noise": noise(pool + 1, CONFIG_BYTES)}},
            }),
        )
        .await;
        create(client, json!({
            "apiVersion": kind, "kind": "MachineConfigPool",
            "metadata": {"name": format!("pool-{pool}"), "labels": {"machineconfiguration.openshift.io/layering-enabled": ""}},
            "spec": {"configuration": {"name": rendered}},
        }))
        .await;
    }
}

/// A line of what the kernel knows of a process, in KiB.
fn memory(process: u32, line: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let value = status.lines().find_map(|text| text.strip_prefix(line)?.split_whitespace().next()?.parse().ok());
    value.unwrap_or_default()
}

#[test]
#[ignore = "needs minutes and gigabytes: 300 pools with 700 KiB each, or as many as LOAD_POOLS says"]
fn many_large_builds_at_once_lose_no_lease_and_take_little_memory() {
    let pools: u64 = std::env::var("LOAD_POOLS").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    let cluster = Cluster::start(&["--executor", "none"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = runtime.block_on(async {
        let client = cluster.client().await;
        fill(&client, pools).await;
        client
    });
    let log = cluster.directory.path().join("daemon.log");
    let mut command = machine_os_builder("run");
    command.arg("--kubeconfig").arg(cluster.kubeconfig()).args(["--max-concurrent-builds=0", "--admin-listen", ADMIN]);
    let (began, mut slowest) = (Instant::now(), Duration::ZERO);
    let mut daemon = Process::spawn(command.stderr(fs::File::create(&log).unwrap()));
    let pod = json!({"apiVersion": "v1", "kind": "Pod"});
    loop {
        std::thread::sleep(Duration::from_secs(1));
        assert!(daemon.0.try_wait().unwrap().is_none(), "it has ended: {}", fs::read_to_string(&log).unwrap());
        let asked = Instant::now();
        assert_eq!(ask(ADMIN, "GET", "/livez").0, 200);
        slowest = slowest.max(asked.elapsed());
        let pods = runtime.block_on(async { api(&client, &pod).list_metadata(&ListParams::default()).await.unwrap() });
        println!("{:?}: {} pods, {} KiB", began.elapsed(), pods.items.len(), memory(daemon.0.id(), "VmRSS:"));
        if pods.items.len() as u64 == pools {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{} of {pools}", pods.items.len());
    }
    let (took, peak) = (began.elapsed(), memory(daemon.0.id(), "VmHWM:"));
    println!("{pools} pools: {took:?}, peak {peak} KiB, slowest answer to /livez {slowest:?}");
    assert_eq!(daemon.end(), Some(0));
    let text = fs::read_to_string(&log).unwrap();
    assert!(!text.contains("leads no more"), "{text}");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    assert!(peak < 256 << 10, "{peak} KiB");
}
