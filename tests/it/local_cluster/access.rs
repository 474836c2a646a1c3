//! Clients with limited rights: ServiceAccounts, by their tokens.

use std::fs;
use std::path::Path;

use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::harness::processes::{Cluster, local_cluster, run};

const NAMESPACE: &str = "openshift-machine-config-operator";
const CONTROLLER: &str = "machine-os-builder-controller";
const AS_CONTROLLER: &str =
    "--as=system:serviceaccount:openshift-machine-config-operator:machine-os-builder-controller";

const ROBOT: &str = "\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: robot
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: reader
rules:
- apiGroups: ['']
  resources: [configmaps]
  verbs: [get, list]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: robot-reads
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: ServiceAccount, name: robot, namespace: default}
";

/// A cluster that has written a kubeconfig of the ServiceAccount default/robot, and logs what it denies.
fn cluster() -> (Cluster, tempfile::TempDir, String) {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("robot.kubeconfig").to_str().unwrap().to_owned();
    let mut command = local_cluster();
    command.env("RUST_LOG", "warn").stderr(fs::File::create(directory.path().join("denials")).unwrap());
    let cluster = Cluster::start_by(command.arg(format!("--service-account-kubeconfig=default/robot={file}")));
    (cluster, directory, file)
}

/// The answer to a request for a collection, and its format.
async fn asked(kubeconfig: &str, path: &str) -> (u16, Value) {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let client = Client::try_from(config).unwrap();
    let response = client.send(http::Request::get(path).body(kube::client::Body::empty()).unwrap()).await.unwrap();
    let code = response.status().as_u16();
    (code, serde_json::from_slice(&response.into_body().collect_bytes().await.unwrap()).unwrap())
}

#[tokio::test]
async fn a_service_account_is_let_in_once_it_is_there_and_does_what_rules_allow() {
    use std::os::unix::fs::PermissionsExt as _;

    let (cluster, directory, file) = cluster();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let maps = "/api/v1/namespaces/default/configmaps";
    assert_eq!(asked(&file, maps).await.0, 401);
    let client = cluster.client().await;
    let create = async |path: &str, body: Value| {
        let request = http::Request::post(path).header("content-type", "application/json");
        let _: Value = client.request(request.body(body.to_string().into_bytes()).unwrap()).await.unwrap();
    };
    create("/api/v1/namespaces/default/serviceaccounts", json!({"metadata": {"name": "robot"}})).await;
    let (code, status) = asked(&file, maps).await;
    let message = r#"configmaps is forbidden: User "system:serviceaccount:default:robot" cannot list resource "configmaps" in API group "" in the namespace "default""#;
    assert_eq!((code, &status["message"]), (403, &json!(message)));
    let denials = fs::read_to_string(directory.path().join("denials")).unwrap();
    assert!(denials.contains("denied: User \"system:serviceaccount:default:robot\" cannot list"), "{denials}");
    let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
    let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]);
    create(&format!("{rbac}/roles"), json!({"metadata": {"name": "reader"}, "rules": rules})).await;
    let binding = json!({
        "metadata": {"name": "robot-reads"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": "default"}],
    });
    create(&format!("{rbac}/rolebindings"), binding).await;
    assert_eq!(asked(&file, maps).await.0, 200);
    assert_eq!(asked(&file, "/api/v1/namespaces/default/secrets").await.0, 403);
    assert_eq!(asked(&file, "/version").await.0, 200);
}

#[test]
fn an_account_that_cannot_be_one_is_refused_with_what_to_do() {
    let directory = tempfile::TempDir::new().unwrap();
    let kubeconfig = directory.path().join("kubeconfig");
    for account in ["robot=f", "default/robot", "default/=f", "Default/robot=f", "default/robot="] {
        let mut command = local_cluster();
        command.arg("--kubeconfig").arg(&kubeconfig).arg(format!("--service-account-kubeconfig={account}"));
        let printed = run(&mut command, directory.path());
        let says = printed.stderr.contains("write them as in default/robot=robot.kubeconfig");
        assert!(printed.code == Some(2) && says, "{account}: {printed:?}");
    }
    let unwritable = "--service-account-kubeconfig=default/robot=/nonexistent/kubeconfig";
    let printed = run(local_cluster().arg("--kubeconfig").arg(&kubeconfig).arg(unwritable), directory.path());
    assert!(printed.code == Some(1) && !kubeconfig.exists(), "{printed:?}");
}

