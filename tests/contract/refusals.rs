//! What the API server will not do is shown, not only tried again.

use std::time::Duration;

use http::Method;
use machine_os_builder::actors::Settings;
use machine_os_builder::api::Kind;
use machine_os_builder::daemon::{self, Daemon};
use machine_os_builder::simulation::network::{Fate, Link};

use crate::common::{Cluster, message};

const R1: &str = "rendered-worker-1";

/// Nothing was shown but that the pool waited for a slot.
#[tokio::test(start_paused = true)]
async fn a_pod_that_has_no_place_to_be_created_in_is_told_of_and_given_up_in_the_end() {
    let cluster = Cluster::new().await;
    let (link, wire) = Link::new(
        cluster.server.service(),
        Box::new(|passing| {
            let is_meant = passing.method == Method::POST && passing.path.contains("/pods");
            if is_meant { Fate::Answered(404, None) } else { Fate::Arrives }
        }),
    );
    let options = daemon::Options::new(Settings::default(), cluster.clock, 7);
    let _daemon = Daemon::start(link, options).await.unwrap();
    cluster.create_pool("worker", R1).await;
    cluster.shows("worker", "BuildPending", "BuildRefused").await;
    let text = message(&cluster.pool("worker").await, "BuildPending");
    assert!(text.contains("refuses to create") && text.contains("a fault of the simulation"), "{text}");
    cluster.rest(Duration::from_secs(660)).await;
    cluster.shows("worker", "BuildFailed", "BuildFailed").await;
    let text = message(&cluster.pool("worker").await, "BuildFailed");
    assert!(text.contains("refuses to create") && text.contains("a fault of the simulation"), "{text}");
    assert_eq!(cluster.events("worker").await, ["BuildRefused", "BuildFailed"]);

    wire.set_script(Box::new(|_| Fate::Arrives));
    cluster.exists(Kind::Pod, "build-rendered-worker-1").await;
    cluster.succeed(R1).await;
    cluster.shows("worker", "BuildSuccess", "BuildSucceeded").await;
}
