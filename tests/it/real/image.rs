//! `build` and `inspect` with the real tools: an image built, pushed to a registry, read back and compared.
#![cfg(feature = "images")]

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::registry::{Credentials, Registry};
use super::{machine_config, temporary_directory};

/// A registry with a base image, and a directory with a MachineConfig and credentials.
struct Desk {
    registry: Registry,
    base_image: String,
    directory: TempDir,
}

impl Desk {
    fn new() -> Self {
        let registry = Registry::start();
        let base_image = registry.push_base_image();
        let desk = Self { registry, base_image, directory: temporary_directory() };
        desk.write("mc.json", &machine_config::rendered().to_string());
        desk.write("pull.json", &desk.registry.reader.pull_secret(&desk.registry.host).to_string());
        desk.write("push.json", &desk.registry.writer.pull_secret(&desk.registry.host).to_string());
        // Images of tests stay out of the machine's own store.
        let path = desk.directory.path().display();
        let storage = format!("[storage]\ndriver = \"vfs\"\ngraphroot = \"{path}/store\"\nrunroot = \"{path}/run\"\n");
        desk.write("storage.conf", &storage);
        fs::create_dir(desk.directory.path().join("certificates")).unwrap();
        fs::copy(desk.registry.authority(), desk.directory.path().join("certificates/ca.crt")).unwrap();
        desk
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_machine-os-builder"));
        command.args(arguments).current_dir(self.directory.path());
        command.env("CONTAINERS_STORAGE_CONF", self.directory.path().join("storage.conf"));
        // buildah's, which takes no directory from here.
        if arguments[0] == "build" {
            command.env("SSL_CERT_FILE", self.registry.authority());
        }
        let Output { status, stdout, stderr } = command.output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    fn build(&self, more: &[&str]) -> (Option<i32>, String, String) {
        let repository = self.repository();
        let good = ["build", "--base-image", &self.base_image, "--final-image", &repository];
        self.run(&[&good[..], &["--machine-config", "mc.json", "--pull-authfile", "pull.json"], more].concat())
    }

    fn repository(&self) -> String {
        format!("{}/fleet/os", self.registry.host)
    }

    fn inspect(&self, image: &str, machine_config: &str, authfile: &str) -> (Option<i32>, String, String) {
        let access = ["--authfile", authfile, "--cert-dir", "certificates"];
        self.run(&[&["inspect", image, "--machine-config", machine_config][..], &access].concat())
    }
}

/// The first file with contents that can be changed by one byte, and the config with that done.
fn changed(mut config: Value) -> (String, Value) {
    let files = config["spec"]["config"]["storage"]["files"].as_array_mut().unwrap();
    for file in files {
        let source = file["contents"]["source"].as_str().unwrap_or_default();
        if source.starts_with("data:,") && file["contents"]["compression"].as_str().unwrap_or_default().is_empty() {
            file["contents"]["source"] = format!("{source}x").into();
            return (file["path"].as_str().unwrap().to_owned(), config);
        }
    }
    panic!("no file has plain contents");
}

#[test]
#[ignore = "needs buildah, docker-registry, skopeo, mmdebstrap and htpasswd"]
fn an_image_is_built_pushed_read_back_and_compared() {
    let desk = Desk::new();
    let (code, digest, stderr) = desk.build(&["--push-authfile", "push.json", "--verify"]);
    assert_eq!(code, Some(0), "{stderr}");
    let image = format!("{}@{}", desk.repository(), digest.trim());
    assert_eq!(desk.registry.digest(&image), digest.trim());
    assert!(stderr.ends_with("currentconfig checked: 0 differences\n"), "{stderr}");

    let (code, report, stderr) = desk.inspect(&image, "mc.json", "pull.json");
    println!("{report}");
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{report}");

    let (path, config) = changed(machine_config::rendered());
    desk.write("changed.json", &config.to_string());
    let (code, report, _) = desk.inspect(&image, "changed.json", "pull.json");
    assert_eq!(code, Some(1), "{report}");
    assert!(report.starts_with(&format!("{path}: contents: asked for ")), "{report}");
    assert!(report.contains("currentconfig#/spec/config/storage/files/"), "{report}");
    assert!(report.ends_with("checked: 2 differences\n"), "{report}");

    for word in [&desk.registry.reader.password, &desk.registry.writer.password] {
        assert!(!report.contains(word.as_str()) && !stderr.contains(word.as_str()));
    }
}

#[test]
#[ignore = "needs buildah, docker-registry, skopeo, mmdebstrap and htpasswd"]
fn a_wrong_password_is_told_as_such() {
    let desk = Desk::new();
    let wrong = Credentials::new("reader", "wrong").pull_secret(&desk.registry.host);
    desk.write("wrong.json", &wrong.to_string());
    let (code, _, stderr) = desk.inspect(&desk.base_image, "mc.json", "wrong.json");
    assert_eq!(code, Some(2));
    assert!(stderr.contains(&format!("access to {} was denied", desk.base_image)), "{stderr}");
    let repository = desk.repository();
    let arguments = ["build", "--base-image", &desk.base_image, "--final-image", &repository];
    let more = ["--machine-config", "mc.json", "--authfile", "wrong.json"];
    let (code, stdout, stderr) = desk.run(&[&arguments[..], &more].concat());
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    let expected = format!("error: failed to pull {}: access was denied", desk.base_image);
    assert!(stderr.contains(&expected), "{stderr}");
}
