//! Several processes: one leads, and its successor continues its work.

use crate::harness::daemon::{Daemon, QUICK_LEASE, SLOW_LEASE, User};
use crate::harness::processes::{Cluster, until};

#[tokio::test]
async fn a_build_whose_daemon_was_killed_is_adopted_and_published() {
    let cluster = Cluster::start(&["--build-duration", "3s"]);
    let user = User::with_samples(&cluster).await;
    let mut first = Daemon::start(&cluster, "first", &QUICK_LEASE);
    user.shows("Building").await;
    first.process.0.kill().unwrap();
    assert_eq!(first.process.ended(), None, "it had no time to end well");
    assert_eq!(user.image().await, None);

    let second = Daemon::start(&cluster, "second", &QUICK_LEASE);
    user.shows("BuildSuccess").await;
    assert!(second.leads());
    assert!(user.image().await.unwrap().contains("@sha256:"));
    // One build, from beginning to end.
    assert_eq!(user.reasons().await, ["BuildStarted", "BuildSucceeded"]);
    assert_eq!(user.leftovers().await, Vec::<String>::new());
}

#[tokio::test]
async fn of_two_one_works_and_the_other_goes_on_when_it_is_told_to_stop() {
    let cluster = Cluster::start(&["--build-duration", "2s"]);
    let mut first = Daemon::start(&cluster, "first", &SLOW_LEASE);
    first.logged("this process leads");
    let second = Daemon::start(&cluster, "second", &SLOW_LEASE);
    assert_eq!(second.get("/readyz"), (200, "ok: standing by\n".into()));
    let user = User::with_samples(&cluster).await;
    user.shows("Building").await;
    assert!(first.leads() && !second.leads());

    first.signal("-TERM");
    assert_eq!(first.process.ended(), Some(0));
    second.logged("this process leads");
    user.shows("BuildSuccess").await;
    assert_eq!(user.reasons().await, ["BuildStarted", "BuildSucceeded"]);
    assert_eq!(user.leftovers().await, Vec::<String>::new());
    let built = second.lines().iter().filter(|line| line["fields"]["reason"] == "BuildSucceeded").count();
    assert_eq!(built, 1, "the second published it");
}

#[tokio::test]
async fn a_daemon_that_stands_by_can_be_told_to_stop() {
    let cluster = Cluster::start(&[]);
    let first = Daemon::start(&cluster, "first", &SLOW_LEASE);
    first.logged("this process leads");
    for signal in ["-TERM", "-INT"] {
        let mut second = Daemon::start(&cluster, "second", &SLOW_LEASE);
        second.signal(signal);
        assert_eq!(second.process.ended(), Some(0), "{signal}");
    }
    assert!(first.leads());
}

#[tokio::test]
async fn without_leader_election_there_is_no_lease() {
    let cluster = Cluster::start(&["--build-duration", "1s"]);
    let user = User::with_samples(&cluster).await;
    let daemon = Daemon::start(&cluster, "daemon", &["--leader-elect=false"]);
    user.shows("BuildSuccess").await;
    until("it says that it is ready", || (daemon.get("/readyz").0 == 200).then_some(()));
    let leases: kube::Api<k8s_openapi::api::coordination::v1::Lease> = kube::Api::all(cluster.client().await);
    assert_eq!(leases.list(&Default::default()).await.unwrap().items, []);
}
