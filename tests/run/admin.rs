//! The admin server.

use crate::daemon::{Daemon, User};
use crate::processes::{Cluster, until};

#[tokio::test]
async fn l45_it_says_how_things_are() {
    let cluster = Cluster::start(&["--build-duration", "1s"]);
    let user = User::of(&cluster).await;
    user.apply_samples().await;
    let daemon = Daemon::start(&cluster, "daemon", &[]);
    assert_eq!(daemon.get("/livez"), (200, "ok\n".into()));
    until("it is ready", || (daemon.get("/readyz") == (200, "ok: leading\n".into())).then_some(()));
    user.shows("BuildSuccess").await;
    let (status, metrics) = daemon.get("/metrics");
    assert_eq!(status, 200);
    for line in ["machine_os_builder_leader 1", "machine_os_builder_ready 1", "machine_os_builder_pools 1", "# EOF"] {
        assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
    }
    assert_eq!(daemon.get("/").0, 404);
    assert_eq!(daemon.ask("POST", "/livez").0, 405);
}
