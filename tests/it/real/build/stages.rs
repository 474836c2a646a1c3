//! The duration of each stage of a build, as a client that watches sees it.

use std::fmt;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, WatchEvent, WatchParams};
use machine_os_builder::api::conditions::BUILD_SUCCESS;
use machine_os_builder::api::{Kind, Object, keys};
use tokio::time::{Instant, sleep, timeout};

use super::world::{PATIENCE, POLL, World};

/// When each stage ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stages {
    labelled: Instant,
    pod_made: Instant,
    pod_runs: Instant,
    pulled: Instant,
    built: Instant,
    pushed: Instant,
    published: Instant,
    shown: Instant,
}

impl Stages {
    /// Opts the pool in, and follows its build to the end.
    pub(super) async fn follow(world: &World, pod: &str) -> Self {
        let mut pods = watch(&world.pods()).await;
        let mut pools = watch(&world.user.api(Kind::MachineConfigPool)).await;
        world.opt_in().await;
        let labelled = Instant::now();
        let of_pod = async {
            let made = next(&mut pods, |_| true).await;
            let runs = next(&mut pods, |pod| phase(pod) == "Running").await;
            (made, runs, next(&mut pods, |pod| phase(pod) == "Succeeded").await)
        };
        let of_pool = async {
            let has_image = |pool: &Object| {
                pool.metadata.annotations.as_ref().is_some_and(|all| all.contains_key(keys::NEWEST_IMAGE))
            };
            let published = next(&mut pools, has_image).await;
            (published, next(&mut pools, is_built).await)
        };
        let of_log = async { (written(world, pod, "STEP 1").await, written(world, pod, "Successfully tagged ").await) };
        let ((pod_made, pod_runs, pushed), (published, shown), (pulled, built)) =
            match timeout(PATIENCE, async { tokio::join!(of_pod, of_pool, of_log) }).await {
                Ok(stages) => stages,
                Err(_) => panic!("gave up waiting: {:?} {}", world.user.pool().await, world.log(pod).await),
            };
        Self { labelled, pod_made, pod_runs, pulled, built, pushed, published, shown }
    }

    /// The time from the label to the digest, without that of the pod.
    pub(super) fn share_of_controller(&self) -> Duration {
        self.pod_made - self.labelled + (self.published - self.pushed)
    }
}

impl fmt::Display for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stages = [
            ("objects made", self.pod_made, self.labelled),
            ("pod start", self.pod_runs, self.pod_made),
            ("base image pull", self.pulled, self.pod_runs),
            ("build and commit", self.built, self.pulled),
            ("push", self.pushed, self.built),
            ("publish", self.published, self.pushed),
            ("label to digest", self.published, self.labelled),
            ("clean up and show", self.shown, self.published),
        ];
        for (stage, end, start) in stages {
            writeln!(f, "{stage:>18} {:>9.3} s", (end - start).as_secs_f64())?;
        }
        write!(f, "{:>18} {:>9.3} s", "controller's share", self.share_of_controller().as_secs_f64())
    }
}

type Events<K> = std::pin::Pin<Box<dyn Stream<Item = kube::Result<WatchEvent<K>>>>>;

async fn watch<K>(api: &Api<K>) -> Events<K>
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned + 'static,
{
    // From now on: without a version, what is there is told first, which nothing here takes for news.
    Box::pin(api.watch(&WatchParams::default(), "0").await.unwrap())
}

/// When an object was first seen of which `is_so` holds.
async fn next<K>(events: &mut Events<K>, is_so: impl Fn(&K) -> bool) -> Instant {
    loop {
        match events.next().await.expect("the watch goes on").unwrap() {
            WatchEvent::Added(object) | WatchEvent::Modified(object) if is_so(&object) => return Instant::now(),
            _ => {}
        }
    }
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

fn is_built(pool: &Object) -> bool {
    let conditions = pool.data.pointer("/status/conditions").and_then(|conditions| conditions.as_array());
    conditions.is_some_and(|all| all.iter().any(|one| one["type"] == BUILD_SUCCESS && one["status"] == "True"))
}

/// When the pod's log had this in it.
async fn written(world: &World, pod: &str, what: &str) -> Instant {
    while !world.log(pod).await.contains(what) {
        sleep(POLL).await;
    }
    Instant::now()
}
