//! The payload of a build, read as the build reads it.

use kube::Client;
use serde_json::Value;

use super::people::registry::FakeRegistry;
use super::seed;
use crate::api::{Key, Kind, names};
use crate::reconcile::objects::payload::Payload;

/// The name of the MachineConfig in the ConfigMap `mounted`, which is compared with the one in the cluster, field for
/// field.
pub(super) async fn machine_config_in(client: &Client, mounted: &str, ledger: &FakeRegistry) -> kube::Result<String> {
    let config_map = seed::api(client, Kind::ConfigMap).get(mounted).await?;
    let text = config_map.data["data"][names::PAYLOAD_KEY].as_str().unwrap_or_default();
    let decoded = Payload::decode(text).unwrap_or_default();
    let name = decoded["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let key = Key::new(Kind::MachineConfig, &name);
    let url = format!("/apis/{}/machineconfigs/{name}", key.kind.api_version());
    let request = http::Request::get(url).body(Vec::new()).map_err(kube::Error::HttpError)?;
    let original: Value = client.request(request).await?;
    if decoded != original {
        ledger.complain(format!("{mounted} holds another config than {key}"));
    }
    Ok(name)
}
