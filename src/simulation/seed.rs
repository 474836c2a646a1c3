//! The objects in the cluster when a simulation begins, and the names of the configs that it rolls out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use crate::api::names::{self, sha256_hex};
use crate::api::{DEFAULT_NAMESPACE, EVENT_NAMESPACE, Kind, Object, keys};
use crate::reconcile::inputs::image_builder::{BUILDER_TYPE, ImageBuilder};

/// The time at which every simulation begins.
pub const EPOCH: &str = "2026-01-01T00:00:00Z";
/// The repository that all images are pushed to.
pub const REPOSITORY: &str = "registry.example.com/fleet/os";

/// The pools of a simulation, and their configs.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// How many pools there are.
    pub pools: usize,
    /// How many configs are rolled out to each.
    pub configs: usize,
    /// The seed of the run.
    pub seed: u64,
}

impl Fleet {
    /// The pools' names, in order.
    pub fn pool_names(&self) -> Vec<String> {
        let width = self.pools.to_string().len();
        (1..=self.pools).map(|number| format!("pool-{number:0width$}")).collect()
    }

    /// The name of the `number`th rendered config of `pool`, from 1.
    pub fn rendered(&self, pool: &str, number: usize) -> String {
        let hash = sha256_hex(format!("{} {pool} {number}", self.seed));
        format!("{}{pool}-{}", names::RENDERED_PREFIX, &hash[..32])
    }

    /// The number of a config of `pool`, from its name.
    pub fn number_of(&self, pool: &str, rendered: &str) -> Option<usize> {
        (1..=self.configs).find(|number| self.rendered(pool, *number) == rendered)
    }
}

/// The kind of build objects in a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lower")]
pub enum Builder {
    /// Build pods.
    #[default]
    Pod,
    /// OpenShift's Builds.
    OpenShift,
    /// Both: the ConfigMap on-cluster-build-config changes its builder now and then.
    Mixed,
}

impl Builder {
    /// What the build config asks for at first; none for the default.
    pub fn name(self) -> Option<&'static str> {
        (self == Self::OpenShift).then(|| ImageBuilder::OpenShift.name())
    }
}

/// The objects that a user and the rest of the operator put into a cluster before the first build; the build config
/// asks for `builder`, if that is said.
pub fn inputs(builder: Option<&str>) -> Vec<Object> {
    let config_map = |name: &str, data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data});
    let secret = |name: &str| {
        let auth = STANDARD.encode(format!("{name}:not-a-real-password"));
        let body = json!({"auths": {"registry.example.com": {"auth": auth}}}).to_string();
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": STANDARD.encode(body)},
        })
    };
    let mut build_config = json!({
        "baseImagePullSecretName": "base-image-pull",
        "finalImagePushSecretName": "final-image-push",
        "finalImagePullspec": format!("{REPOSITORY}:latest"),
    });
    if let Some(builder) = builder {
        build_config[BUILDER_TYPE] = builder.into();
    }
    let documents = [
        config_map(
            names::OS_IMAGE_URL,
            json!({
                "baseOSContainerImage": "registry.example.com/release/base-os@sha256:\
                    1111111111111111111111111111111111111111111111111111111111111111",
                "releaseVersion": "4.16.0",
            }),
        ),
        config_map(names::BUILD_CONFIG, build_config),
        secret("base-image-pull"),
        secret("final-image-push"),
    ];
    documents.into_iter().map(|document| serde_json::from_value(document).expect("these are objects")).collect()
}

/// A pool that is opted in and wants `rendered`, beside conditions and fields that belong to others.
pub fn pool(name: &str, rendered: &str) -> Object {
    serde_json::from_value(json!({
        "apiVersion": Kind::MachineConfigPool.api_version(),
        "kind": Kind::MachineConfigPool.name(),
        "metadata": {"name": name, "labels": {keys::LAYERING_ENABLED: ""}},
        "spec": {
            "configuration": {"name": rendered, "source": [{
                "apiVersion": Kind::MachineConfig.api_version(),
                "kind": Kind::MachineConfig.name(),
                "name": format!("00-{name}"),
            }]},
            "nodeSelector": {"matchLabels": {format!("node-role.kubernetes.io/{name}"): ""}},
            "paused": false,
        },
    }))
    .expect("this is an object")
}

/// Creates an object in its namespace.
pub async fn create(client: &Client, object: &Object) -> kube::Result<Object> {
    let kind = Kind::of(object).expect("seeded objects are of known kinds");
    api(client, kind).create(&PostParams::default(), object).await
}

/// The way to all objects of a kind.
pub fn api(client: &Client, kind: Kind) -> Api<Object> {
    let resource = kind.resource();
    match kind {
        Kind::Event => Api::namespaced_with(client.clone(), EVENT_NAMESPACE, &resource),
        _ if kind.is_namespaced() => Api::namespaced_with(client.clone(), DEFAULT_NAMESPACE, &resource),
        _ => Api::all_with(client.clone(), &resource),
    }
}