fn config(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(path).to_str().unwrap().to_owned()
}

#[test]
#[ignore = "needs kubectl"]
fn can_i_tells_what_the_accounts_of_config_may_do() {
    let cluster = Cluster::start(&[]);
    cluster.kubectl(&["apply", "-k", &config("rbac")]);
    assert_eq!(cluster.kubectl(&["auth", "can-i", "*", "*"]).trim(), "yes");
    let can = |question: &[&str]| {
        let arguments: Vec<&str> = ["auth", "can-i"].iter().chain(question).copied().collect();
        let own = [&arguments[..], &["-n", NAMESPACE, AS_CONTROLLER]].concat();
        run(&mut cluster.kubectl_command(&own), cluster.directory.path())
    };
    for (question, expected) in [
        (&["create", "pods"][..], "yes"),
        (&["get", "pods", "--subresource=log"], "yes"),
        (&["patch", "machineconfigpools"], "yes"),
        (&["patch", "machineconfigpools", "--subresource=status"], "yes"),
        (&["update", "leases/machine-os-builder"], "yes"),
        (&["update", "leases/other"], "no"),
        (&["delete", "secrets"], "no"),
        (&["get", "/version"], "yes"),
        (&["get", "/metrics"], "no"),
    ] {
        let printed = can(question);
        let answer = printed.stdout.split_whitespace().next();
        assert_eq!((answer, printed.code), (Some(expected), Some(i32::from(expected == "no"))), "{question:?}");
    }
    let list = cluster.kubectl(&["auth", "can-i", "--list", "-n", NAMESPACE, AS_CONTROLLER]);
    let row = |resource: &str| {
        let row =
            list.lines().find(|line| line.starts_with(&format!("{resource} "))).unwrap_or_else(|| panic!("{list}"));
        row.to_owned()
    };
    assert!(row("machineconfigpools.machineconfiguration.openshift.io").ends_with("[get list watch patch]"), "{list}");
    assert!(
        row("leases.coordination.k8s.io").contains("[machine-os-builder]") || list.contains("[machine-os-builder]")
    );
    assert!(row("selfsubjectaccessreviews.authorization.k8s.io").contains("[create]"), "{list}");
    assert!(list.contains("[/version]"), "{list}");
    let denied = cluster.kubectl_fails(&["get", "secrets", "-n", "default", AS_CONTROLLER]);
    assert!(
        denied.contains("cannot list resource \"secrets\" in API group \"\" in the namespace \"default\""),
        "{denied}"
    );
}

#[test]
#[ignore = "needs kubectl"]
fn kubectl_works_as_a_service_account() {
    let (cluster, _directory, file) = cluster();
    let robot = |arguments: &[&str]| {
        let arguments = [&["--kubeconfig", &file], arguments].concat();
        run(&mut cluster.kubectl_command(&arguments), cluster.directory.path())
    };
    cluster.kubectl(&["apply", "-f", &cluster.file("robot.yaml", ROBOT)]);
    cluster.kubectl(&["create", "configmap", "settings", "--from-literal=a=b"]);
    let printed = robot(&["get", "cm", "-o", "name"]);
    assert_eq!(printed.stdout, "configmap/settings\n", "{printed:?}");
    let printed = robot(&["delete", "cm", "settings"]);
    let message = r#"(Forbidden): configmaps "settings" is forbidden: User "system:serviceaccount:default:robot" cannot delete resource "configmaps""#;
    assert!(printed.code == Some(1) && printed.stderr.contains(message), "{printed:?}");
    if cluster.kubectl_has("auth", "whoami") {
        let who = robot(&["auth", "whoami"]);
        assert!(who.stdout.contains("system:serviceaccount:default:robot"), "{who:?}");
    }
}

