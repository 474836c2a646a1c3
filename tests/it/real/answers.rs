//! The interpretation of registries' answers, with the real buildah.
#![cfg(feature = "images")]

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::refusing::{Answer, registry};
use super::{base_image, machine_config, output_of, temporary_directory};

const JSON: &str = "application/json";
const HTML: (&str, &str) = ("text/html", "<html><head><title>Blocked</title></head><body>by a proxy</body></html>");

const fn json(status: &'static str, body: &'static str) -> Answer {
    Answer { status, content_type: JSON, body }
}

const DENIED: [Answer; 6] = [
    Answer { status: "403 Forbidden", content_type: HTML.0, body: HTML.1 },
    Answer { status: "403 Forbidden", content_type: "text/plain", body: "" },
    json("403 Forbidden", r#"{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}"#),
    json("401 Unauthorized", r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#),
    json("403 Forbidden", r#"{"errors":[{"code":"DENIED","message":"Your authorization token has expired."}]}"#),
    json("403 Forbidden", r#"{"errors":[{"code":"UNKNOWN","message":"not permitted by network policy"}]}"#),
];

const HOPELESS: [Answer; 6] = [
    Answer { status: "413 Request Entity Too Large", content_type: HTML.0, body: HTML.1 },
    json("404 Not Found", r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no such repository"}]}"#),
    json("405 Method Not Allowed", r#"{"errors":[{"code":"UNSUPPORTED","message":"Registry is in read-only mode"}]}"#),
    json("412 Precondition Failed", r#"{"errors":[{"code":"PRECONDITION","message":"'r' configured as immutable."}]}"#),
    json(
        "412 Precondition Failed",
        r#"{"errors":[{"code":"DENIED","message":"will exceed the configured upper limit of 5 GiB."}]}"#,
    ),
    json("400 Bad Request", r#"{"errors":[{"code":"MANIFEST_INVALID","message":"manifest invalid"}]}"#),
];

/// A directory with a store of its own, in which the base image is.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(temporary_directory());
        let path = desk.0.path().display().to_string();
        let storage = format!("[storage]\ndriver = \"vfs\"\ngraphroot = \"{path}/store\"\nrunroot = \"{path}/run\"\n");
        desk.write("storage.conf", &storage);
        desk.write("auth.json", r#"{"auths":{}}"#);
        desk.write("mc.json", &machine_config::rendered().to_string());
        let layout = format!("oci:{}:{}", base_image::layout().display(), base_image::TAG);
        let id = output_of(desk.command("buildah").args(["pull", "--quiet", &layout]));
        output_of(desk.command("buildah").args(["tag", &id, "localhost/base-os:9"]));
        desk
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.0.path()).env("CONTAINERS_STORAGE_CONF", self.0.path().join("storage.conf"));
        command.env("CONTAINERS_REGISTRIES_CONF", self.0.path().join("registries.conf"));
        command.env("STORAGE_DRIVER", "vfs").env("BUILDAH_ISOLATION", "chroot");
        command
    }

    /// Builds from, or pushes to, a registry that answers so, and gives what is said.
    fn build(&self, answer: Answer, is_pull: bool) -> String {
        let host = registry(answer);
        self.write("registries.conf", &format!("[[registry]]\nlocation = \"{host}\"\ninsecure = true\n"));
        let base_image = if is_pull { format!("{host}/release/base-os:9") } else { "localhost/base-os:9".to_owned() };
        let mut command = self.command(env!("CARGO_BIN_EXE_machine-os-builder"));
        command.args(["build", "--machine-config", "mc.json", "--authfile", "auth.json", "--base-image", &base_image]);
        let Output { status, stderr, .. } =
            command.args(["--final-image", &format!("{host}/fleet/os")]).output().unwrap();
        assert_eq!(status.code(), Some(1));
        String::from_utf8(stderr).unwrap()
    }
}

fn all(answers: &[Answer], expected: &str) {
    let desk = Desk::new();
    for answer in answers {
        for (is_pull, step) in [(true, "error: failed to pull "), (false, "error: failed to push ")] {
            let said = desk.build(*answer, is_pull);
            let error = &said[said.rfind(step).unwrap_or_else(|| panic!("{answer:?}: {said}"))..];
            assert!(error.contains(expected), "{answer:?}: {said}");
            assert!(!said.contains("trying again"), "{answer:?}: {said}");
        }
    }
}

#[test]
#[ignore = "needs buildah and mmdebstrap"]
fn l42_who_is_denied_is_not_asked_again() {
    all(&DENIED, "access was denied; name a file with credentials");
}

#[test]
#[ignore = "needs buildah and mmdebstrap"]
fn what_no_try_can_mend_is_tried_once() {
    all(&HOPELESS, "and to try again would not help");
}

/// An operation that Ignition cannot do in a build, because it calls systemd over D-Bus.
#[test]
#[ignore = "needs buildah and mmdebstrap"]
fn units_of_templates_are_enabled_in_an_image() {
    let desk = Desk::new();
    let mut config = machine_config::rendered();
    let units = config["spec"]["config"]["systemd"]["units"].as_array_mut().unwrap();
    for (name, is_enabled) in [
        ("wg-quick@wg0.service", true),
        ("wg-quick@wg1.service", true),
        ("getty@tty7.service", false),
        ("a@.socket", true),
    ] {
        units.push(serde_json::json!({"name": name, "enabled": is_enabled}));
    }
    desk.write("mc.json", &config.to_string());
    let mut command = desk.command(env!("CARGO_BIN_EXE_machine-os-builder"));
    command.args([
        "build",
        "--machine-config",
        "mc.json",
        "--authfile",
        "auth.json",
        "--base-image",
        "localhost/base-os:9",
    ]);
    command.args(["--final-image", "registry.test/fleet/os", "--no-push", "--output", "image.tar", "--verify"]);
    let Output { status, stderr, .. } = command.output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.ends_with("currentconfig checked: 0 differences\n"), "{said}");
    let image = format!("registry.test/fleet/os:{}", config["metadata"]["name"].as_str().unwrap());
    let container = output_of(desk.command("buildah").args(["from", "--pull=never", &image]));
    let presets = "/etc/systemd/system-preset/20-ignition.preset";
    let presets = output_of(desk.command("buildah").args(["run", &container, "cat", presets]));
    for line in ["enable wg-quick@.service wg0 wg1", "disable getty@.service tty7", "enable a@.socket "] {
        assert!(format!("{presets}\n").contains(&format!("{line}\n")), "{presets}");
    }
}

#[test]
#[ignore = "needs buildah and mmdebstrap"]
fn an_image_that_is_not_made_from_configs_is_refused() {
    let desk = Desk::new();
    for text in ["FROM localhost/base-os:9\nRUN true\n", "FROM scratch\nCOPY --from=configs /etc/passwd /\n"] {
        desk.write("text", text);
        let mut command = desk.command(env!("CARGO_BIN_EXE_machine-os-builder"));
        command.args(["build", "--machine-config", "mc.json", "--authfile", "auth.json", "--containerfile", "text"]);
        command.args(["--base-image", "localhost/base-os:9", "--final-image", "registry.test/fleet/os"]);
        let Output { status, stderr, .. } = command.args(["--no-push", "--output", "image.tar"]).output().unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(said.contains("configs"), "{said}");
        assert!(!desk.0.path().join("image.tar").exists());
    }
}
