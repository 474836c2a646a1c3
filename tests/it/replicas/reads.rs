//! The resource versions that the daemon asks for.

use std::time::Duration;

use super::two;

/// A real API server answers a read of any version, or of one that is not older than another, from a cache; that may lag.
#[tokio::test(start_paused = true)]
async fn no_request_allows_an_answer_from_a_cache_that_lags() {
    let (cluster, first, mut second) = two(1).await;
    cluster.start_build("worker", "rendered-worker-1").await;
    // Watches time out, are cut, and have expired.
    cluster.rest(Duration::from_secs(400)).await;
    cluster.server.stop();
    [&first, &second].into_iter().for_each(|process| process.wire().cut_standing());
    cluster.rest(Duration::from_secs(3)).await;
    cluster.server.start();
    cluster.run("build-rendered-worker-1").await;
    first.crash();
    assert!(second.acts().await);
    cluster.publish("worker", "rendered-worker-1").await;
    let asked: Vec<_> = [&first, &second].into_iter().flat_map(|process| process.wire().passed()).collect();
    assert!(asked.iter().filter(|passing| passing.is_watch()).count() > 30, "{}", asked.len());
    for passing in asked {
        let pairs: Vec<&str> = passing.path.split(['?', '&']).collect();
        let is_any = |pair: &&str| *pair == "resourceVersion=0" || pair.starts_with("resourceVersionMatch");
        assert!(!pairs.iter().any(is_any), "{}", passing.path);
        let is_from_a_version = pairs.iter().any(|pair| pair.starts_with("resourceVersion="));
        assert_eq!(is_from_a_version, passing.is_watch(), "{}", passing.path);
    }
}
