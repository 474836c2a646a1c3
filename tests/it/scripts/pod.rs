//! The mounts of a build pod's containers, and the programs in them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use machine_os_builder::reconcile::objects::payload::Payload;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(super) const COMMON: &str = include_str!("../../../templates/common.sh");
pub(super) const BUILD: &str =
    concat!(include_str!("../../../templates/common.sh"), include_str!("../../../templates/build-image.sh"));
pub(super) const PUSH: &str =
    concat!(include_str!("../../../templates/common.sh"), include_str!("../../../templates/push-image.sh"));
pub(super) const WAIT: &str =
    concat!(include_str!("../../../templates/common.sh"), include_str!("../../../templates/wait-for-done.sh"));
pub(super) const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

const BUILDAH: &str = include_str!("../../fixtures/buildah.sh");
/// Waits for the next try or look pass at once; all others, the heartbeat's among them, are as long as they are.
const SLEEP: &str =
    "#!/bin/bash\n(($1 >= 10)) && exec /bin/sleep \"$1\"\necho \"sleep $1\" >> \"$CALLS\"\n/bin/sleep 0.01\n";

pub(super) struct Pod(TempDir);

impl Pod {
    /// A pod whose buildah pulls, builds and pushes.
    pub(super) fn new() -> Self {
        let pod = Self(TempDir::new().unwrap());
        let volumes = ["machineconfig", "dockerfile", "image-layout", "done", "final-image-push-creds"];
        fs::create_dir(pod.path("bin")).unwrap();
        volumes.iter().for_each(|volume| fs::create_dir_all(pod.path(&format!("tmp/{volume}"))).unwrap());
        pod.put(
            "tmp/final-image-push-creds/config.json",
            r#"{"auths":{"registry.test":{"auth":"c2VjcmV0OnNlY3JldA=="}}}"#,
        );
        pod.payload(&json!({"spec": {"config": {"ignition": {"version": "3.4.0"}}}}));
        pod.program("sleep", SLEEP);
        pod.program("oc", "#!/bin/bash\necho \"oc $*: $(cat)\" >> \"$CALLS\"\n");
        pod.buildah("");
        pod
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(super) fn payload(&self, machine_config: &Value) {
        self.put("tmp/machineconfig/machineconfig.json.gz", Payload::encode(machine_config).unwrap().as_str());
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    pub(super) fn message(&self) -> String {
        self.text("message").unwrap_or_default()
    }

    pub(super) fn program(&self, name: &str, text: &str) {
        let name = format!("bin/{name}");
        self.put(&name, text);
        fs::set_permissions(self.path(&name), Permissions::from_mode(0o755)).unwrap();
    }

    /// A buildah that does `more` first.
    pub(super) fn buildah(&self, more: &str) {
        self.program("buildah", &BUILDAH.replace("# MORE", more));
    }

    pub(super) fn start(&self, script: &str) -> Child {
        let tmp = self.path("tmp");
        let mut command = Command::new("/bin/bash");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env_clear().env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display()));
        command.env("BUILD_FILES", &tmp).env("TMPDIR", &tmp).env("CALLS", self.path("calls"));
        command.env("TERMINATION_LOG", self.path("message"));
        command.env("BASE_IMAGE", "registry.test/os:9").env("FINAL_IMAGE", "registry.test/fleet/os:r");
        command.env("RENDERED_CONFIG", "rendered-worker-1").env("POOL", "worker");
        command.env("DIGEST_MANIFEST", "{\"digest\": \"@DIGEST@\"}").env("SILENCE_MAX_S", "5");
        // As a container is: what it has begun ends with it.
        command.process_group(0).spawn().unwrap()
    }

    pub(super) fn run(&self, script: &str) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } = self.start(script).wait_with_output().unwrap();
        (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
    }

    /// A pod whose image is built, with nothing called yet.
    pub(super) fn built() -> Self {
        let pod = Self::new();
        let (code, output) = pod.run(BUILD);
        assert_eq!(code, Some(0), "{output}");
        fs::remove_file(pod.path("calls")).unwrap();
        pod
    }

    /// The recorded calls, without paths that differ in every run.
    pub(super) fn calls(&self) -> Vec<String> {
        let calls = self.text("calls").unwrap_or_default();
        calls.lines().map(|call| call.split(' ').take(3).collect::<Vec<_>>().join(" ")).collect()
    }

    /// How often buildah was asked for this.
    pub(super) fn count(&self, what: &str) -> usize {
        self.text("calls")
            .unwrap_or_default()
            .lines()
            .filter(|call| call.starts_with(&format!("buildah {what}")))
            .count()
    }

    pub(super) fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_so() {
            assert!(Instant::now() < deadline, "gave up waiting: {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sets a container's last sign of life an hour back.
    pub(super) fn silence(&self, volume: &str) {
        let alive = fs::File::options().append(true).open(self.path(&format!("tmp/{volume}/alive"))).unwrap();
        alive.set_modified(std::time::SystemTime::now() - Duration::from_secs(3600)).unwrap();
    }
}

/// Kills a container: all that it has begun, without a word.
pub(super) fn kill(container: &mut Child) {
    let group = format!("-{}", container.id());
    assert!(Command::new("kill").args(["-KILL", "--", &group]).status().unwrap().success());
    assert_eq!(container.wait().unwrap().code(), None);
}
