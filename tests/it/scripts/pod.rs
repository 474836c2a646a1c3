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

pub const COMMON: &str = include_str!("../../../templates/common.sh");
pub const BUILD: &str =
    concat!(include_str!("../../../templates/common.sh"), include_str!("../../../templates/build-image.sh"));
pub const PUSH: &str =
    concat!(include_str!("../../../templates/common.sh"), include_str!("../../../templates/push-image.sh"));
pub const WAIT: &str =
    concat!(include_str!("../../../templates/common.sh"), include_str!("../../../templates/wait-for-done.sh"));
pub const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

const BUILDAH: &str = include_str!("../../fixtures/buildah.sh");
/// Waits for the next try or look pass at once; all others, the heartbeat's among them, are as long as they are.
const SLEEP: &str =
    "#!/bin/bash\n(($1 >= 10)) && exec /bin/sleep \"$1\"\necho \"sleep $1\" >> \"$CALLS\"\n/bin/sleep 0.01\n";

pub struct Pod(TempDir);

impl Pod {
    /// A pod whose buildah pulls, builds and pushes.
    pub fn new() -> Self {
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

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub fn payload(&self, machine_config: &Value) {
        self.put("tmp/machineconfig/machineconfig.json.gz", Payload::encode(machine_config).unwrap().as_str());
    }

    pub fn text(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    pub fn message(&self) -> String {
        self.text("message").unwrap_or_default()
    }

    pub fn program(&self, name: &str, text: &str) {
        let name = format!("bin/{name}");
        self.put(&name, text);
        fs::set_permissions(self.path(&name), Permissions::from_mode(0o755)).unwrap();
    }

    /// A buildah that does `more` first.
    pub fn buildah(&self, more: &str) {
        self.program("buildah", &BUILDAH.replace("# MORE", more));
    }

    pub fn start(&self, script: &str) -> Child {
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

    pub fn run(&self, script: &str) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } = self.start(script).wait_with_output().unwrap();
        (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
    }

    /// A pod whose image is built, with nothing called yet.
    pub fn built() -> Self {
        let pod = Self::new();
        let (code, output) = pod.run(BUILD);
        assert_eq!(code, Some(0), "{output}");
        fs::remove_file(pod.path("calls")).unwrap();
        pod
    }

    /// The recorded calls, without paths that differ in every run.
    pub fn calls(&self) -> Vec<String> {
        let calls = self.text("calls").unwrap_or_default();
        calls.lines().map(|call| call.split(' ').take(3).collect::<Vec<_>>().join(" ")).collect()
    }

    /// How often buildah was asked for this.
    pub fn count(&self, what: &str) -> usize {
        self.text("calls")
            .unwrap_or_default()
            .lines()
            .filter(|call| call.starts_with(&format!("buildah {what}")))
            .count()
    }

    pub fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_so() {
            assert!(Instant::now() < deadline, "gave up waiting: {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sets a container's last sign of life an hour back.
    pub fn silence(&self, volume: &str) {
        let alive = fs::File::options().append(true).open(self.path(&format!("tmp/{volume}/alive"))).unwrap();
        alive.set_modified(std::time::SystemTime::now() - Duration::from_secs(3600)).unwrap();
    }
}

/// Kills a container: all that it has begun, without a word.
pub fn kill(container: &mut Child) {
    let group = format!("-{}", container.id());
    assert!(Command::new("kill").args(["-KILL", "--", &group]).status().unwrap().success());
    assert_eq!(container.wait().unwrap().code(), None);
}
