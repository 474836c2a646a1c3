//! The admin server.

use std::fs;
use std::net::SocketAddr;

use machine_os_builder::yaml;
use serde_json::Value;

use crate::harness::daemon::{Daemon, SLOW_LEASE, User};
use crate::harness::processes::{Cluster, until};

#[tokio::test]
async fn l45_it_says_how_things_are() {
    let cluster = Cluster::start(&["--build-duration", "1s"]);
    let user = User::with_samples(&cluster).await;
    let daemon = Daemon::start(&cluster, "daemon", &[]);
    assert_eq!(daemon.get("/livez"), (200, "ok\n".into()));
    until("it is ready", || (daemon.get("/readyz") == (200, "ok: leading\n".into())).then_some(()));
    user.shows("BuildSuccess").await;
    let (status, metrics) = daemon.get("/metrics");
    assert_eq!(status, 200);
    for line in ["machine_os_builder_leader 1", "machine_os_builder_ready 1", "machine_os_builder_pools 1"] {
        assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
    }
    for beginning in [
        "machine_os_builder_builds_started_total 1",
        "machine_os_builder_builds_succeeded_total 1",
        "machine_os_builder_build_duration_seconds_count{result=\"succeeded\"} 1",
        "machine_os_builder_publish_duration_seconds_count 1",
        "machine_os_builder_requests_total{verb=\"create\",code=\"201\"} ",
        "machine_os_builder_request_duration_seconds_count{verb=\"patch\"} ",
        "process_start_time_seconds 1",
    ] {
        assert!(metrics.lines().any(|found| found.starts_with(beginning)), "{beginning}: {metrics}");
    }
    assert!(metrics.ends_with("\n# EOF\n"), "{metrics}");
    assert_eq!(daemon.get("/").0, 404);
    assert_eq!(daemon.ask("POST", "/livez").0, 405);
}

#[tokio::test]
async fn l45_whoever_stands_by_can_be_scraped_too() {
    let cluster = Cluster::start(&["--executor", "none"]);
    let first = Daemon::start(&cluster, "first", &SLOW_LEASE);
    first.logged("this process leads");
    let second = Daemon::start(&cluster, "second", &SLOW_LEASE);
    let (status, metrics) = second.get("/metrics");
    assert_eq!(status, 200);
    for line in ["machine_os_builder_leader 0", "machine_os_builder_builds_started_total 0"] {
        assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
    }
    // It has looked whether it could lead.
    assert!(metrics.contains("machine_os_builder_requests_total{verb=\"list\",code=\"200\"} "), "{metrics}");
}

/// In a pod, nothing but the pod itself can reach what listens on its loopback interface.
#[test]
fn l45_the_deployment_listens_where_it_can_be_scraped() {
    let text = fs::read_to_string("config/manager/manager.yaml").unwrap();
    let documents: Vec<Value> = yaml::parse(&text).unwrap().into_iter().collect();
    let container = documents.iter().find_map(|d| d.pointer("/spec/template/spec/containers/0")).unwrap();
    let port = container["ports"].as_array().unwrap().iter().find(|port| port["name"] == "admin").unwrap();
    let settings = &yaml::parse(&fs::read_to_string("config/manager/settings.yaml").unwrap()).unwrap()[0];
    let address: SocketAddr = settings["adminListen"].as_str().unwrap().parse().unwrap();
    assert!(address.ip().is_unspecified(), "{address}");
    assert_eq!(port["containerPort"], address.port());
}
