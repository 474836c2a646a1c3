//! More work than the API server can answer at once: the leader stays the leader, and its memory stays bounded.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, Request};
use kube::client::Body;
use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::limits::{PAYLOADS_MAX, REQUESTS_UNDER_WAY_MAX};
use machine_os_builder::api::{Kind, names};
use machine_os_builder::daemon::DaemonOptions;
use machine_os_builder::daemon::replica::{ExitReason, LeaderElectionConfig, Replica};
use tokio::sync::{Semaphore, oneshot};
use tower::ServiceExt as _;

use super::TIMING;
use crate::harness::cluster::Cluster;

const POOLS: usize = 500;

/// Statistics of one process's requests, except watches.
#[derive(Default)]
struct Seen {
    under_way: usize,
    most_under_way: usize,
    /// MachineConfigs that were asked for, and whose ConfigMaps were not made since.
    held: BTreeSet<String>,
    most_held: usize,
}

impl Seen {
    fn begin(&mut self, request: &Request<Body>) {
        self.under_way += 1;
        self.most_under_way = self.most_under_way.max(self.under_way);
        let last = request.uri().path().rsplit('/').next().unwrap_or_default();
        if request.method() == Method::GET && last.starts_with(names::RENDERED_PREFIX) {
            self.held.insert(names::payload(last));
            self.most_held = self.most_held.max(self.held.len());
        }
    }

    fn made(&mut self, name: Option<&str>) {
        self.held.retain(|held| Some(held.as_str()) != name);
    }
}

/// A request that is under way until it is answered or given up.
struct UnderWay(Arc<Mutex<Seen>>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.lock().unwrap().under_way -= 1;
    }
}

fn is_watch(request: &Request<Body>) -> bool {
    request.uri().query().is_some_and(|query| query.contains("watch=true"))
}

/// The ConfigMap that a request makes.
async fn made_by(request: Request<Body>) -> (Request<Body>, Option<String>) {
    if request.method() != Method::POST || !request.uri().path().ends_with("/configmaps") {
        return (request, None);
    }
    let (parts, body) = request.into_parts();
    let bytes = body.collect_bytes().await.unwrap().to_vec();
    let object: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let name = object["metadata"]["name"].as_str().map(str::to_owned);
    (Request::from_parts(parts, Body::from(bytes)), name)
}

/// A server that serves two requests at a time, those about leases among them, each for this long.
fn slow(
    cluster: &Cluster,
    seen: &Arc<Mutex<Seen>>,
    time: Duration,
) -> impl tower::Service<
    Request<Body>,
    Response = http::Response<machine_os_builder::apiserver::ResponseBody>,
    Error = tower::BoxError,
    Future: Send,
> + Clone
+ Send
+ 'static {
    let (server, seen, desk) = (cluster.server.service(), seen.clone(), Arc::new(Semaphore::new(2)));
    tower::service_fn(move |request: Request<Body>| {
        let (server, seen, desk) = (server.clone(), seen.clone(), desk.clone());
        async move {
            if is_watch(&request) {
                return server.oneshot(request).await;
            }
            let is_counted = !request.uri().path().contains("/leases");
            let _under_way = is_counted.then(|| {
                seen.lock().unwrap().begin(&request);
                UnderWay(seen.clone())
            });
            let (request, made) = made_by(request).await;
            let place = desk.acquire().await.unwrap();
            tokio::time::sleep(time).await;
            let answer = server.oneshot(request).await;
            drop(place);
            seen.lock().unwrap().made(made.as_deref());
            answer
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_load_however_large_loses_no_lease_and_little_of_it_is_under_way_at_once() {
    for millis in [20, 200] {
        let (cluster, seen) = (Cluster::new().await, Arc::new(Mutex::new(Seen::default())));
        for pool in 0..POOLS {
            cluster.create_pool(&format!("pool-{pool}"), &format!("rendered-pool-{pool}-1")).await;
        }
        let mut settings = ActorSettings::default();
        settings.decide.concurrent_builds_max = 0;
        let candidacy = LeaderElectionConfig { identity: "first".to_owned(), timing: TIMING };
        let service = slow(&cluster, &seen, Duration::from_millis(millis));
        let replica = Replica::new(service, Some(candidacy), DaemonOptions::new(settings, cluster.clock, millis));
        let (stop, told) = oneshot::channel::<()>();
        let process = tokio::spawn(replica.run(async { drop(told.await) }, |_| {}));
        for _ in 0..360 {
            tokio::time::sleep(Duration::from_secs(10)).await;
            assert!(!process.is_finished(), "the lease is lost");
            if cluster.names(Kind::Pod).await.len() == POOLS {
                break;
            }
        }
        assert_eq!(cluster.names(Kind::Pod).await.len(), POOLS);
        stop.send(()).unwrap();
        assert_eq!(process.await.unwrap().unwrap(), ExitReason::Stopped);
        let seen = seen.lock().unwrap();
        assert!(seen.most_under_way <= REQUESTS_UNDER_WAY_MAX, "{} under way", seen.most_under_way);
        assert!(seen.most_held <= PAYLOADS_MAX, "{} held", seen.most_held);
        // The bound was what held it back.
        assert_eq!((seen.most_under_way, seen.most_held), (REQUESTS_UNDER_WAY_MAX, PAYLOADS_MAX));
    }
}
