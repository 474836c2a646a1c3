//! The states of the pool `worker` in which most tests begin, and the steps of its builds.

use std::time::Duration;

use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::Kind;
use machine_os_builder::daemon::Daemon;
use machine_os_builder::reconcile::decide::DecideSettings;

use super::{Cluster, R1, message};

/// How a test begins. Each is a cluster with a user's inputs, and a daemon that watches it.
impl Cluster {
    pub(crate) async fn with_daemon() -> (Self, Daemon) {
        let cluster = Self::new().await;
        let daemon = cluster.daemon().await;
        (cluster, daemon)
    }

    /// The pool `worker` has opted in, and wants `R1`.
    pub(crate) async fn with_pool() -> (Self, Daemon) {
        let cluster = Self::new().await;
        let daemon = cluster.daemon_with_pool().await;
        (cluster, daemon)
    }

    /// The pod that builds `R1` for the pool `worker` is there and has not started yet.
    pub(crate) async fn with_build() -> (Self, Daemon) {
        let cluster = Self::new().await;
        let daemon = cluster.daemon_with_build().await;
        (cluster, daemon)
    }

    /// The pool `worker` shows the image of `R1`.
    pub(crate) async fn with_image() -> (Self, Daemon) {
        let (cluster, daemon) = Self::with_build().await;
        cluster.publish("worker", R1).await;
        (cluster, daemon)
    }
}

impl Cluster {
    /// A daemon, and after it the opted-in pool `worker`, which wants `R1`.
    pub(crate) async fn daemon_with_pool(&self) -> Daemon {
        let daemon = self.daemon().await;
        self.create_pool("worker", R1).await;
        daemon
    }

    /// The same, once the build is there and has not started yet.
    pub(crate) async fn daemon_with_build(&self) -> Daemon {
        let daemon = self.daemon().await;
        self.start_build("worker", R1).await;
        daemon
    }

    /// A daemon with other settings of its decisions.
    pub(crate) async fn daemon_deciding(&self, change: impl FnOnce(&mut DecideSettings)) -> Daemon {
        let mut settings = ActorSettings::default();
        change(&mut settings.decide);
        self.daemon_with(settings, None).await
    }

    /// An opted-in pool that shows the image of this config.
    pub(crate) async fn build(&self, pool: &str, rendered: &str) {
        self.start_build(pool, rendered).await;
        self.publish(pool, rendered).await;
    }

    /// Ends a build with a pushed image, and waits until the pool shows this.
    pub(crate) async fn publish(&self, pool: &str, rendered: &str) {
        self.succeed(rendered).await;
        self.shows(pool, "BuildSuccess", "BuildSucceeded").await;
    }

    /// Lets the build pod of the pool `worker` run, and waits until the pool shows this.
    pub(crate) async fn run(&self, pod: &str) {
        self.set_phase(pod, "Running").await;
        self.shows("worker", "Building", "BuildRunning").await;
    }

    /// Lets the build pod of the pool `worker` fail without a cause, and waits until the pool shows this.
    pub(crate) async fn fail(&self, pod: &str) {
        self.set_phase(pod, "Failed").await;
        self.shows("worker", "BuildFailed", "BuildFailed").await;
    }

    /// Waits until the pool shows this, as `shows` does, and returns the message of the condition.
    pub(crate) async fn message(&self, pool: &str, condition: &str, reason: &str) -> String {
        self.shows(pool, condition, reason).await;
        message(&self.pool(pool).await, condition)
    }

    /// Waits until a pod is told to end.
    pub(crate) async fn is_ending(&self, pod: &str) {
        self.eventually(&format!("{pod} is told to end"), async || {
            self.get(Kind::Pod, pod).await?.metadata.deletion_timestamp
        })
        .await;
    }

    /// Makes sure that the daemon sends no request for so long.
    pub(crate) async fn is_left_alone_for(&self, time: Duration) {
        self.server.clear_log();
        self.rest(time).await;
        assert_eq!(self.daemon_requests(), [] as [&str; 0]);
    }
}
