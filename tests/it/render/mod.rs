//! `render`, as a user runs it: files in, objects out, and errors that name file, key and fix.

mod left_out;

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use machine_os_builder::reconcile::objects::payload::Payload;
use machine_os_builder::yaml;
use serde_json::{Value, json};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

const GOOD: [&str; 4] = ["pool.yaml", "rendered-machineconfig.yaml", "osimageurl.yaml", "build-config.yaml"];

/// Runs `render` in a directory with the good fixtures in it, after `change`.
fn render(change: impl FnOnce(&Path), arguments: &[&str]) -> (bool, String, String, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    for name in GOOD {
        fs::copy(fixture(name), directory.path().join(name)).unwrap();
    }
    change(directory.path());
    let output = Command::cargo_bin("machine-os-builder")
        .unwrap()
        .current_dir(directory.path())
        .arg("render")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr), directory)
}

fn objects(stdout: &str) -> Vec<Value> {
    yaml::parse(stdout).unwrap().into_iter().filter(|document| !document.is_null()).collect()
}

/// Replaces a piece of a file's text.
fn edit(file: &'static str, from: &'static str, to: &str) -> impl FnOnce(&Path) + use<> {
    let to = to.to_owned();
    move |directory| {
        let path = directory.join(file);
        let before = fs::read_to_string(&path).unwrap();
        assert!(before.contains(from), "{file} has no {from:?}");
        fs::write(path, before.replace(from, &to)).unwrap();
    }
}

#[test]
fn every_object_of_the_build_comes_out() {
    let (ok, stdout, stderr, _directory) = render(|_| {}, &GOOD);
    assert!(ok, "{stderr}");
    let objects = objects(&stdout);
    let names: Vec<_> =
        objects.iter().map(|o| (o["kind"].as_str().unwrap(), o["metadata"]["name"].as_str().unwrap())).collect();
    const R: &str = "rendered-worker-0123456789abcdef0123456789abcdef";
    assert_eq!(
        names,
        [
            ("ConfigMap", format!("mc-{R}").as_str()),
            ("ConfigMap", format!("dockerfile-{R}").as_str()),
            ("Pod", format!("build-{R}").as_str()),
        ]
    );
    let payload = objects[0]["data"]["machineconfig.json.gz"].as_str().unwrap();
    let original = yaml::parse(&fs::read_to_string(fixture("rendered-machineconfig.yaml")).unwrap()).unwrap().remove(0);
    assert_eq!(Payload::decode(payload).unwrap(), original);
    assert_eq!(original["spec"]["config"]["storage"]["files"][0]["mode"], 0o644);
    assert_eq!(objects[2]["spec"]["containers"][0]["env"][1]["value"], format!("registry.test/org/os:{R}"));
}

#[test]
fn the_pod_is_what_it_was() {
    let (_, stdout, ..) = render(|_| {}, &GOOD);
    let mut pod = objects(&stdout).remove(2);
    for container in pod["spec"]["containers"].as_array_mut().unwrap() {
        container["command"][2] = json!("(a script)");
    }
    insta::assert_snapshot!(yaml::print(&pod));
}

#[test]
fn the_build_is_what_it_was() {
    let asked_for = edit("build-config.yaml", "data:\n", "data:\n  imageBuilderType: openshift-image-builder\n");
    let (ok, stdout, stderr, _directory) = render(asked_for, &GOOD);
    assert!(ok, "{stderr}");
    let (mut pod, mut build) = (objects(&render(|_| {}, &GOOD).1).remove(2), objects(&stdout).remove(2));
    // The annotations for the admission of pods are of no use to a Build.
    pod["metadata"]["annotations"].as_object_mut().unwrap().remove("openshift.io/required-scc").unwrap();
    assert_eq!(build["metadata"], pod["metadata"], "a build is named, labelled and annotated the same way by all");
    let containerfile = objects(&stdout).remove(1)["data"]["Dockerfile"].take();
    assert_eq!(build["spec"]["source"]["dockerfile"], containerfile);
    assert!(containerfile.as_str().unwrap().contains("\nCOPY machineconfig/machineconfig.json.gz "), "{containerfile}");
    build["spec"]["source"]["dockerfile"] = json!("(the Containerfile)");
    insta::assert_snapshot!(yaml::print(&build));
}

