//! Embeds the API server in a test: a controller under test talks to it as to a cluster, in virtual time.
//!
//! ```console
//! $ cargo run --example embedded_apiserver
//! ```
//!
//! [`ApiServer::client`] returns an ordinary `kube::Client` that calls the server in process, without a socket. On a
//! current-thread runtime with a paused clock, the run is deterministic: a wait of an hour takes no time.

use std::error::Error;
use std::time::Duration;

use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use machine_os_builder::apiserver::{ApiServer, ServerOptions};
use machine_os_builder::clock::Clock;
use serde_json::json;

/// The controller under test: it answers every ConfigMap that asks `ping` with `pong`.
async fn controller(client: Client) -> Result<(), watcher::Error> {
    let config_maps: Api<ConfigMap> = Api::default_namespaced(client);
    let mut changes = std::pin::pin!(watcher(config_maps.clone(), watcher::Config::default()).applied_objects());
    while let Some(object) = changes.try_next().await? {
        let (name, data) = (object.metadata.name.unwrap_or_default(), object.data.unwrap_or_default());
        if data.contains_key("ping") && !data.contains_key("pong") {
            let patch = Patch::Merge(json!({"data": {"pong": data["ping"]}}));
            // An error of this patch is not the point here; a real controller retries.
            let _ = config_maps.patch(&name, &PatchParams::default(), &patch).await;
        }
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    // The clock and the seed are the only sources of time and randomness of the server.
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse()?);
    let server = ApiServer::new(ServerOptions::new(clock, 1));
    let controller = tokio::spawn(controller(server.client("controller")));

    let config_maps: Api<ConfigMap> = Api::default_namespaced(server.client("user"));
    let asks = serde_json::from_value(json!({"metadata": {"name": "game"}, "data": {"ping": "1"}}))?;
    config_maps.create(&PostParams::default(), &asks).await?;
    tokio::time::sleep(Duration::from_secs(3600)).await;

    let answered = config_maps.get("game").await?;
    assert_eq!(answered.data.unwrap_or_default().get("pong").map(String::as_str), Some("1"));
    // The log holds every request, so a test can bound how many a controller sends.
    for entry in server.log().iter().filter(|entry| entry.agent == "controller") {
        println!("{} {:6} {} {}", entry.at, entry.verb.as_str(), entry.resource, entry.code);
    }
    controller.abort();
    Ok(())
}
