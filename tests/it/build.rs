//! `build`, as a user runs it, with a stand-in for buildah.
#![cfg(feature = "images")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use machine_os_builder::reconcile::objects::payload::Payload;
use tempfile::TempDir;

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const NAME: &str = "rendered-worker-0123456789abcdef0123456789abcdef";

const BUILDAH: &str = include_str!("../fixtures/buildah.sh");

/// The arguments of a build.
const GOOD: [&str; 7] = [
    "build",
    "--machine-config",
    "mc.yaml",
    "--base-image",
    "registry.test/os:9",
    "--final-image",
    "registry.test:5000/fleet/os",
];

/// A directory to build in, with programs of its own.
struct Desk(TempDir);

impl Desk {
    /// With a buildah that does `more` first, and then what is asked of it.
    fn new(more: &str) -> Self {
        let desk = Self(TempDir::new().unwrap());
        for directory in ["bin", "tmp", "home"] {
            fs::create_dir(desk.path(directory)).unwrap();
        }
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rendered-machineconfig.yaml");
        fs::copy(config, desk.path("mc.yaml")).unwrap();
        // Waits of the script pass at once.
        desk.program("sleep", "exit 0");
        let seen = r#"if [[ $1 == build ]]; then
  env > "$CALLS.environment"; cat "$6" "${*: -1}/machineconfig/machineconfig.json.gz" > "$CALLS.seen"
  stat --format '%a %n' "$BUILD_FILES" "$BUILD_FILES"/*-creds/config.json > "$CALLS.modes"
  cat "$BUILD_FILES"/*-creds/config.json > "$CALLS.auth"
fi"#;
        desk.program("buildah", &BUILDAH.replace("# MORE", &format!("{seen}\n{more}")));
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.path(&format!("bin/{name}"));
        fs::write(&path, format!("#!/bin/bash\n{text}\n")).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_machine-os-builder"));
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env_clear().env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display()));
        command.env("HOME", self.path("home")).env("TMPDIR", self.path("tmp")).env("CALLS", self.path("calls"));
        command
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        said(self.command(arguments).output().unwrap())
    }

    /// Temporary files that the build should have removed.
    fn left(&self) -> Vec<String> {
        let of = |directory: &Path| -> Vec<String> {
            let entries = fs::read_dir(directory).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        };
        let own = of(self.0.path()).into_iter().filter(|name| name.starts_with('.'));
        of(&self.path("tmp")).into_iter().chain(own).collect()
    }
}

fn said(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn what_a_pod_would_run_is_run_here() {
    let desk = Desk::new("[[ $1 != build ]] || echo progress");
    fs::write(desk.path("auth.json"), r#"{"auths":{"registry.test":{"auth":"cHVsbDpw"}}}"#).unwrap();
    fs::write(desk.path("text"), "RUN true\n").unwrap();
    let more = ["--pull-authfile", "auth.json", "--containerfile", "text", "--extensions-image", "registry.test/ext:9"];
    let (code, stdout, stderr) = desk.run(&[&GOOD[..], &more].concat());
    assert_eq!((code, stdout), (Some(0), format!("{DIGEST}\n")), "{stderr}");
    assert!(stderr.contains("progress"), "{stderr}");
    let calls: Vec<String> = desk.text("calls").lines().map(str::to_owned).collect();
    let [.., import, push, untag] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!(calls.len(), 9, "{calls:?}");
    assert!(calls[0].starts_with("buildah pull ") && calls[0].ends_with(" registry.test/os:9"), "{calls:?}");
    assert!(calls[1].starts_with("buildah pull ") && calls[1].ends_with(" registry.test/ext:9"), "{calls:?}");
    assert!(calls[2].contains(&format!("--tag registry.test:5000/fleet/os:{NAME}")), "{calls:?}");
    assert!(calls[5].starts_with("buildah push ") && calls[5].contains(" oci:"), "{calls:?}");
    assert!(import.starts_with("buildah pull ") && import.ends_with(" oci:image-to-push"), "{calls:?}");
    assert!(
        push.starts_with("buildah push ") && push.ends_with(&format!(" docker://registry.test:5000/fleet/os:{NAME}"))
    );
    assert_eq!(untag, "buildah rmi localhost/image-to-push", "what the user's store had no need of");
    let (containerfile, payload) =
        desk.text("calls.seen").rsplit_once('\n').map(|(a, b)| (a.into(), b.into())).unwrap();
    let (containerfile, payload): (String, String) = (containerfile, payload);
    assert!(containerfile.contains("FROM registry.test/os:9 AS configs"), "{containerfile}");
    assert!(containerfile.contains("machineconfigpool=\"worker\"") && containerfile.ends_with("RUN true\n"));
    assert_eq!(Payload::decode(&payload).unwrap()["metadata"]["name"], NAME);
    assert_eq!(desk.text("calls.auth"), r#"{"auths":{"registry.test":{"auth":"cHVsbDpw"}}}{"auths":{}}"#);
    let modes: Vec<String> = desk.text("calls.modes").lines().map(|line| line[..3].to_owned()).collect();
    assert_eq!(modes, ["700", "600", "600"]);
    let environment = desk.text("calls.environment");
    assert!(environment.contains("STORAGE_DRIVER=vfs\n") && environment.contains("BUILDAH_ISOLATION=chroot\n"));
    assert!(environment.contains(&format!("HOME={}\n", desk.path("home").display())), "{environment}");
    assert_eq!(desk.left(), Vec::<String>::new());
}

#[test]
fn a_user_says_how_buildah_stores_and_isolates() {
    let desk = Desk::new("");
    let mut command = desk.command(&GOOD);
    command.env("STORAGE_DRIVER", "overlay").env("EXTENSIONS_IMAGE", "stray").env("PUSH_DESTINATION", "stray");
    let (code, _, stderr) = said(command.output().unwrap());
    assert_eq!(code, Some(0), "{stderr}");
    assert!(desk.text("calls.environment").contains("STORAGE_DRIVER=overlay\n"));
    assert!(!desk.text("calls").contains("stray"), "{}", desk.text("calls"));
}

#[test]
fn credentials_are_those_of_other_tools_if_none_are_named() {
    let desk = Desk::new("");
    fs::create_dir_all(desk.path("home/.docker")).unwrap();
    let known = r#"{"auths":{"registry.test:5000":{"auth":"cDpw"}}}"#;
    fs::write(desk.path("home/.docker/config.json"), known).unwrap();
    assert_eq!(desk.run(&GOOD).0, Some(0));
    assert_eq!(desk.text("calls.auth"), known.repeat(2));
}

#[test]
fn an_archive_is_put_in_place_when_it_is_whole() {
    let desk = Desk::new("");
    let arguments = [&GOOD[..], &["--no-push", "--output", "image.tar"]].concat();
    let (code, stdout, stderr) = desk.run(&arguments);
    assert_eq!((code, stdout), (Some(0), format!("{DIGEST}\n")), "{stderr}");
    assert_eq!(desk.text("image.tar"), "archive\n");
    let calls = desk.text("calls");
    let push = calls.lines().rfind(|call| call.starts_with("buildah push")).unwrap();
    assert!(push.contains(" oci-archive:/") && push.ends_with(&format!("image.tar:{NAME}")), "{push}");
    let broken = Desk::new("[[ $1 != push || $* == *' oci:'* ]] || { echo 'no space left' >&2; exit 1; }");
    let (code, stdout, stderr) = broken.run(&arguments);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("error: failed to push oci-archive:"), "{stderr}");
    assert!(!broken.path("image.tar").exists());
    assert_eq!(broken.left(), Vec::<String>::new());
    for bad in [vec!["--no-push"], vec!["--output", "x"], vec!["--no-push", "--output", "a:b"]] {
        assert_ne!(desk.run(&[&GOOD[..], &bad].concat()).0, Some(0), "{bad:?}");
    }
}

#[test]
fn what_went_wrong_is_told_in_words() {
    let denied = "echo 'unauthorized: authentication required' >&2; exit 125";
    for (step, how, expected) in [
        ("pull", "echo 'i/o timeout' >&2; exit 125", "failed to pull registry.test/os:9; check its name"),
        ("pull", denied, "failed to pull registry.test/os:9: access was denied; name a file with"),
        ("build", "echo 'STEP 3: boom' >&2; exit 1", "failed to build the image; mend the step that failed"),
        ("push", "echo 'i/o timeout' >&2; exit 125", "failed to push registry.test:5000/fleet/os:rendered"),
        ("push", denied, "--push-authfile"),
        ("pull", "echo 'Error: x: manifest unknown' >&2; exit 125", "and to try again would not help; correct what"),
        ("push", "echo 'Error: x: name unknown' >&2; exit 125", "and to try again would not help; correct what"),
    ] {
        let desk = Desk::new(&format!("if [[ $1 == {step} && $* != *' oci:'* ]]; then {how}; fi"));
        let (code, stdout, stderr) = desk.run(&GOOD);
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{step}");
        let error = stderr.rsplit_once("error: ").unwrap().1;
        assert!(error.contains(expected), "{step}: {error}");
        let cause = how.split('\'').nth(1).unwrap().trim_start_matches("Error: ");
        assert!(error.contains(cause), "{step}: {error}");
        assert_eq!(desk.left(), Vec::<String>::new());
    }
}

#[test]
fn buildah_has_to_be_there_and_not_too_old() {
    for (version, expected) in [
        ("buildah version 1.19.6 (image-spec 1.0)", "buildah 1.19.6 is too old; the least that works is 1.23"),
        ("usage:", "failed to learn the version of buildah: it says \"usage:\""),
    ] {
        let desk = Desk::new("");
        let (code, _, stderr) = said(desk.command(&GOOD).env("VERSION", version).output().unwrap());
        assert_eq!(code, Some(1));
        assert!(stderr.starts_with("error: ") && stderr.contains(expected), "{stderr}");
        assert_eq!(desk.text("calls"), "");
    }
    let desk = Desk::new("");
    let (code, _, stderr) = said(desk.command(&GOOD).env("PATH", desk.path("home")).output().unwrap());
    assert_eq!(code, Some(1));
    assert!(stderr.contains("there is no buildah on this machine; install 1.23 or later"), "{stderr}");
}

#[test]
fn bad_input_is_refused_before_anything_is_run() {
    let desk = Desk::new("");
    let name = |name: &str| fs::write(desk.path("other.yaml"), desk.text("mc.yaml").replace(NAME, name)).unwrap();
    let with = |changes: &[(usize, &'static str)], more: &[&'static str]| {
        let mut arguments: Vec<&str> = GOOD.to_vec();
        changes.iter().for_each(|(at, value)| arguments[*at] = value);
        desk.run(&[arguments, more.to_vec()].concat())
    };
    name("worker");
    fs::write(desk.path("kernel.yaml"), format!("apiVersion: machineconfiguration.openshift.io/v1\nkind: MachineConfig\nmetadata: {{name: {NAME}}}\nspec: {{kernelArguments: [nosmt]}}\n")).unwrap();
    fs::write(desk.path("bom"), "\u{feff}FROM configs\n").unwrap();
    fs::write(desk.path("other"), "RUN x\nFROM alpine\n").unwrap();
    fs::write(desk.path("utf16"), b"\xff\xfeF\0R\0O\0M\0").unwrap();
    let no_config = format!("kernel.yaml: MachineConfig {NAME}: key spec.config: it is missing");
    for (changes, more, expected) in [
        (vec![(2, "kernel.yaml")], vec![], no_config.as_str()),
        (vec![], vec!["--containerfile", "bom"], "--containerfile: there is a byte order mark in line 1"),
        (
            vec![],
            vec!["--containerfile", "other"],
            "--containerfile: its last stage is made from \"alpine\" (FROM in line 2)",
        ),
        (vec![], vec!["--containerfile", "utf16"], "failed to read utf16"),
        (vec![(6, "org/os")], vec![], "--final-image: \"org/os\" does not begin with a registry host; to fix it, set"),
        (vec![(4, "a b")], vec![], "--base-image: \"a b\" is not an image reference"),
        (vec![(4, "a\nb")], vec![], "--base-image: \"a\\nb\" has a line break"),
        (vec![], vec!["--extensions-image", "A/B"], "--extensions-image: \"A/B\" is not an image reference"),
        (vec![], vec!["--release-version", "\n"], "--release-version: it is empty; to fix it, set it to the version"),
        (vec![], vec!["--pool", "A"], "--pool: \"A\" cannot be the name of a pool"),
        (vec![], vec!["--containerfile", "none"], "failed to read none"),
        (vec![], vec!["--authfile", "none"], "failed to read none"),
        (vec![], vec!["--authfile", "mc.yaml"], "failed to parse mc.yaml"),
        (vec![(2, "none.yaml")], vec![], "failed to read none.yaml"),
        (
            vec![(2, "other.yaml")],
            vec![],
            "other.yaml: MachineConfig worker: \"worker\" is not a rendered MachineConfig",
        ),
    ] {
        let (code, stdout, stderr) = with(&changes, &more);
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{expected}");
        assert!(stderr.starts_with(&format!("error: {expected}")), "{stderr} {expected}");
    }
    assert_eq!(desk.text("calls"), "");
}

#[test]
fn who_ends_it_ends_buildah_too() {
    let desk = Desk::new("[[ $1 != build ]] || { echo $$ > \"$CALLS.pid\"; exec /bin/sleep 600; }");
    let arguments = [&GOOD[..], &["--no-push", "--output", "image.tar"]].concat();
    let build = desk.command(&arguments).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !desk.text("calls.pid").ends_with('\n') {
        assert!(Instant::now() < deadline, "the build has not begun");
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = desk.text("calls.pid").trim().to_owned();
    assert!(Command::new("kill").args(["-INT", &build.id().to_string()]).status().unwrap().success());
    let (code, stdout, stderr) = said(build.wait_with_output().unwrap());
    assert_eq!((code, stdout.as_str()), (Some(130), ""), "{stderr}");
    assert!(stderr.contains("the build was ended by signal 2"), "{stderr}");
    // Its new parent may not have reaped it yet.
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
    assert_eq!(desk.left(), Vec::<String>::new());
}

#[test]
fn what_is_not_made_from_configs_is_refused_and_not_pushed() {
    let desk = Desk::new("[[ $1 != inspect ]] || { echo; exit; }");
    let arguments = [&GOOD[..], &["--no-push", "--output", "image.tar"]].concat();
    let (code, stdout, stderr) = desk.run(&arguments);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    let error = stderr.rsplit_once("error: ").unwrap().1;
    assert!(error.contains("the last stage of the Containerfile is not made from configs"), "{error}");
    assert!(!desk.text("calls").contains("buildah push") && !desk.path("image.tar").exists());
}

#[test]
fn what_a_long_step_said_is_in_what_is_said_last() {
    let step = format!("RUN dnf -y install {}", "package-with-a-long-name ".repeat(80));
    let said = format!(
        "STEP 2/2: {step}\nE: Unable to find a match: tmuxx\nError: building at STEP \"{step}\": exit status 1"
    );
    let desk = Desk::new("[[ $1 != build ]] || { cat \"$CALLS.said\"; exit 1; }");
    fs::write(desk.path("calls.said"), said).unwrap();
    let (code, _, stderr) = desk.run(&GOOD);
    assert_eq!(code, Some(1));
    let error = stderr.rsplit_once("error: ").unwrap().1;
    assert!(error.contains("\nfailed to build the image: E: Unable to find a match: tmuxx\n"), "{error}");
    assert!(error.len() < 1024, "{error}");
}