#[test]
fn a_build_holds_less_of_a_containerfile_than_a_config_map() {
    let text = |bytes: usize| format!("FROM configs AS final\n# {}", "x".repeat(bytes));
    for (builder, bytes, problem) in [
        ("openshift-image-builder", 50_000, None),
        ("openshift-image-builder", 60_000, Some("and a Build holds 60000")),
        ("openshift-image-builder", 2 << 20, Some("and a Build holds 60000")),
        ("custom-pod-builder", 60_000, None),
        ("custom-pod-builder", 900_000, None),
        ("custom-pod-builder", 1 << 20, Some("and a ConfigMap holds")),
    ] {
        let custom = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "on-cluster-build-custom-dockerfile"},
            "data": {"worker": text(bytes)},
        });
        let change = |directory: &Path| {
            fs::write(directory.join("custom.yaml"), custom.to_string()).unwrap();
            let config = fs::read_to_string(directory.join("build-config.yaml")).unwrap();
            let config = config.replace("data:\n", &format!("data:\n  imageBuilderType: {builder}\n"));
            fs::write(directory.join("build-config.yaml"), config).unwrap();
        };
        let (ok, _, stderr, _directory) = render(change, &[&GOOD[..], &["custom.yaml"]].concat());
        assert_eq!(ok, problem.is_none(), "{builder} {bytes}: {stderr}");
        let Some(problem) = problem else { continue };
        let place =
            "custom.yaml: ConfigMap on-cluster-build-custom-dockerfile: key worker: with it the Containerfile takes ";
        assert!(stderr.contains(place) && stderr.contains(problem), "{stderr}");
        assert_eq!(
            stderr.contains("or set imageBuilderType to custom-pod-builder"),
            problem.contains("Build"),
            "{stderr}"
        );
    }
}

#[test]
fn the_containerfile_can_be_had_alone_and_as_files() {
    let (_, alone, ..) = render(|_| {}, &["--containerfile", GOOD[0], GOOD[1], GOOD[2], GOOD[3]]);
    assert!(alone.contains("FROM registry.test/release/os:9 AS configs"), "{alone}");
    let (ok, listed, stderr, directory) = render(|_| {}, &["--output-dir", "out", GOOD[0], GOOD[1], GOOD[2], GOOD[3]]);
    assert!(ok, "{stderr}");
    assert_eq!(listed.lines().count(), 4);
    assert_eq!(fs::read_to_string(directory.path().join("out/Containerfile")).unwrap(), alone);
}

#[test]
fn a_legacy_secret_among_the_files_is_rendered_in_its_canonical_form() {
    let body = "eyJyZWdpc3RyeS50ZXN0Ijp7ImF1dGgiOiJkVHB3In19"; // {"registry.test":{"auth":"dTpw"}}
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: push}}\ntype: kubernetes.io/dockercfg\ndata: {{.dockercfg: {body}}}\n"
    );
    let (ok, stdout, stderr, _directory) = render(
        |directory| fs::write(directory.join("secret.yaml"), secret).unwrap(),
        &[GOOD[0], GOOD[1], GOOD[2], GOOD[3], "secret.yaml"],
    );
    assert!(ok, "{stderr}");
    let objects = objects(&stdout);
    assert_eq!(objects[0]["metadata"]["name"], "push-canonical");
    let volumes = objects[3]["spec"]["volumes"].as_array().unwrap();
    assert!(volumes.iter().any(|volume| volume["secret"]["secretName"] == "push-canonical"), "{volumes:?}");
}

#[test]
fn l32_a_line_break_in_a_value_never_reaches_the_containerfile() {
    let (ok, stdout, stderr, _directory) = render(edit("osimageurl.yaml", "4.16.0", "\"4.16.0\\nRUN evil\""), &GOOD);
    assert!(!ok && stdout.is_empty(), "{stdout}");
    assert!(stderr.contains("control character"), "{stderr}");
}

