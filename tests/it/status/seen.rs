//! A user's view of a cluster.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Full};
use kube::Client;
use kube::client::Body;
use machine_os_builder::api::DEFAULT_NAMESPACE;
use machine_os_builder::reconcile::decide::DecideSettings;
use machine_os_builder::report::{PoolPhase, PoolReport, text};
use machine_os_builder::snapshot::Snapshot;
use serde_json::json;
use tower::{BoxError, ServiceExt as _};

use crate::harness::cluster::Cluster;

/// Reports as `status` makes them, with the settings of a daemon that has none of its own.
pub(super) async fn reports(cluster: &Cluster) -> Vec<PoolReport> {
    reports_to(cluster, cluster.server.client("status")).await
}

pub(super) async fn reports_to(cluster: &Cluster, client: Client) -> Vec<PoolReport> {
    let snapshot = Snapshot::read(client, DEFAULT_NAMESPACE).await.unwrap();
    snapshot.reports(&DecideSettings::default(), cluster.clock.now()).await.unwrap().pools
}

pub(super) async fn report(cluster: &Cluster) -> PoolReport {
    reports(cluster).await.into_iter().find(|report| report.name == "worker").expect("there is a report on it")
}

/// Waits until the pool `worker` is in a state.
pub(super) async fn is_in(cluster: &Cluster, state: PoolPhase) {
    let what = format!("worker is {state}");
    cluster.eventually(&what, async || (report(cluster).await.state == state).then_some(())).await;
}

/// `status`, and `explain worker`.
pub(super) async fn screen(cluster: &Cluster) -> String {
    screen_of(cluster, &reports(cluster).await)
}

pub(super) fn screen_of(cluster: &Cluster, reports: &[PoolReport]) -> String {
    let now = cluster.clock.now();
    let worker = reports.iter().find(|report| report.name == "worker").expect("there is a report on it");
    let table = text::Rows::new(None).print(reports, now);
    format!("$ status\n{table}\n$ explain worker\n{}", text::page(worker, now))
}

/// A client that may not do what is done at such a path.
pub(super) fn client_without(cluster: &Cluster, path: &'static str) -> Client {
    let server = cluster.server.service();
    let service = tower::service_fn(move |request: Request<Body>| {
        let server = server.clone();
        async move {
            if request.uri().path().contains(path) {
                let status = json!({
                    "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403, "reason": "Forbidden",
                    "message": format!("forbidden: user \"viewer\" cannot list {path}"),
                });
                let refusal = Response::builder()
                    .status(403)
                    .body(Either::Left(Full::<Bytes>::from(status.to_string().into_bytes())));
                return Ok::<_, BoxError>(refusal.unwrap());
            }
            Ok(server.oneshot(request).await?.map(Either::Right))
        }
    });
    Client::new(service, DEFAULT_NAMESPACE)
}
