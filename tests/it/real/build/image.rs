//! The content of a pushed image, compared with its MachineConfig.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::Value;
use tempfile::TempDir;

use crate::real::registry::Registry;
use crate::real::{output_of, temporary_directory};

const UNITS: &str = "/etc/systemd/system";
const PRESETS: &str = "/etc/systemd/system-preset/20-ignition.preset";

/// An image, each of its layers in a directory of its own.
pub(super) struct Unpacked {
    pub directory: TempDir,
    /// The topmost first.
    layers: Vec<PathBuf>,
}

/// Pulls an image, and unpacks it.
pub(super) fn unpack(registry: &Registry, image: &str) -> Unpacked {
    let directory = temporary_directory();
    let pulled = directory.path().join("image");
    output_of(
        registry
            .skopeo()
            .args(["copy", "--quiet", &format!("docker://{image}")])
            .arg(format!("dir:{}", pulled.display())),
    );
    let manifest: Value = serde_json::from_slice(&fs::read(pulled.join("manifest.json")).unwrap()).unwrap();
    let mut layers = Vec::new();
    for (number, layer) in manifest["layers"].as_array().unwrap().iter().enumerate() {
        let blob = pulled.join(layer["digest"].as_str().unwrap().trim_start_matches("sha256:"));
        let into = directory.path().join(format!("layer-{number}"));
        fs::create_dir(&into).unwrap();
        output_of(
            Command::new("tar")
                .args(["--extract", "--preserve-permissions", "--numeric-owner", "--file"])
                .arg(blob)
                .arg("--directory")
                .arg(&into),
        );
        layers.insert(0, into);
    }
    Unpacked { directory, layers }
}

impl Unpacked {
    /// The file at `path`; a build removes none, so whiteouts are not looked at.
    fn find(&self, path: &str) -> PathBuf {
        let inside = path.trim_start_matches('/');
        let mut places = self.layers.iter().map(|layer| layer.join(inside));
        places.find(|place| place.symlink_metadata().is_ok()).unwrap_or_else(|| panic!("{path} is not in the image"))
    }
}

/// Makes sure that everything that a MachineConfig's Ignition config asks for is in an image.
pub(super) fn assert_holds(image: &Unpacked, machine_config: &Value) {
    let config = &machine_config["spec"]["config"];
    let files = list(&config["storage"]["files"]);
    assert!(!files.is_empty());
    for file in files {
        let path = file["path"].as_str().unwrap();
        let (place, contents) = (image.find(path), contents_of(&file["contents"]));
        assert!(fs::read(&place).unwrap() == contents, "{path} has other contents");
        assert_mode(&place, path, file["mode"].as_u64().unwrap());
        let metadata = fs::metadata(&place).unwrap();
        let id = |who: &str| file[who]["id"].as_u64().unwrap_or(0);
        assert_eq!((u64::from(metadata.uid()), u64::from(metadata.gid())), (id("user"), id("group")), "{path}");
    }
    let presets = fs::read_to_string(image.find(PRESETS)).unwrap();
    for unit in list(&config["systemd"]["units"]) {
        assert_unit(image, unit, &presets);
    }
    let current = fs::read(image.find("/etc/machine-config-daemon/currentconfig")).unwrap();
    let current: Value = serde_json::from_slice(&current).unwrap();
    assert_eq!(current["spec"], machine_config["spec"], "the config itself is in the image");
}

fn assert_unit(image: &Unpacked, unit: &Value, presets: &str) {
    let name = unit["name"].as_str().unwrap();
    let path = format!("{UNITS}/{name}");
    if unit["mask"] == true {
        assert_eq!(fs::read_link(image.find(&path)).unwrap(), Path::new("/dev/null"), "{name}");
    } else if let Some(contents) = unit["contents"].as_str() {
        assert_text(image, &path, contents);
    }
    for dropin in list(&unit["dropins"]) {
        assert_text(
            image,
            &format!("{path}.d/{}", dropin["name"].as_str().unwrap()),
            dropin["contents"].as_str().unwrap(),
        );
    }
    if let Some(is_enabled) = unit["enabled"].as_bool() {
        let line = format!("{} {name}", if is_enabled { "enable" } else { "disable" });
        assert!(presets.lines().any(|preset| preset == line), "{line}: {presets}");
    }
}

fn assert_text(image: &Unpacked, path: &str, contents: &str) {
    let place = image.find(path);
    assert_eq!(fs::read_to_string(&place).unwrap(), contents, "{path}");
    assert_mode(&place, path, 0o644);
}

fn assert_mode(place: &Path, path: &str, mode: u64) {
    let found = u64::from(fs::symlink_metadata(place).unwrap().mode() & 0o7777);
    assert_eq!(found, mode, "{path}: {found:o}");
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The expected content of a file, from its data URL.
fn contents_of(contents: &Value) -> Vec<u8> {
    let (head, data) = contents["source"].as_str().unwrap().split_once(',').unwrap();
    let bytes = if head.ends_with(";base64") { STANDARD.decode(data).unwrap() } else { percent_decoded(data) };
    if contents["compression"] != "gzip" {
        return bytes;
    }
    let mut text = Vec::new();
    GzDecoder::new(bytes.as_slice()).read_to_end(&mut text).unwrap();
    text
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(&part.as_bytes()[2..]);
    }
    bytes
}