/// Each kind of bad input, and what the error has to name: the file, the key, and the fix.
/// Writes the ConfigMap of Containerfile texts.
fn custom(fields: &'static str) -> impl FnOnce(&Path) {
    let head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: on-cluster-build-custom-dockerfile}";
    move |directory| fs::write(directory.join("custom.yaml"), format!("{head}\n{fields}\n")).unwrap()
}

#[test]
fn a_wrapped_secret_and_one_in_words_are_read_as_a_cluster_reads_them() {
    let head = "apiVersion: v1\nkind: Secret\nmetadata: {name: push}\ntype: kubernetes.io/dockerconfigjson";
    // {"auths":{"registry.test":{"auth":"dTpw"}}}, and the same with username and password.
    for (data, is_canonical) in [
        (
            "data:\n  .dockerconfigjson: |\n    eyJhdXRocyI6eyJyZWdpc3RyeS50ZXN0Ijp7\n    ImF1dGgiOiJkVHB3In19fQ==\n",
            false,
        ),
        (
            "stringData: {.dockerconfigjson: '{\"auths\":{\"registry.test\":{\"username\":\"u\",\"password\":\"p\"}}}'}\n",
            true,
        ),
    ] {
        let (ok, stdout, stderr, _directory) = render(
            |directory| fs::write(directory.join("secret.yaml"), format!("{head}\n{data}")).unwrap(),
            &[GOOD[0], GOOD[1], GOOD[2], GOOD[3], "secret.yaml"],
        );
        assert!(ok, "{stderr}");
        assert_eq!(stdout.contains("push-canonical"), is_canonical, "{stdout}");
        // {"auths":{"registry.test":{"auth":"dTpw",…
        assert_eq!(stdout.contains("eyJhdXRocyI6eyJyZWdpc3RyeS50ZXN0Ijp7ImF1dGgiOiJkVHB3Ii"), is_canonical, "{stdout}");
    }
}

