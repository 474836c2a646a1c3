//! `inspect`, as a user runs it, on images that are made here, byte by byte.
#![cfg(feature = "images")]

mod fixture;
mod layout;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use fixture::{CURRENT_CONFIG, Image, NAME, PRESETS, UNITS, machine_config};
use layout::{Compression, Entry, directory, file, link};
use serde_json::{Value, json};
use tempfile::TempDir;

fn inspect(directory: &Path, image: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = Command::cargo_bin("machine-os-builder")
        .unwrap()
        .current_dir(directory)
        .args(["inspect", image, "--machine-config", "mc.yaml"])
        .args(more)
        .output()
        .unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// The differences that `inspect` prints for the good image after `change`.
fn differences(change: impl FnOnce(&mut Image)) -> Vec<String> {
    let (directory, mut image) = (TempDir::new().unwrap(), Image::good());
    change(&mut image);
    image.write(directory.path());
    let (code, stdout, stderr) = inspect(directory.path(), "oci:image", &[]);
    let lines: Vec<String> = stdout.lines().map(str::to_owned).collect();
    let (summary, lines) = lines.split_last().unwrap_or_else(|| panic!("{stderr}"));
    let differences: Vec<String> = lines.iter().filter(|line| !line.contains("not checked")).cloned().collect();
    assert_eq!(code, Some(i32::from(!differences.is_empty())), "{stdout}{stderr}");
    assert!(summary.contains(&format!("checked: {} difference", differences.len())), "{stdout}");
    assert!(!stdout.contains("key@") && !stdout.contains("built here"), "{stdout}");
    differences
}

#[test]
fn nothing_differs_in_the_image_of_the_config() {
    let directory = TempDir::new().unwrap();
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let _ = fs::remove_dir_all(directory.path().join("image"));
        Image { compression, ..Image::good() }.write(directory.path());
        layout::pack(&directory.path().join("image"), &directory.path().join("image.tar"));
        for image in ["oci:image", "oci-archive:image.tar"] {
            let (code, stdout, stderr) = inspect(directory.path(), image, &[]);
            assert_eq!((code, stderr.as_str()), (Some(0), ""), "{compression:?} {image} {stdout}");
            assert_eq!(
                stdout,
                "/etc/remote: not checked: its contents come from https://host.test\n\
                 spec.config.passwd: not checked: Ignition does not apply it in a container build\n\
                 spec.kernelArguments: not checked: a build does not apply it; the node does\n\
                 5 files, 3 units, 1 directory, 2 links, 1 drop-in, 2 presets, 4 labels and currentconfig checked: \
                 0 differences\n"
            );
        }
    }
}

#[test]
fn every_kind_of_difference_is_told() {
    type Change = fn(&mut Image);
    let unit = |name: &str| format!("{UNITS}/{name}");
    let table: Vec<(Change, Vec<String>)> = vec![
        (|image| image.remove("/etc/dir"), vec!["/etc/dir: kind: asked for a directory, found nothing".into()]),
        (
            |image| image.change("/etc/dir", |dir| dir.mode = 0o755),
            vec!["/etc/dir: mode: asked for 0700, found 0755".into()],
        ),
        (
            |image| image.change("/etc/owned", |file| file.owner = (0, 11)),
            vec![
                "/etc/owned: user: asked for core (1000), found 0".into(),
                "/etc/owned: group: asked for 10, found 11".into(),
            ],
        ),
        (
            |image| image.base[0] = file("/etc/passwd", "root:x:0:0::/:/bin/sh\n"),
            vec!["/etc/owned: user: asked for core, which the image does not know, found 1000".into()],
        ),
        (
            |image| image.change("/var/usrlocal/bin/tool", |file| file.text.push('x')),
            vec!["/usr/local/bin/tool: contents: asked for 10 bytes, sha256 ".into()],
        ),
        (
            |image| image.change("/etc/issue", |file| file.text.push('\n')),
            vec!["/etc/issue: contents: asked for to end with 8 bytes, sha256 ".into()],
        ),
        (
            |image| image.change("/etc/link", |link| link.text = "/else\u{1b}[1m".into()),
            vec!["/etc/link: target: asked for ../usr/share/x, found /else\\u{1b}[1m".into()],
        ),
        (
            |image| image.top.push(file("/etc/same", "built here\n").mode(0o600)),
            vec!["/etc/same: kind: asked for the same as /etc/motd, found a file of 11 bytes, sha256 ".into()],
        ),
        (
            |image| image.change(&format!("{UNITS}/a.service"), |unit| *unit = link(&unit.path, "/dev/null")),
            vec![format!("{}: kind: asked for a file, found a link to /dev/null", unit("a.service"))],
        ),
        (
            |image| image.remove(&format!("{UNITS}/a.service.d/10.conf")),
            vec![format!("{}: kind: asked for a file, found nothing", unit("a.service.d/10.conf"))],
        ),
        (
            |image| image.remove(&format!("{UNITS}/b.service")),
            vec![format!("{}: kind: asked for a link to /dev/null, found nothing", unit("b.service"))],
        ),
        (
            |image| image.change(PRESETS, |file| file.text = "enable c@.service\n".into()),
            vec![
                format!("{PRESETS}: preset: asked for a.service enabled, found no word of it"),
                format!("{PRESETS}: preset: asked for c@x.service disabled, found enabled"),
            ],
        ),
        (
            |image| image.change(CURRENT_CONFIG, |file| file.text = file.text.replace("quiet", "loud")),
            vec![format!("{CURRENT_CONFIG}#/spec/kernelArguments/0: field: asked for a string of 5 bytes, sha256 ")],
        ),
        (
            |image| image.change(CURRENT_CONFIG, |file| file.text.truncate(20)),
            vec![format!(
                "{CURRENT_CONFIG}: contents: asked for the MachineConfig as JSON, found 20 bytes that are no JSON"
            )],
        ),
        (
            |image| {
                image.labels =
                    json!({"machineconfig": "rendered-worker-2", "machineconfigpool": "", "releaseversion": ""});
            },
            vec![
                "baseOSContainerImage: label: asked for any, found missing".into(),
                format!("machineconfig: label: asked for {NAME}, found rendered-worker-2"),
            ],
        ),
    ];
    for (number, (change, expected)) in table.into_iter().enumerate() {
        let found = differences(change);
        assert_eq!(found.len(), expected.len(), "row {number}: {found:#?}");
        for (found, expected) in found.iter().zip(&expected) {
            // The hashes are checked below; this test checks the words.
            let expected = expected.split("sha256 ").next().unwrap();
            assert!(found.starts_with(expected), "row {number}: {found} {expected}");
        }
    }
}

