//! `kubectl`, without special flags.

use std::fs;

use serde_json::json;

use super::manifests::{CONFIG_MAP, EVENT, POD, POOL, WIDGET, WIDGETS};
use crate::harness::processes::{Cluster, Process, until};

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[test]
#[ignore = "needs kubectl"]
fn apply_label_annotate_patch_describe_and_delete() {
    let cluster = Cluster::start(&[]);
    let file = cluster.file("map.yaml", CONFIG_MAP);
    assert_eq!(cluster.kubectl(&["apply", "-f", &file]), "configmap/settings created\n");
    assert_eq!(cluster.kubectl(&["apply", "-f", &file]), "configmap/settings unchanged\n");
    let file = cluster.file("map.yaml", &CONFIG_MAP.replace("  one: '1'\n", "").replace("'2'", "'3'"));
    assert_eq!(cluster.kubectl(&["apply", "-f", &file]), "configmap/settings configured\n");
    assert_eq!(cluster.kubectl(&["get", "cm", "settings", "-o", "jsonpath={.data}"]), r#"{"two":"3"}"#);
    cluster.kubectl(&["label", "cm", "settings", "a=b"]);
    cluster.kubectl(&["label", "cm", "settings", "app-"]);
    cluster.kubectl(&["annotate", "cm", "settings", "note=it works"]);
    cluster.kubectl(&["patch", "cm", "settings", "-p", r#"{"data":{"four":"4"}}"#]);
    cluster.kubectl(&["patch", "cm", "settings", "--type=merge", "-p", r#"{"data":{"two":null}}"#]);
    cluster.kubectl(&[
        "patch",
        "cm",
        "settings",
        "--type=json",
        "-p",
        r#"[{"op":"add","path":"/data/x","value":"y"}]"#,
    ]);
    let yaml = cluster.kubectl(&["get", "cm", "-l", "a=b", "-o", "yaml"]);
    assert!(yaml.contains("four: \"4\"") && yaml.contains("x: \"y\"") && yaml.contains("note: it works"), "{yaml}");
    assert!(!yaml.contains("app: x"), "{yaml}");
    assert_eq!(cluster.kubectl(&["get", "cm", "-l", "app=x", "-o", "name"]), "");
    let described = cluster.kubectl(&["describe", "cm", "settings"]);
    assert!(described.contains("note: it works"), "{described}");
    assert_eq!(cluster.kubectl(&["delete", "cm", "settings"]), "configmap \"settings\" deleted\n");
    assert!(cluster.kubectl_fails(&["get", "cm", "settings"]).contains("not found"));
}

#[test]
#[ignore = "needs kubectl"]
fn create_makes_what_it_has_commands_for() {
    let cluster = Cluster::start(&[]);
    for (command, made) in [
        ("namespace team", "ns/team"),
        ("configmap m --from-literal=a=b", "cm/m"),
        ("secret generic s --from-literal=password=hunter2", "secret/s"),
        ("serviceaccount robot", "sa/robot"),
        ("role reader --verb=get,list --resource=pods", "role/reader"),
        ("rolebinding readers --role=reader --user=u", "rolebinding/readers"),
        ("clusterrole all --verb=* --resource=pods", "clusterrole/all"),
        ("clusterrolebinding every --clusterrole=all --group=g", "clusterrolebinding/every"),
    ] {
        let arguments: Vec<&str> = ["create"].into_iter().chain(command.split(' ')).collect();
        assert!(cluster.kubectl(&arguments).contains("created"));
        cluster.kubectl(&["get", made]);
    }
    let password = ["get", "secret", "s", "-o", "jsonpath={.data.password}"];
    assert_eq!(cluster.kubectl(&password), "aHVudGVyMg==");
    let verbs = ["get", "role", "reader", "-o", "jsonpath={.rules[0].verbs}"];
    assert_eq!(cluster.kubectl(&verbs), r#"["get","list"]"#);
    // A role's verbs are a list of plain values, so a patch replaces them as a whole.
    let role = cluster.kubectl(&["get", "role", "reader", "-o", "yaml"]).replace("- list", "- watch");
    cluster.kubectl(&["apply", "-f", &cluster.file("role.yaml", &role)]);
    assert_eq!(cluster.kubectl(&verbs), r#"["get","watch"]"#);
    let table = cluster.kubectl(&["get", "secrets"]);
    assert_eq!(words(table.lines().nth(1).unwrap())[..3], ["s", "Opaque", "1"]);
}

#[test]
#[ignore = "needs kubectl"]
fn pools_are_shown_as_an_administrator_knows_them() {
    let cluster = Cluster::start(&[]);
    let file = cluster.file("pool.yaml", POOL);
    cluster.kubectl(&["apply", "-f", &file]);
    cluster.kubectl(&["label", "mcp", "worker", "machineconfiguration.openshift.io/layering-enabled="]);
    cluster.kubectl(&["annotate", "mcp/worker", "a=b"]);
    cluster.kubectl(&["patch", "mcp", "worker", "--type=merge", "-p", r#"{"spec":{"paused":true}}"#]);
    let updated = json!({"configuration": {"name": "c"}, "machineCount": 3, "conditions": [{"type": "Updated", "status": "True"}]});
    cluster.set_status("/apis/machineconfiguration.openshift.io/v1/machineconfigpools/worker", &updated);
    cluster.kubectl(&["wait", "--for=condition=Updated", "mcp/worker", "--timeout=30s"]);
    if cluster.kubectl_has("patch", "--subresource") {
        let more = r#"{"status":{"readyMachineCount":2}}"#;
        cluster.kubectl(&["patch", "mcp", "worker", "--type=merge", "--subresource=status", "-p", more]);
    }
    let table = cluster.kubectl(&["get", "mcp"]);
    assert_eq!(
        words(table.lines().next().unwrap()),
        [
            "NAME",
            "CONFIG",
            "UPDATED",
            "UPDATING",
            "DEGRADED",
            "MACHINECOUNT",
            "READYMACHINECOUNT",
            "UPDATEDMACHINECOUNT",
            "DEGRADEDMACHINECOUNT",
            "AGE"
        ]
    );
    assert_eq!(words(table.lines().nth(1).unwrap())[..4], ["worker", "c", "True", "3"]);
    cluster.kubectl(&["describe", "mcp", "worker"]);
    // A second apply keeps the fields of other writers.
    assert!(cluster.kubectl(&["apply", "-f", &file]).contains("unchanged"));
    cluster.kubectl(&["delete", "mcp", "worker"]);
}

#[test]
#[ignore = "needs kubectl"]
fn a_watch_shows_what_happens() {
    let cluster = Cluster::start(&[]);
    let shown = |name: &str| cluster.directory.path().join(name);
    let mut table = cluster.kubectl_command(&["get", "cm", "-w", "-l", "app=x"]);
    let _table = Process::spawn(table.stdout(fs::File::create(shown("table")).unwrap()));
    let mut yaml = cluster.kubectl_command(&["get", "cm", "-w", "-o", "yaml", "-l", "app=x"]);
    let _yaml = Process::spawn(yaml.stdout(fs::File::create(shown("yaml")).unwrap()));
    let file = cluster.file("map.yaml", CONFIG_MAP);
    cluster.kubectl(&["apply", "-f", &file]);
    let text = |name: &str| fs::read_to_string(shown(name)).unwrap();
    until("the table has a row", || text("table").contains("settings").then_some(()));
    until("the object is there", || text("yaml").contains("two: \"2\"").then_some(()));
    cluster.kubectl(&["patch", "cm", "settings", "-p", r#"{"data":{"three":"3"}}"#]);
    until("the table has another row", || (text("table").matches("settings").count() == 2).then_some(()));
    assert_eq!(text("table").matches("NAME").count(), 1, "{}", text("table"));
    let rows: Vec<String> = text("table").lines().skip(1).map(|row| words(row)[1].to_owned()).collect();
    assert_eq!(rows, ["2", "3"]);
    until("the object is there again", || text("yaml").contains("three: \"3\"").then_some(()));
}

#[test]
#[ignore = "needs kubectl"]
fn pods_run_log_and_go() {
    let cluster = Cluster::start(&[]);
    let file = cluster.file("pod.yaml", POD);
    cluster.kubectl(&["apply", "-f", &file]);
    cluster.kubectl(&["wait", "--for=condition=Ready", "pod/p", "--timeout=30s"]);
    if cluster.kubectl_has("wait", "--for=jsonpath") {
        cluster.kubectl(&["wait", "--for=jsonpath={.status.phase}=Running", "pod/p", "--timeout=30s"]);
    }
    let table = cluster.kubectl(&["get", "pods"]);
    assert_eq!(words(table.lines().next().unwrap()), ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]);
    assert_eq!(words(table.lines().nth(1).unwrap())[..4], ["p", "1/1", "Running", "0"]);
    assert_eq!(cluster.kubectl(&["logs", "p"]), "started\n");
    assert_eq!(cluster.kubectl(&["logs", "-f", "p", "-c", "main", "--tail=0"]), "");
    assert!(cluster.kubectl_fails(&["logs", "p", "-c", "other"]).contains("container other is not valid"));
    assert!(cluster.kubectl(&["describe", "pod", "p"]).contains("local-node"));
    assert!(cluster.kubectl(&["get", "all"]).contains("pod/p"));
    cluster.kubectl(&["delete", "pod", "p", "--timeout=30s"]);
    assert_eq!(cluster.kubectl(&["get", "pods", "-o", "name"]), "");
}

#[test]
#[ignore = "needs kubectl"]
fn a_definition_is_served_at_once() {
    let cluster = Cluster::start(&[]);
    let (definition, widget) = (cluster.file("crd.yaml", WIDGETS), cluster.file("widget.yaml", WIDGET));
    cluster.kubectl(&["apply", "-f", &definition]);
    cluster.kubectl(&["wait", "--for=condition=Established", "crd/widgets.example.com", "--timeout=30s"]);
    assert!(cluster.kubectl(&["apply", "-f", &widget]).contains("created"));
    let ready = json!({"conditions": [{"type": "Ready", "status": "True"}]});
    cluster.set_status("/apis/example.com/v1/namespaces/default/widgets/w", &ready);
    let table = cluster.kubectl(&["get", "wd"]);
    assert_eq!(words(table.lines().next().unwrap()), ["NAME", "SIZE", "READY", "AGE"]);
    assert_eq!(words(table.lines().nth(1).unwrap())[..3], ["w", "3", "True"]);
    let version = ["get", "widgets.v1beta1.example.com", "w", "-o", "jsonpath={.apiVersion} {.spec.size}"];
    assert_eq!(cluster.kubectl(&version), "example.com/v1beta1 3");
    let older = cluster.file("older.yaml", &WIDGET.replace("example.com/v1", "example.com/v1beta1").replace("3", "4"));
    assert!(cluster.kubectl(&["apply", "-f", &older]).contains("configured"));
    assert_eq!(cluster.kubectl(&["get", "wd", "w", "-o", "jsonpath={.apiVersion} {.spec.size}"]), "example.com/v1 4");
    cluster.kubectl(&["delete", "-f", &definition]);
    cluster.kubectl_fails(&["get", "widgets.v1.example.com"]);
    cluster.kubectl(&["apply", "-f", &definition]);
    assert_eq!(cluster.kubectl(&["get", "wd", "-o", "name"]), "", "what it defined went with it");
}

#[test]
#[ignore = "needs kubectl"]
fn events_are_listed() {
    let cluster = Cluster::start(&[]);
    cluster.kubectl(&["create", "-f", &cluster.file("event.yaml", EVENT)]);
    let table = cluster.kubectl(&["get", "events"]);
    assert_eq!(table.lines().next().unwrap().split("  ").next(), Some("LAST SEEN"));
    assert_eq!(words(table.lines().nth(1).unwrap())[1..], ["Normal", "Because", "pod/p", "it", "happened"]);
}