#[test]
fn bad_input_is_refused_with_file_key_and_fix() {
    /// A change of the files in the directory, and the names of those that are rendered.
    type Given = (Box<dyn FnOnce(&Path)>, Vec<&'static str>);
    let without = |file: &'static str| -> Vec<&'static str> { GOOD.into_iter().filter(|name| *name != file).collect() };
    let given = |files: Vec<&'static str>| -> Given { (Box::new(|_: &Path| {}), files) };
    let edited = |file, from, to: &str| -> Given { (Box::new(edit(file, from, to)), GOOD.to_vec()) };
    let customised = |fields| -> Given { (Box::new(custom(fields)), [GOOD.to_vec(), vec!["custom.yaml"]].concat()) };
    let incompressible: String =
        (0..40_000u32).map(|n| machine_os_builder::api::names::sha256_hex(n.to_be_bytes())).collect();
    let cases: Vec<(&str, Given, &[&str])> = vec![
        (
            "missing key",
            edited("build-config.yaml", "  finalImagePullspec: registry.test/org/os:latest\n", ""),
            &["build-config.yaml: ConfigMap on-cluster-build-config: key finalImagePullspec: it is missing", "set it"],
        ),
        (
            "empty key",
            edited("osimageurl.yaml", "registry.test/release/os:9", "\"\""),
            &["osimageurl.yaml: ConfigMap machine-config-osimageurl: key baseOSContainerImage: it is empty", "set it"],
        ),
        (
            "unparsable pullspec",
            edited("build-config.yaml", "registry.test/org/os:latest", "\"registry.test/UPPER\""),
            &[
                "build-config.yaml",
                "key finalImagePullspec",
                "is not an image reference",
                "set it to registry-host/repository",
            ],
        ),
        (
            "digested pullspec",
            edited("build-config.yaml", ":latest", &format!("@sha256:{}", "0".repeat(64))),
            &["build-config.yaml", "key finalImagePullspec", "names a digest", "set it to registry-host/repository"],
        ),
        (
            "pullspec without a host",
            edited("build-config.yaml", "registry.test/org/os", "org/os"),
            &[
                "build-config.yaml",
                "key finalImagePullspec",
                "does not begin with a registry host",
                "set it to registry-host/repository",
            ],
        ),
        (
            "unknown builder",
            edited("build-config.yaml", "data:\n", "data:\n  imageBuilderType: kaniko\n"),
            &[
                "build-config.yaml",
                "key imageBuilderType: \"kaniko\" is no image builder",
                "set it to custom-pod-builder or openshift-image-builder",
            ],
        ),
        (
            "bad secret name",
            edited("build-config.yaml", "SecretName: push", "SecretName: \"../push\""),
            &[
                "build-config.yaml",
                "key finalImagePushSecretName: \"../push\" cannot be the name of a Secret",
                "name an existing Secret",
            ],
        ),
        (
            "missing ConfigMap",
            given(without("osimageurl.yaml")),
            &[
                "pool.yaml, rendered-machineconfig.yaml, build-config.yaml: ConfigMap machine-config-osimageurl: it does not exist",
                "create it",
            ],
        ),
        (
            "missing MachineConfig",
            given(without("rendered-machineconfig.yaml")),
            &[
                "MachineConfig rendered-worker-0123456789abcdef0123456789abcdef: it does not exist",
                "spec.configuration.name",
            ],
        ),
        (
            "config that is not rendered",
            edited("pool.yaml", "rendered-worker", "worker"),
            &[
                "pool.yaml: MachineConfigPool worker: key spec.configuration.name",
                "is not a rendered MachineConfig",
                "set it to the name",
            ],
        ),
        (
            "pool that is not rendered yet",
            edited("pool.yaml", "rendered-worker-0123456789abcdef0123456789abcdef", "\"\""),
            &["pool.yaml: MachineConfigPool worker: key spec.configuration.name: it is missing", "set it to the name"],
        ),
        (
            "payload too large",
            edited("rendered-machineconfig.yaml", "example%0A", &incompressible),
            &[
                "rendered-machineconfig.yaml: MachineConfig rendered-worker-",
                "after compression",
                "move large files out",
            ],
        ),
        (
            "control character",
            edited("osimageurl.yaml", "4.16.0", "\"4.16\\t0\""),
            &["osimageurl.yaml", "key releaseVersion", "control character", "remove it"],
        ),
        ("no pool", given(without("pool.yaml")), &["there is no MachineConfigPool in", "add the file with the pool"]),
        ("no such file", given(vec!["nowhere.yaml"]), &["failed to read nowhere.yaml", "No such file"]),
        ("not YAML", edited("pool.yaml", "spec:", "spec: ["), &["failed to parse pool.yaml as YAML", "line"]),
        (
            "not an object",
            edited("pool.yaml", "kind: MachineConfigPool\n", ""),
            &["pool.yaml: document 1 is no Kubernetes object", "give it an apiVersion, a kind"],
        ),
        (
            "another kind",
            edited("osimageurl.yaml", "kind: ConfigMap", "kind: Service"),
            &["osimageurl.yaml: document 1", "kind \"Service\"", "leave it out"],
        ),
        (
            "an image that is not of this system",
            customised("data: {worker: \"FROM alpine\"}"),
            &["custom.yaml: ConfigMap on-cluster-build-custom-dockerfile: key worker: its last stage", "FROM configs"],
        ),
        (
            "text that is not UTF-8",
            customised("binaryData: {worker: RlJPTSDp}"),
            &[
                "custom.yaml: ConfigMap on-cluster-build-custom-dockerfile: key worker: it stands in binaryData",
                "UTF-8",
            ],
        ),
        ("twice", given(vec!["pool.yaml", "pool.yaml"]), &["MachineConfigPool worker", "leave one of them out"]),
    ];
    for (what, (change, files), expected) in cases {
        let (ok, stdout, stderr, _directory) = render(change, &files);
        assert!(!ok && stdout.is_empty(), "{what}: {stdout}");
        assert!(stderr.starts_with("error: "), "{what}: {stderr}");
        for part in expected {
            assert!(stderr.contains(part), "{what}: {part:?} is not in {stderr}");
        }
    }
}

#[test]
fn the_samples_render() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/samples");
    let mut files: Vec<_> = fs::read_dir(samples).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let files: Vec<_> = files.iter().map(|file| file.to_str().unwrap()).collect();
    let (ok, stdout, stderr, _directory) = render(|_| {}, &files);
    assert!(ok, "{stderr}");
    assert_eq!(objects(&stdout).len(), 3);
}
