//! Answers that begin and never end.

use std::time::Duration;

use http::{Method, Request};
use kube::client::Body;
use machine_os_builder::api::Kind;

use super::line::{Fault, Line, readiness};
use crate::harness::cluster::{Cluster, R1, digest_of, image_on};

type Meant = fn(&Request<Body>) -> bool;

fn is(request: &Request<Body>, method: Method, end: &str) -> bool {
    request.method() == method && request.uri().path().ends_with(end)
}

/// The requests of a build, one of each sort.
const REQUESTS: [(&str, Meant); 8] = [
    ("list pools", |request| is(request, Method::GET, "/machineconfigpools")),
    ("read the config", |request| is(request, Method::GET, R1)),
    ("claim or publish", |request| is(request, Method::PATCH, "/machineconfigpools/worker")),
    ("show", |request| is(request, Method::PATCH, "/machineconfigpools/worker/status")),
    ("create an input", |request| is(request, Method::POST, "/configmaps")),
    ("create the pod", |request| is(request, Method::POST, "/pods")),
    ("tell", |request| is(request, Method::POST, "/events")),
    ("delete", |request| request.method() == Method::DELETE),
];

/// Builds the pool while each request that is `meant` has this fault, `times` times.
async fn build(what: &str, is_meant: Meant, fault: Fault, times: usize) {
    println!("{what}");
    let (cluster, line) = (Cluster::new().await, Line::default());
    let mut left = times;
    line.fails(move |request| {
        let is_hit = left > 0 && is_meant(request);
        left -= usize::from(is_hit);
        is_hit.then_some(fault)
    });
    let (_daemon, admin) = line.daemon(&cluster).await;
    cluster.start_build("worker", R1).await;
    cluster.run("build-rendered-worker-1").await;
    cluster.publish("worker", R1).await;
    cluster.rest(Duration::from_secs(60)).await;
    assert_eq!(image_on(&cluster.pool("worker").await), Some(format!("registry.test/org/os@{}", digest_of(R1))));
    assert_eq!(cluster.build_objects().await, [] as [&str; 0], "{what}");
    assert_eq!(cluster.names(Kind::Pod).await, [] as [&str; 0], "{what}");
    assert_eq!(cluster.events("worker").await, ["BuildStarted", "BuildSucceeded"], "{what}");
    assert_eq!(readiness(&admin).await.0, 200, "{what}");
    // A watch may show the effect of a write whose answer was lost, so the daemon need not retry it.
    assert!((1..=times).contains(&line.faults()), "{what}: {}", line.faults());
}

#[tokio::test(start_paused = true)]
async fn l40_an_answer_that_hangs_keeps_no_actor_from_its_work() {
    for (what, is_meant) in REQUESTS {
        build(what, is_meant, Fault::Hang, 2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_cut_short_is_no_answer() {
    for (what, is_meant) in REQUESTS {
        build(what, is_meant, Fault::Truncate, 2).await;
    }
}
