//! A fleet that is built for real: several pools, several configs, one command.

use std::fs;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::registry::{Credentials, Registry};
use super::{machine_config, temporary_directory};

/// A registry with a base image, and a file with what says that builds use both.
struct Desk {
    registry: Registry,
    directory: TempDir,
}

impl Desk {
    fn new(pusher: impl FnOnce(&Registry) -> Credentials) -> Self {
        let registry = Registry::start();
        let base_image = registry.push_base_image();
        let config_map = |name: &str, data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data});
        let secret = |name: &str, credentials: &Credentials| {
            let body = credentials.pull_secret(&registry.host).to_string();
            json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
                "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": STANDARD.encode(body)},
            })
        };
        let documents = [
            config_map(
                "machine-config-osimageurl",
                json!({"baseOSContainerImage": base_image, "releaseVersion": "4.16.0"}),
            ),
            config_map(
                "on-cluster-build-config",
                json!({
                    "baseImagePullSecretName": "pull", "finalImagePushSecretName": "push",
                    "finalImagePullspec": format!("{}/fleet/os:latest", registry.host),
                }),
            ),
            secret("pull", &registry.reader),
            secret("push", &pusher(&registry)),
        ];
        let desk = Self { directory: temporary_directory(), registry };
        let text: Vec<String> = documents.iter().map(ToString::to_string).collect();
        fs::write(desk.directory.path().join("inputs.yaml"), text.join("\n---\n")).unwrap();
        fs::write(desk.directory.path().join("config.yaml"), machine_config::rendered().to_string()).unwrap();
        desk
    }

    fn simulate(&self, more: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_machine-os-builder"));
        command.args(["simulate", "--executor", "buildah", "--input", "inputs.yaml"]);
        command.args(["--machine-config", "config.yaml"]).args(more);
        command.current_dir(self.directory.path()).env("TMPDIR", self.directory.path());
        command.env("SSL_CERT_FILE", self.registry.authority()).env_remove("SSL_CERT_DIR");
        command.env("STORAGE_DRIVER", "vfs").env("BUILDAH_ISOLATION", "chroot");
        let Output { status, stdout, stderr } = command.output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }
}

#[test]
#[ignore = "needs root, buildah, docker-registry, skopeo, mmdebstrap and htpasswd"]
fn each_config_of_each_pool_is_pushed() {
    let desk = Desk::new(|registry| registry.writer.clone());
    let (code, table, stderr) = desk.simulate(&["--pools", "2", "--configs", "2"]);
    assert_eq!(code, Some(0), "{table}{stderr}");
    let row: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..5], ["2", "2", "4", "4", "0"], "{table}");
    let tags = desk.registry.tags(&format!("{}/fleet/os", desk.registry.host));
    assert_eq!(tags.len(), 4, "one for each config: {tags:?}");
}

#[test]
#[ignore = "needs root, buildah, docker-registry, skopeo, mmdebstrap and htpasswd"]
fn a_build_that_fails_is_told_and_ends_the_run() {
    let desk = Desk::new(|_| Credentials::new("writer", "wrong"));
    let (code, table, stderr) = desk.simulate(&["--pools", "1", "--configs", "1"]);
    assert_eq!(code, Some(1), "{table}{stderr}");
    assert!(table.contains("not as it should be: MachineConfigPool pool-1: "), "{table}");
    assert!(table.contains("exit code 41"), "{table}");
    assert!(!table.contains("wrong") && !stderr.contains("wrong"));
}

#[test]
fn what_is_built_from_what_has_to_be_said() {
    let simulate = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_machine-os-builder"));
        let output = command.args(["simulate", "--executor", "buildah"]).args(arguments).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(simulate(&[]).contains("--input <FILE>"));
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("pool.yaml");
    let pool = json!({"apiVersion": "machineconfiguration.openshift.io/v1", "kind": "MachineConfigPool", "metadata": {"name": "x"}});
    fs::write(&file, pool.to_string()).unwrap();
    assert!(simulate(&["--input", file.to_str().unwrap()]).contains("there is no ConfigMap in any --input"));
}
