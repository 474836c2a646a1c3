//! The table in a terminal of any width.

use machine_os_builder::report::PoolReport;
use machine_os_builder::report::text::Rows;

use super::seen::reports;
use crate::harness::cluster::Cluster;

const HASH: &str = "4d1c0f5e9a7b2c3d8e6f1a0b9c8d7e6f";

/// A pool that builds, one that waits, and one with an image, with names as they are in clusters.
async fn fleet() -> (Cluster, Vec<PoolReport>) {
    let (cluster, daemon) = Cluster::with_daemon().await;
    let rendered = format!("rendered-worker-{HASH}");
    cluster.build("worker", &rendered).await;
    cluster.start_build("infra-with-a-long-name-of-its-own", &format!("rendered-infra-{HASH}")).await;
    cluster.create_pool("edge", &format!("rendered-edge-{HASH}")).await;
    daemon.stop().await;
    let reports = reports(&cluster).await;
    (cluster, reports)
}

#[tokio::test(start_paused = true)]
async fn no_line_is_wider_than_the_terminal() {
    let (cluster, reports) = fleet().await;
    for width in [1, 20, 40, 60, 79, 80, 81, 100, 120, 160, 200, 300] {
        let table = Rows::new(Some(width)).print(&reports, cluster.clock.now());
        assert_eq!(table.lines().count(), reports.len() + 1, "{table}");
        for line in table.lines() {
            assert!(line.chars().count() <= width, "{width}: {line:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn in_eighty_columns_a_message_says_something_and_names_keep_both_ends() {
    let (cluster, reports) = fleet().await;
    let worker: Vec<PoolReport> = reports.into_iter().filter(|report| report.name == "worker").collect();
    let table = Rows::new(Some(80)).print(&worker, cluster.clock.now());
    let (header, row) = (table.lines().next().unwrap(), table.lines().nth(1).unwrap());
    let message = header.find("MESSAGE").expect("there is a column of messages");
    assert!(80 - message >= 20, "{table}");
    assert!(row.contains("rendere…") && row.contains("…b9c8d7e6f") || row.contains("8d7e6f"), "{table}");
    assert!(!header.contains("IMAGE"), "{table}");
    // Where there is room, everything is there.
    let wide = Rows::new(Some(250)).print(&worker, cluster.clock.now());
    assert!(wide.contains(&format!("rendered-worker-{HASH}")) && wide.contains("IMAGE"), "{wide}");
}

#[tokio::test(start_paused = true)]
async fn rows_that_come_later_stand_below_the_same_header() {
    let (cluster, reports) = fleet().await;
    let mut rows = Rows::new(Some(80));
    let first = rows.print(&reports[..1], cluster.clock.now());
    let second = rows.print(&reports[1..], cluster.clock.now());
    assert!(first.starts_with("POOL") && !second.contains("POOL"), "{first}{second}");
    assert!(second.lines().all(|line| line.chars().count() <= 80), "{second}");
}
