//! A daemon, faults of its requests, and its metrics as a scraper sees them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use kube::client::Body;
use machine_os_builder::actors::ActorSettings;
use machine_os_builder::apiserver::ResponseBody;
use machine_os_builder::cluster::client::RequestHook;
use machine_os_builder::daemon::admin::Admin;
use machine_os_builder::daemon::{Daemon, DaemonOptions};
use serde_json::json;
use tokio::time::sleep;
use tower::{BoxError, ServiceExt as _};

use crate::harness::cluster::Cluster;

/// The prefix of all metrics except those that every program has.
pub(super) const PREFIX: &str = "machine_os_builder_";

/// The fate of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fate {
    Arrives,
    /// It never arrives.
    Fails,
    /// It arrives, and its answer does not come back.
    IsUnanswered,
    /// It is answered with this code, and nothing is done.
    IsRefused(u16),
    /// It takes its time.
    Waits(Duration),
}

/// A daemon that can be scraped.
pub(super) struct Scraped {
    pub daemon: Daemon,
    pub admin: Admin,
}

impl Scraped {
    /// A daemon beside a cluster of its own.
    pub(super) async fn with_cluster() -> (Cluster, Self) {
        let cluster = Cluster::new().await;
        let scraped = Self::start(&cluster).await;
        (cluster, scraped)
    }

    pub(super) async fn start(cluster: &Cluster) -> Self {
        Self::behind(cluster, |_, _| Fate::Arrives).await
    }

    /// One whose requests meet a fate, by method and target.
    pub(super) async fn behind(cluster: &Cluster, fate: impl FnMut(&Method, &str) -> Fate + Send + 'static) -> Self {
        Self::with(cluster, ActorSettings::default(), None, fate).await
    }

    pub(super) async fn with(
        cluster: &Cluster,
        settings: ActorSettings,
        request_hook: Option<RequestHook>,
        fate: impl FnMut(&Method, &str) -> Fate + Send + 'static,
    ) -> Self {
        let (fate, server) = (Arc::new(std::sync::Mutex::new(fate)), cluster.server.service());
        let service = tower::service_fn(move |request: Request<Body>| {
            let fate = (fate.lock().unwrap())(request.method(), &request.uri().to_string());
            let server = server.clone();
            async move {
                match fate {
                    Fate::Fails => return Err::<_, BoxError>("the connection is cut".into()),
                    Fate::IsRefused(code) => return Ok(refusal(code)),
                    Fate::Waits(time) => sleep(time).await,
                    Fate::Arrives | Fate::IsUnanswered => {}
                }
                let answer = server.oneshot(request).await?;
                if fate == Fate::IsUnanswered { Err("the connection is cut".into()) } else { Ok(answer) }
            }
        });
        let options = DaemonOptions { request_hook, ..DaemonOptions::new(settings, cluster.clock, 7) };
        let admin = Admin::new(options.metrics.clone());
        let daemon = Daemon::start(service, options).await.unwrap();
        admin.show(Some(daemon.inspector()));
        Self { daemon, admin }
    }

    pub(super) async fn page(&self) -> String {
        page(&self.admin).await
    }

    /// The samples whose names begin so, without what all begin with.
    pub(super) async fn samples(&self, beginning: &str) -> BTreeMap<String, f64> {
        let samples = samples(&self.page().await).into_iter();
        let own = samples.filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?.to_owned(), value)));
        own.filter(|(name, _)| name.starts_with(beginning)).collect()
    }

    /// One sample.
    pub(super) async fn sample(&self, name: &str) -> f64 {
        let samples = self.samples(name).await;
        *samples.get(name).unwrap_or_else(|| panic!("{name} is not in {samples:?}"))
    }

    /// Every counter that has counted anything, but for that of requests: "name number".
    pub(super) async fn counts(&self) -> Vec<String> {
        let samples = self.samples("").await.into_iter();
        let counters = samples.filter(|(name, value)| {
            let name = name.split('{').next().unwrap();
            name.ends_with("_total") && name != "requests_total" && *value != 0.0
        });
        counters.map(|(name, value)| format!("{} {value}", name.replacen("_total", "", 1))).collect()
    }

    /// How often something was measured, and the sum of it in seconds.
    pub(super) async fn measured(&self, name: &str, labels: &str) -> (f64, f64) {
        let (count, sum) = (format!("{name}_seconds_count{labels}"), format!("{name}_seconds_sum{labels}"));
        (self.sample(&count).await, self.sample(&sum).await)
    }
}

pub(super) async fn page(admin: &Admin) -> String {
    let answer = admin.answer(&Method::GET, "/metrics").await;
    assert_eq!(answer.status(), 200);
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// Samples by name and labels.
pub(super) fn samples(page: &str) -> BTreeMap<String, f64> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?} is no sample"));
        (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line:?} has no value")))
    };
    let all: Vec<(String, f64)> = lines.map(sample).collect();
    let samples: BTreeMap<String, f64> = all.iter().cloned().collect();
    assert_eq!(samples.len(), all.len(), "each sample is there once: {page}");
    samples
}

fn refusal(code: u16) -> Response<ResponseBody> {
    let reason = if code == 409 { "Conflict" } else { "" };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "reason": reason, "code": code,
    });
    Response::builder().status(code).body(ResponseBody::full(status.to_string())).unwrap()
}
