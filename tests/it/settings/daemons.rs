//! A daemon that reads its settings from a file.

use machine_os_builder::api::Kind;
use serde_json::json;

use crate::harness::daemon::{Daemon, User};
use crate::harness::processes::{Cluster, POLL};

const FILE: &str = "\
namespace: openshift-machine-config-operator
build:
  priorityClassName: os-builds
  tolerations: [{key: builds, operator: Exists}]
  storageDriver: overlay
  proxy: {httpsProxy: 'http://bob:s3cr3t@proxy.test:3128'}
";

#[tokio::test]
async fn a_daemon_makes_build_objects_by_its_file_and_tells_what_only_build_pods_follow() {
    let cluster = Cluster::start(&["--executor", "none"]);
    let file = cluster.file("settings.yaml", FILE);
    let daemon = Daemon::start(&cluster, "daemon", &["--config", &file]);
    let warning = daemon.logged("only build pods follow these settings; Builds have no field for them");
    assert_eq!(warning["level"], "WARN");
    assert_eq!(
        warning["fields"]["fields"],
        "tolerations, priorityClassName, proxy (but for the steps of a build), storageDriver"
    );

    let user = User::with_samples(&cluster).await;
    let pod = loop {
        if let Some(name) = user.names(Kind::Pod).await.pop() {
            break user.api(Kind::Pod).get(&name).await.unwrap();
        }
        tokio::time::sleep(POLL).await;
    };
    assert_eq!(pod.data["spec"]["priorityClassName"], "os-builds");
    assert_eq!(pod.data["spec"]["tolerations"], json!([{"key": "builds", "operator": "Exists"}]));
    assert_eq!(pod.data["spec"]["activeDeadlineSeconds"], 3600);
    assert!(daemon.lines().iter().all(|line| !line.to_string().contains("s3cr3t")));
}
