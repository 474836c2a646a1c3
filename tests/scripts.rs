//! The scripts that run in a build pod, with stand-ins for what they call.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use machine_os_builder::plan::payload::Payload;
use serde_json::json;
use tempfile::TempDir;

const BUILD: &str = include_str!("../templates/build-image.sh");
const WAIT: &str = include_str!("../templates/wait-for-done.sh");
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Waits of the build script pass at once; all others, the heartbeat's among them, are as long as they are.
const SLEEP: &str = "#!/bin/bash\n(($1 >= 10)) && exec /bin/sleep \"$1\"\necho \"sleep $1\" >> \"$CALLS\"\n";

/// What is mounted into a build pod's containers, and the programs in them.
struct Pod(TempDir);

impl Pod {
    /// A pod whose buildah pulls, builds and pushes.
    fn new() -> Self {
        let pod = Self(TempDir::new().unwrap());
        for directory in ["bin", "tmp/machineconfig", "tmp/dockerfile", "tmp/done"] {
            fs::create_dir_all(pod.path(directory)).unwrap();
        }
        let payload = Payload::encode(&json!({"spec": {"config": {"ignition": {"version": "3.4.0"}}}})).unwrap();
        pod.put("tmp/machineconfig/machineconfig.json.gz", payload.as_str());
        pod.program("sleep", SLEEP);
        pod.program("oc", "#!/bin/bash\necho \"oc $*: $(cat)\" >> \"$CALLS\"\n");
        pod.buildah("");
        pod
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn text(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    fn program(&self, name: &str, text: &str) {
        let name = format!("bin/{name}");
        self.put(&name, text);
        fs::set_permissions(self.path(&name), Permissions::from_mode(0o755)).unwrap();
    }

    /// A buildah that does `more` first.
    fn buildah(&self, more: &str) {
        let push = format!("[[ $1 != push ]] || echo {DIGEST} > \"$5\"");
        self.program("buildah", &format!("#!/bin/bash\necho \"buildah $*\" >> \"$CALLS\"\n{more}\n{push}\n"));
    }

    fn start(&self, script: &str) -> Child {
        let tmp = self.path("tmp");
        let script = script.replace("/tmp/", &format!("{}/", tmp.display()));
        let mut command = Command::new("/bin/bash");
        command.args(["-c", &script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env_clear().env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display()));
        command
            .env("BUILD_FILES", &tmp)
            .env("TMPDIR", &tmp)
            .env("CALLS", self.path("calls"))
            .env("TERMINATION_LOG", self.path("message"));
        command.env("BASE_IMAGE", "registry.test/os:9").env("FINAL_IMAGE", "registry.test/fleet/os:r");
        command.env("DIGEST_MANIFEST", "{\"digest\": \"@DIGEST@\"}").env("SILENCE_MAX_S", "5");
        // As a container is: what it has begun ends with it.
        command.process_group(0).spawn().unwrap()
    }

    fn run(&self, script: &str) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } = self.start(script).wait_with_output().unwrap();
        (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
    }

    /// What was called, without paths that are others in every run.
    fn calls(&self) -> Vec<String> {
        let calls = self.text("calls").unwrap_or_default();
        calls.lines().map(|call| call.split(' ').take(3).collect::<Vec<_>>().join(" ")).collect()
    }

    fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_so() {
            assert!(Instant::now() < deadline, "gave up waiting: {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn an_image_is_pulled_built_and_pushed_and_its_digest_left() {
    let pod = Pod::new();
    assert_eq!(pod.run(BUILD), (Some(0), String::new()));
    let calls = pod.text("calls").unwrap();
    let calls: Vec<&str> = calls.lines().collect();
    assert_eq!(calls.len(), 3, "{calls:?}");
    assert!(calls[0].starts_with("buildah pull") && calls[0].ends_with(" registry.test/os:9"), "{calls:?}");
    assert!(calls[0].contains("/base-image-pull-creds/config.json"), "{calls:?}");
    assert!(calls[1].starts_with("buildah build") && calls[1].contains("--tag registry.test/fleet/os:r"), "{calls:?}");
    assert!(calls[2].starts_with("buildah push") && calls[2].ends_with(" registry.test/fleet/os:r"), "{calls:?}");
    assert!(calls[2].contains("/final-image-push-creds/config.json"), "{calls:?}");
    assert_eq!(pod.text("message").unwrap().trim(), DIGEST);
    assert_eq!(pod.text("tmp/done/digest").unwrap().trim(), DIGEST);
    assert!(pod.text("tmp/done/failed").is_none());
}

#[test]
fn without_a_helper_the_termination_message_is_all_that_is_left() {
    let pod = Pod::new();
    fs::remove_dir(pod.path("tmp/done")).unwrap();
    assert_eq!(pod.run(BUILD), (Some(0), String::new()));
    assert_eq!(pod.text("message").unwrap().trim(), DIGEST);
    pod.buildah("exit 1");
    assert_eq!(pod.run(BUILD).0, Some(30));
}

#[test]
fn l35_a_damaged_payload_is_not_built() {
    for damaged in ["", "bm90IGd6aXA=", "H4sIAAAAAAAA", "%%%"] {
        let pod = Pod::new();
        pod.put("tmp/machineconfig/machineconfig.json.gz", damaged);
        let (code, output) = pod.run(BUILD);
        assert_eq!(code, Some(10), "{damaged:?} {output}");
        assert!(output.contains("failed to read the MachineConfig"), "{output}");
        assert_eq!(pod.calls(), Vec::<String>::new());
        assert!(pod.text("tmp/done/failed").is_some());
    }
}

#[test]
fn l42_a_push_that_fails_is_tried_again_and_the_build_is_not() {
    let pod = Pod::new();
    pod.buildah("if [[ $1 == push ]] && (($(grep -c push \"$CALLS\") < 4)); then echo timeout >&2; exit 125; fi");
    assert_eq!(pod.run(BUILD).0, Some(0));
    let calls = pod.calls();
    assert_eq!(calls.iter().filter(|call| call.starts_with("buildah build")).count(), 1, "{calls:?}");
    assert_eq!(calls.iter().filter(|call| call.starts_with("buildah push")).count(), 4, "{calls:?}");
    let waits: Vec<&String> = calls.iter().filter(|call| call.starts_with("sleep")).collect();
    assert_eq!(waits, ["sleep 1", "sleep 2", "sleep 4"]);
}

#[test]
fn l41_exit_codes_say_what_failed() {
    let denied = "echo 'unauthorized: authentication required' >&2; exit 125";
    for (step, how, code, tries) in [
        ("pull", "echo 'i/o timeout' >&2; exit 125", 30, 5),
        ("pull", denied, 31, 1),
        ("build", "exit 1", 20, 1),
        ("push", "echo 'i/o timeout' >&2; exit 125", 40, 5),
        ("push", denied, 41, 1),
    ] {
        let pod = Pod::new();
        pod.buildah(&format!("if [[ $1 == {step} ]]; then {how}; fi"));
        let (found, output) = pod.run(BUILD);
        assert_eq!(found, Some(code), "{step} {output}");
        let tried = pod.calls().iter().filter(|call| call.starts_with(&format!("buildah {step}"))).count();
        assert_eq!(tried, tries, "{step}");
        assert!(pod.text("message").is_none() && pod.text("tmp/done/digest").is_none());
        assert!(pod.text("tmp/done/failed").is_some());
    }
}

#[test]
fn l42_only_a_registry_that_says_no_is_not_asked_again() {
    for (said, is_denied) in [
        ("unauthorized: authentication required", true),
        ("reading manifest 9 in registry.test/os: denied: requested access to the resource is denied", true),
        ("unable to retrieve auth token: invalid username/password: unauthorized: wrong", true),
        ("received unexpected HTTP status: 403 Forbidden", true),
        ("invalid status code from registry 401 (Unauthorized)", true),
        ("received unexpected HTTP status: 503 Service Unavailable", false),
        ("pinging container registry denied:5000: Get \\\"https://denied:5000/v2/\\\": dial tcp: no such host", false),
        ("initializing source docker://registry.test/denied:9: i/o timeout", false),
        ("dial tcp: lookup denied.test on 192.0.2.53:53: no such host", false),
        ("mkdir /var/lib/containers: permission denied", false),
        ("initializing source docker://registry.test/forbidden/unauthorized:401: EOF", false),
    ] {
        let pod = Pod::new();
        pod.buildah(&format!("if [[ $1 == push ]]; then echo \"Error: {said}\" >&2; exit 125; fi"));
        let (code, output) = pod.run(BUILD);
        assert_eq!(code, Some(if is_denied { 41 } else { 40 }), "{said} {output}");
        assert!(output.contains(&said.replace('\\', "")), "{output}");
    }
}

#[test]
fn a_build_that_is_told_to_end_does_so_at_once() {
    let pod = Pod::new();
    pod.buildah("[[ $1 != build ]] || exec /bin/sleep 600");
    let mut build = pod.start(BUILD);
    pod.wait_until("the image is being built", || pod.calls().iter().any(|call| call.starts_with("buildah build")));
    let id = build.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(build.wait().unwrap().code(), Some(143));
    assert!(pod.text("tmp/done/failed").is_some());
    // What it has begun would end with its container.
    assert!(Command::new("kill").args(["-KILL", "--", &format!("-{id}")]).status().unwrap().success());
}

#[test]
fn the_helper_hands_the_digest_over() {
    let pod = Pod::new();
    let helper = pod.start(WAIT);
    assert_eq!(pod.run(BUILD).0, Some(0));
    assert!(helper.wait_with_output().unwrap().status.success());
    assert!(pod.text("calls").unwrap().ends_with(&format!("oc create -f -: {{\"digest\": \"{DIGEST}\"}}\n")));
}

#[test]
fn l13_the_helper_ends_when_the_build_fails() {
    let pod = Pod::new();
    pod.buildah("[[ $1 != build ]] || exit 1");
    let helper = pod.start(WAIT);
    assert_eq!(pod.run(BUILD).0, Some(20));
    let output = helper.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("the image was not built"));
}

#[test]
fn l13_the_helper_ends_when_the_build_is_killed_without_a_word() {
    let pod = Pod::new();
    pod.buildah("exec /bin/sleep 600");
    let mut build = pod.start(BUILD);
    pod.wait_until("the build has begun", || pod.calls().iter().any(|call| call.starts_with("buildah pull")));
    let helper = pod.start(WAIT);
    let group = format!("-{}", build.id());
    assert!(Command::new("kill").args(["-KILL", "--", &group]).status().unwrap().success());
    assert_eq!(build.wait().unwrap().code(), None);
    let long_ago = fs::File::options().append(true).open(pod.path("tmp/done/alive")).unwrap();
    long_ago.set_modified(std::time::SystemTime::now() - Duration::from_secs(3600)).unwrap();
    let output = helper.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("was killed"));
    assert_eq!(pod.calls().iter().filter(|call| call.starts_with("oc")).count(), 0);
}