#[test]
fn hashes_are_those_of_sha256sum() {
    let found = differences(|image| image.change("/etc/owned", |file| file.text = "hello\n".into()));
    let secret = "6 bytes, sha256 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let hello = "6 bytes, sha256 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    assert_eq!(found, [format!("/etc/owned: contents: asked for {secret}, found {hello}")]);
}

#[test]
fn layers_are_applied_in_order() {
    let hidden = |entries: Vec<Entry>| {
        differences(|image| {
            image.remove("/etc/dir");
            image.base.push(directory("/etc/dir", 0o700));
            image.base.push(file("/etc/dir/x", ""));
            image.top.extend(entries);
        })
    };
    assert_eq!(hidden(vec![]), Vec::<String>::new());
    assert_eq!(hidden(vec![file("/etc/.wh.dir", "")]), ["/etc/dir: kind: asked for a directory, found nothing"]);
    assert_eq!(hidden(vec![file("/etc/.wh..wh..opq", "")]).len(), 2, "passwd and the directory are gone");
    assert_eq!(hidden(vec![file("/etc/dir/.wh..wh..opq", "")]), Vec::<String>::new());
    assert_eq!(hidden(vec![file("/etc/dir", "")]).len(), 1);
}

#[test]
fn differences_come_as_json_too() {
    let (directory, mut image) = (TempDir::new().unwrap(), Image::good());
    image.remove("/etc/dir");
    image.write(directory.path());
    let (code, stdout, _) = inspect(directory.path(), "oci:image", &["-o", "json"]);
    assert_eq!(code, Some(1));
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["checked"]["files"], 5);
    assert!(report["digest"].as_str().unwrap().starts_with("sha256:"));
    let expected = json!([{"path": "/etc/dir", "aspect": "kind", "asked": "a directory", "found": "nothing"}]);
    assert_eq!(report["differences"], expected);
}

/// The blob of the image's last layer, and the manifest's.
fn blobs(directory: &Path) -> (PathBuf, PathBuf) {
    let path = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap().replace(':', "/");
        directory.join("image/blobs").join(digest)
    };
    let read = |path: &Path| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let manifest = path(&read(&directory.join("image/index.json"))["manifests"][0]);
    (path(&read(&manifest)["layers"][1]), manifest)
}

#[test]
fn what_cannot_be_read_is_an_error() {
    type Damage = fn(&Path);
    let table: [(Damage, &str); 8] = [
        (|at| damage(&blobs(at).0), "layer 2 of 2, sha256:"),
        (|at| damage(&blobs(at).1), "is damaged: it hashes to sha256:"),
        (|at| fs::write(blobs(at).0, "").unwrap(), "is damaged"),
        (|at| fs::remove_file(blobs(at).0).unwrap(), "failed to find blobs/sha256/"),
        (|at| fs::remove_file(at.join("image/index.json")).unwrap(), "failed to find index.json in image"),
        (|at| fs::write(at.join("image/index.json"), "{").unwrap(), "failed to parse index.json of image"),
        (|at| fs::write(at.join("mc.yaml"), "kind: Pool").unwrap(), "is no Kubernetes object"),
        (
            |at| {
                let text = machine_config().to_string().replace("3.4.0", "2.2.0");
                fs::write(at.join("mc.yaml"), text).unwrap();
            },
            "key spec.config.ignition.version: it is no version 3.x.y",
        ),
    ];
    for (number, (damage, expected)) in table.into_iter().enumerate() {
        let directory = TempDir::new().unwrap();
        Image::good().write(directory.path());
        damage(directory.path());
        let (code, stdout, stderr) = inspect(directory.path(), "oci:image", &[]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "row {number}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(expected), "row {number}: {stderr}");
    }
}

/// Changes one bit.
fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn images_that_are_not_there_are_an_error() {
    let directory = TempDir::new().unwrap();
    Image::good().write(directory.path());
    for (image, expected) in [
        ("oci-archive:none.tar", "failed to read none.tar"),
        ("oci:image:v2", "there is no image v2 in image"),
        ("os:1", "does not begin with a registry host"),
        ("registry.test/os:1 ", "is not an image reference"),
        ("127.0.0.1:1/os:1", "failed to read 127.0.0.1:1/os:1 from its registry"),
    ] {
        let (code, stdout, stderr) = inspect(directory.path(), image, &["--plain-http"]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{image} {stderr}");
        assert!(stderr.contains(expected), "{image} {stderr}");
    }
    let (code, _, stderr) = inspect(directory.path(), "registry.test/os:1", &["--plain-http"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("over TLS only"), "{stderr}");
}
