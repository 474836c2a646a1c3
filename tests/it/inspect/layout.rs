//! OCI image layouts made by hand.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

/// How a layer is compressed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// One entry of a layer.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub path: String,
    pub kind: EntryType,
    pub mode: u32,
    pub owner: (u64, u64),
    /// Contents of a file, target of a link.
    pub text: String,
}

pub(super) fn file(path: &str, text: &str) -> Entry {
    Entry { path: path.into(), kind: EntryType::Regular, mode: 0o644, owner: (0, 0), text: text.into() }
}

pub(super) fn directory(path: &str, mode: u32) -> Entry {
    Entry { kind: EntryType::Directory, mode, ..file(path, "") }
}

pub(super) fn link(path: &str, target: &str) -> Entry {
    Entry { kind: EntryType::Symlink, mode: 0o777, ..file(path, target) }
}

pub(super) fn hard_link(path: &str, target: &str) -> Entry {
    Entry { kind: EntryType::Link, ..file(path, target) }
}

impl Entry {
    pub(super) fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    pub(super) fn owner(self, uid: u64, gid: u64) -> Self {
        Self { owner: (uid, gid), ..self }
    }
}

fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for entry in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(entry.kind);
        header.set_mode(entry.mode);
        header.set_uid(entry.owner.0);
        header.set_gid(entry.owner.1);
        let path = entry.path.trim_start_matches('/');
        if matches!(entry.kind, EntryType::Symlink | EntryType::Link) {
            header.set_size(0);
            builder.append_link(&mut header, path, &entry.text).unwrap();
        } else {
            header.set_size(entry.text.len() as u64);
            builder.append_data(&mut header, path, entry.text.as_bytes()).unwrap();
        }
    }
    builder.into_inner().unwrap()
}

fn compress(bytes: Vec<u8>, compression: Compression) -> Vec<u8> {
    match compression {
        Compression::None => bytes,
        Compression::Gzip => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(&bytes).unwrap();
            gzip.finish().unwrap()
        }
        Compression::Zstd => {
            // Two frames, and one to be skipped, as tools that fetch parts of layers write them.
            let (first, second) = bytes.split_at(bytes.len() / 2);
            let mut frames = zstd::encode_all(first, 1).unwrap();
            frames.extend([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
            frames.extend(zstd::encode_all(second, 1).unwrap());
            frames
        }
    }
}

fn blob(layout: &Path, media_type: &str, bytes: &[u8]) -> Value {
    let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let directory = layout.join("blobs/sha256");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join(&digest), bytes).unwrap();
    json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len()})
}

/// Writes an image of `layers` with `labels`.
pub(super) fn write(layout: &Path, layers: &[(Compression, Vec<Entry>)], labels: &Value) {
    let layers: Vec<Value> = layers
        .iter()
        .map(|(compression, entries)| {
            blob(layout, "application/vnd.oci.image.layer.v1.tar", &compress(archive(entries), *compression))
        })
        .collect();
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": {"Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": []},
    });
    let config = blob(layout, "application/vnd.oci.image.config.v1+json", config.to_string().as_bytes());
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": layers});
    let manifest = blob(layout, "application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes());
    let index = json!({"schemaVersion": 2, "manifests": [manifest]});
    fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion": "1.0.0"}"#).unwrap();
    fs::write(layout.join("index.json"), index.to_string()).unwrap();
}

/// Packs a layout.
pub(super) fn pack(layout: &Path, archive: &Path) {
    let mut builder = Builder::new(fs::File::create(archive).unwrap());
    builder.append_dir_all(".", layout).unwrap();
    builder.finish().unwrap();
}
