//! One layer: a tar archive, compressed or not, as a list of changes (OCI image spec, "Image Layer Filesystem
//! Changeset").

use std::collections::BTreeSet;
use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};
use tar::{Archive, Entry, EntryType};

use super::tree::{Added, Content, Layer, Node, NodeKind, path_of};
use crate::api::limits::IMAGE_FILE_KEPT_BYTES_MAX;

/// Before the name of a file of a lower layer that is to be gone.
const WHITEOUT: &str = ".wh.";
/// The name that hides everything that lower layers have in its directory.
const OPAQUE: &str = ".wh..wh..opq";

/// Reads a layer; of its files whose last name is in `keep`, the contents too.
pub(super) fn read(blob: impl Read, keep: &BTreeSet<String>) -> io::Result<Layer> {
    let mut archive = Archive::new(decompress(blob)?);
    let mut layer = Layer::default();
    for entry in archive.entries()? {
        layer.add(entry?, keep)?;
    }
    Ok(layer)
}

/// By what it begins with: media types do not tell reliably.
fn decompress<'b>(mut blob: impl Read + 'b) -> io::Result<Box<dyn Read + 'b>> {
    let mut magic = Vec::new();
    (&mut blob).take(4).read_to_end(&mut magic)?;
    let blob = BufReader::new(io::Cursor::new(magic.clone()).chain(blob));
    Ok(match magic.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(blob)),
        // A frame, or one to be skipped, which other tools' own indices are in.
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Box::new(zstd::Decoder::with_buffer(blob)?),
        _ => Box::new(blob),
    })
}

impl Layer {
    fn add(&mut self, mut entry: Entry<'_, impl Read>, keep: &BTreeSet<String>) -> io::Result<()> {
        let path = path_of(&String::from_utf8_lossy(&entry.path_bytes())).map_err(io::Error::other)?;
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if name == OPAQUE {
            self.opaque.push(parent.to_owned());
        } else if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            self.removed.push(format!("{parent}/{hidden}"));
        } else if let Some(added) = added(&mut entry, keep.contains(name))? {
            self.added.push((path, added));
        }
        Ok(())
    }
}

fn added(entry: &mut Entry<'_, impl Read>, is_kept: bool) -> io::Result<Option<Added>> {
    let target = entry.link_name_bytes().map(|target| String::from_utf8_lossy(&target).into_owned());
    let no_target = || io::Error::other("a link has no target");
    let kind = match entry.header().entry_type() {
        // They say something of the archive, not of a file.
        EntryType::XGlobalHeader => return Ok(None),
        EntryType::Directory => NodeKind::Directory,
        EntryType::Symlink => NodeKind::Symlink(target.ok_or_else(no_target)?),
        EntryType::Link => {
            let target = path_of(&target.ok_or_else(no_target)?).map_err(io::Error::other)?;
            return Ok(Some(Added::HardLink(target)));
        }
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => NodeKind::File(content(entry, is_kept)?),
        _ => NodeKind::Other,
    };
    let header = entry.header();
    let node = Node { mode: header.mode()? & 0o7777, uid: header.uid()?, gid: header.gid()?, kind };
    Ok(Some(Added::Node(node)))
}

fn content(entry: &mut Entry<'_, impl Read>, is_kept: bool) -> io::Result<Content> {
    let is_kept = is_kept && entry.size() <= IMAGE_FILE_KEPT_BYTES_MAX;
    let (mut hash, mut size, mut kept) = (Sha256::new(), 0, Vec::new());
    let mut buffer = [0; 16 << 10];
    loop {
        let read = match entry.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(&buffer[..read]);
        size += read as u64;
        if is_kept {
            kept.extend_from_slice(&buffer[..read]);
        }
    }
    Ok(Content { size, sha256: hash.finalize().into(), kept: is_kept.then(|| kept.into()) })
}