#[test]
#[ignore = "needs kubectl"]
fn create_token_makes_a_token_that_lets_its_account_in() {
    let cluster = Cluster::start(&[]);
    cluster.kubectl(&["apply", "-k", &config("rbac")]);
    let request = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{CONTROLLER}/token");
    // Older ones have no command for it.
    let token = if cluster.kubectl(&["create", "--help"]).contains("token") {
        cluster.kubectl(&["create", "token", CONTROLLER, "-n", NAMESPACE, "--duration=1h"])
    } else {
        let body = r#"{"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {}}"#;
        let made = cluster.kubectl(&["create", "--raw", &request, "-f", &cluster.file("request.json", body)]);
        serde_json::from_str::<Value>(&made).unwrap()["status"]["token"].as_str().unwrap().to_owned()
    };
    let own = cluster.directory.path().join("own.kubeconfig");
    fs::copy(cluster.kubeconfig(), &own).unwrap();
    let own = own.to_str().unwrap();
    let set = ["--kubeconfig", own, "config", "set-credentials", "admin", "--token", token.trim()];
    cluster.kubectl(&set);
    assert_eq!(cluster.kubectl(&["--kubeconfig", own, "get", "pods", "-n", NAMESPACE, "-o", "name"]), "");
    assert!(cluster.kubectl_fails(&["--kubeconfig", own, "get", "pods", "-A"]).contains("Forbidden"));
    cluster.kubectl(&["delete", "sa", CONTROLLER, "-n", NAMESPACE]);
    let refused = cluster.kubectl_fails(&["--kubeconfig", own, "get", "pods", "-n", NAMESPACE]);
    assert!(refused.contains("Unauthorized") || refused.contains("logged in"), "{refused}");
}

#[test]
#[ignore = "needs kubectl"]
fn what_is_served_is_listed_and_a_diff_shows_what_apply_would_change() {
    let cluster = Cluster::start(&[]);
    let resources = cluster.kubectl(&["api-resources"]);
    for resource in ["configmaps", "machineconfigpools", "clusterroles", "selfsubjectaccessreviews", "leases"] {
        assert!(resources.lines().any(|line| line.starts_with(&format!("{resource} "))), "{resource}: {resources}");
    }
    let listed = cluster.kubectl(&["api-resources", "--verbs=list", "--namespaced", "-o", "name"]);
    assert!(listed.contains("pods\n") && !listed.contains("review"), "{listed}");

    let robot = cluster.file("robot.yaml", ROBOT);
    let diff = |file: &str| run(&mut cluster.kubectl_command(&["diff", "-f", file]), cluster.directory.path());
    let printed = diff(&robot);
    assert!(printed.code == Some(1) && printed.stdout.contains("+  name: robot"), "{printed:?}");
    cluster.kubectl(&["apply", "-f", &robot]);
    let printed = diff(&robot);
    assert_eq!((printed.code, printed.stdout.as_str()), (Some(0), ""), "{printed:?}");
    let changed = cluster.file("changed.yaml", &ROBOT.replace("[get, list]", "[get, list, watch]"));
    let printed = diff(&changed);
    assert!(printed.code == Some(1) && printed.stdout.contains("+  - watch"), "{printed:?}");
    // Looking changes nothing.
    assert_eq!(cluster.kubectl(&["get", "role", "reader", "-o", "jsonpath={.rules[0].verbs}"]), r#"["get","list"]"#);
}

#[test]
#[ignore = "needs kubectl"]
fn an_account_sees_what_is_served_and_a_diff_of_what_it_may_patch() {
    let cluster = Cluster::start(&[]);
    cluster.kubectl(&["apply", "-k", &config("rbac")]);
    assert_eq!(cluster.kubectl(&["api-resources", AS_CONTROLLER]), cluster.kubectl(&["api-resources"]));

    let diff = |sample: &str, from: &str, to: &str| {
        let sample = config(sample);
        cluster.kubectl(&["apply", "-f", &sample]);
        let text = fs::read_to_string(sample).unwrap().replace(from, to);
        let changed = cluster.file("changed.yaml", &text);
        let command = &mut cluster.kubectl_command(&["diff", "-f", &changed, AS_CONTROLLER]);
        run(command, cluster.directory.path())
    };
    let printed = diff("samples/machineconfigpool.yaml", "paused: false", "paused: true");
    assert!(printed.code == Some(1) && printed.stdout.contains("+  paused: true"), "{printed:?}");
    let printed = diff("samples/machine-config-osimageurl.yaml", "releaseVersion", "otherVersion");
    assert!(printed.stderr.contains("cannot patch resource \"configmaps\""), "{printed:?}");
}
