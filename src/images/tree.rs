//! The files of an image, as its layers leave them.
//!
//! Pure. A path is either empty, which is the root, or begins with a slash and has no empty, `.` or `..` part in it.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::api::limits::SYMLINKS_FOLLOWED_MAX;
use crate::api::names::hex;

/// A file, directory, link or device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Permissions, with the setuid, setgid and sticky bits.
    pub mode: u32,
    /// The user that owns it.
    pub uid: u64,
    /// The group that owns it.
    pub gid: u64,
    /// Its kind.
    pub kind: NodeKind,
}

/// The kind of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// A directory.
    Directory,
    /// A regular file.
    File(Content),
    /// A symbolic link, and where it leads, as it is written.
    Symlink(String),
    /// A device, socket or pipe.
    Other,
}

/// The contents of a file. Two are equal if size and hash are, whether or not the bytes are kept.
#[derive(Debug, Clone)]
pub struct Content {
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
    /// All of it, where it was asked for, and is not too large.
    pub kept: Option<Arc<[u8]>>,
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        (self.size, self.sha256) == (other.size, other.sha256)
    }
}

impl Eq for Content {}

impl Content {
    /// The SHA-256 as hex digits.
    pub fn sha256_hex(&self) -> String {
        hex(&self.sha256)
    }
}

/// The changes of a layer. All paths are normalised.
#[derive(Debug, Default)]
pub(super) struct Layer {
    /// Whiteouts: the paths to remove from the layers below.
    pub removed: Vec<String>,
    /// Directories whose contents in the layers below are to be gone.
    pub opaque: Vec<String>,
    /// The entries, in order.
    pub added: Vec<(String, Added)>,
}

/// An entry that a layer adds at a path.
#[derive(Debug)]
pub(super) enum Added {
    Node(Node),
    /// Another name of the file at this path.
    HardLink(String),
}

/// The files of an image, by path.
#[derive(Debug, Default)]
pub struct Tree(BTreeMap<String, Node>);

impl Tree {
    /// The node at `path`, whose parents may be symbolic links; a link at its end is not followed.
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.0.get(&self.resolve(path, false)?)
    }

    /// The node at `path` after every symbolic link.
    pub fn follow(&self, path: &str) -> Option<&Node> {
        self.0.get(&self.resolve(path, true)?)
    }

    /// The path that `path` leads to within this tree, or none if it leads in circles.
    ///
    /// It need not be there.
    pub fn resolve(&self, path: &str, follow_last: bool) -> Option<String> {
        let mut left: Vec<String> = parts(path).rev().map(str::to_owned).collect();
        let (mut found, mut followed) = (String::new(), 0);
        while let Some(part) = left.pop() {
            if part == ".." {
                found.truncate(found.rfind('/').unwrap_or(0));
                continue;
            }
            let next = format!("{found}/{part}");
            match self.0.get(&next) {
                Some(Node { kind: NodeKind::Symlink(target), .. }) if follow_last || !left.is_empty() => {
                    followed += 1;
                    if followed > SYMLINKS_FOLLOWED_MAX {
                        return None;
                    }
                    if target.starts_with('/') {
                        found.clear();
                    }
                    left.extend(parts(target).rev().map(str::to_owned));
                }
                _ => found = next,
            }
        }
        Some(found)
    }

    /// Puts a layer on top. An error says what in it makes no sense.
    pub(super) fn apply(&mut self, layer: Layer) -> Result<(), String> {
        // They are about the layers below, wherever in the layer they stand.
        for path in &layer.removed {
            self.remove(path);
        }
        for path in &layer.opaque {
            self.remove_contents(path);
        }
        for (path, added) in layer.added {
            let node = match added {
                Added::Node(node) => node,
                Added::HardLink(target) => self
                    .0
                    .get(&target)
                    .cloned()
                    .ok_or_else(|| format!("{path} is a hard link to {target}, which is not there"))?,
            };
            self.insert(path, node);
        }
        Ok(())
    }

    fn insert(&mut self, path: String, node: Node) {
        if let Some((parent, _)) = path.rsplit_once('/').filter(|(parent, _)| !parent.is_empty()) {
            let is_directory = self.0.get(parent).is_some_and(|node| node.kind == NodeKind::Directory);
            if !is_directory {
                // Container runtimes create missing parents with these attributes when they unpack layers.
                self.insert(parent.to_owned(), Node { mode: 0o755, uid: 0, gid: 0, kind: NodeKind::Directory });
            }
        }
        if node.kind != NodeKind::Directory {
            self.remove_contents(&path);
        }
        self.0.insert(path, node);
    }

    fn remove(&mut self, path: &str) {
        self.0.remove(path);
        self.remove_contents(path);
    }

    fn remove_contents(&mut self, path: &str) {
        // All that begins with the path and a slash: 0 comes right after the slash.
        let range = (Bound::Included(format!("{path}/")), Bound::Excluded(format!("{path}0")));
        let gone: Vec<String> = self.0.range(range).map(|(path, _)| path.clone()).collect();
        for path in gone {
            self.0.remove(&path);
        }
    }
}

/// The parts of a path that lead somewhere.
fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|part| !matches!(*part, "" | "."))
}

/// The path of an archive's entry. An error says what is wrong with it.
pub(super) fn path_of(name: &str) -> Result<String, String> {
    if parts(name).any(|part| part == "..") {
        return Err(format!("the name {name:?} leads out of its layer"));
    }
    Ok(parts(name).fold(String::new(), |path, part| path + "/" + part))
}

#[cfg(test)]
mod tests;
