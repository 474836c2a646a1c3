//! Conversion of an Ignition config to the expected content of an image.
//!
//! Where a config leaves a value to the base image, such as the mode of an existing directory, no expectation is made.

use serde_json::Value;

use super::data_url::{self, Source};
use super::ignition::{self, Account, Config, Directory, Error, File, Link, is_given};
use super::report::{Checked, Unchecked};
use crate::api::names::sha256_hex;

/// The mode of a file for which none is asked.
pub(super) const FILE_MODE: u32 = 0o644;
/// The mode of a directory for which none is asked.
const DIRECTORY_MODE: u32 = 0o755;

/// The expected node at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// The path; its parents may be symbolic links.
    pub path: String,
    /// The expectation.
    pub asked: Asked,
}

/// An expectation for a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A regular file.
    File {
        /// Its expected contents.
        contents: Contents,
        /// Its mode, unless the base image decides it.
        mode: Option<u32>,
        /// Its expected owners: the user, and the group.
        owners: [Owner; 2],
    },
    /// A directory.
    Directory {
        /// Its mode, unless the base image decides it.
        mode: Option<u32>,
        /// Its expected owners: the user, and the group.
        owners: [Owner; 2],
    },
    /// A symbolic link.
    Symlink {
        /// Where it leads, as it is written.
        target: String,
        /// Its expected owners: the user, and the group.
        owners: [Owner; 2],
    },
    /// A hard link: the same as what is at this path.
    ///
    /// Not every image preserves the identity of hard-linked files, so equal content is enough.
    HardLink(String),
    /// Anything but a symbolic link to `/dev/null`.
    NotMasked,
    /// A preset file of systemd whose first line about this unit says whether it is enabled.
    Preset {
        /// The unit, by its full name.
        unit: String,
        /// Whether it is to be enabled.
        enabled: bool,
    },
}

/// The expected contents of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// This, by its hash, and by its length where that is known.
    Exactly(Option<u64>, String),
    /// This at its end, after whatever the base image has in it.
    EndsWith(Vec<u8>),
    /// Anything: the base image decides it, or it cannot be known here.
    Any,
}

/// An expected owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// Any owner: the one in the base image, or the one that the creation of the file gave it.
    Any,
    /// This number.
    Id(u64),
    /// The number that this name has in the image.
    Name(String),
}

impl Expectation {
    /// Whether the contents of the file there have to be known to tell.
    pub fn needs_contents(&self) -> bool {
        matches!(self.asked, Asked::File { contents: Contents::EndsWith(_), .. } | Asked::Preset { .. })
    }
}

/// The expectations found in a config.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub expectations: Vec<Expectation>,
    pub unchecked: Vec<Unchecked>,
    pub checked: Checked,
}

impl Found {
    /// Files, directories and links.
    pub(super) fn storage(&mut self, config: &Config) -> Result<(), Error> {
        for file in &config.storage.files {
            self.file(config, file)?;
        }
        self.expectations.extend(config.storage.directories.iter().map(|directory| of_directory(config, directory)));
        self.expectations.extend(config.storage.links.iter().map(of_link));
        self.checked.files = config.storage.files.len();
        self.checked.directories = config.storage.directories.len();
        self.checked.links = config.storage.links.len();
        Ok(())
    }

    fn file(&mut self, config: &Config, file: &File) -> Result<(), Error> {
        // With contents of its own, or where anything older is removed first, it is a new file.
        let File { node, contents: given, .. } = file;
        let is_new = given.source.is_some() || node.overwrite == Some(true);
        let (contents, unknown) =
            contents(file, is_new).map_err(|problem| Error::Contents(node.path.clone(), problem))?;
        if let Some(place) = unknown {
            self.unchecked(&node.path, format!("its contents come from {place}"));
        }
        let mode = node.mode.map(|mode| config.mode(mode)).or(is_new.then_some(FILE_MODE));
        let owners = [owner(&node.user, is_new), owner(&node.group, is_new)];
        self.push(&node.path, Asked::File { contents, mode, owners });
        Ok(())
    }

    /// Settings of a MachineConfig that a build does not apply.
    pub(super) fn not_applied(&mut self, config: &Config, spec: &Value) {
        const NOT_IN_A_CONTAINER: &str = "Ignition does not apply it in a container build";
        const BY_THE_NODE: &str = "a build does not apply it; the node does";
        let ignition::Storage { disks, filesystems, raid, luks, .. } = &config.storage;
        for (path, value) in [
            ("spec.config.passwd", &config.passwd),
            ("spec.config.kernelArguments", &config.kernel_arguments),
            ("spec.config.storage.disks", disks),
            ("spec.config.storage.filesystems", filesystems),
            ("spec.config.storage.raid", raid),
            ("spec.config.storage.luks", luks),
        ] {
            if is_given(value) {
                self.unchecked(path, NOT_IN_A_CONTAINER.into());
            }
        }
        if config.refers_to_others() {
            self.unchecked("spec.config.ignition.config", "it refers to other configs".into());
        }
        for key in ["kernelArguments", "extensions", "fips", "kernelType"] {
            if spec.get(key).is_some_and(|value| is_given(value) && value != "default") {
                self.unchecked(&format!("spec.{key}"), BY_THE_NODE.into());
            }
        }
    }

    pub(super) fn push(&mut self, path: &str, asked: Asked) {
        self.expectations.push(Expectation { path: path.to_owned(), asked });
    }

    fn unchecked(&mut self, path: &str, why: String) {
        self.unchecked.push(Unchecked { path: path.to_owned(), why });
    }
}

/// The expected contents of a file, and the location of a source that cannot be read here.
fn contents(file: &File, is_new: bool) -> Result<(Contents, Option<String>), String> {
    let mut known = Vec::new();
    for resource in std::iter::once(&file.contents).chain(&file.append) {
        match data_url::fetch(resource)? {
            None => {}
            Some(Source::Inline(bytes)) => known.extend(bytes),
            Some(Source::Remote(place)) => {
                let hash = file.contents.verification.hash.as_deref().and_then(|hash| hash.strip_prefix("sha256-"));
                return Ok(match hash {
                    Some(hash) if file.append.is_empty() => (Contents::Exactly(None, hash.to_lowercase()), None),
                    _ => (Contents::Any, Some(place)),
                });
            }
        }
    }
    Ok(match (is_new, known.is_empty()) {
        (true, _) => (exactly(&known), None),
        (false, true) => (Contents::Any, None),
        (false, false) => (Contents::EndsWith(known), None),
    })
}

/// Exactly `bytes`.
pub(super) fn exactly(bytes: &[u8]) -> Contents {
    Contents::Exactly(Some(bytes.len() as u64), sha256_hex(bytes))
}

fn of_directory(config: &Config, directory: &Directory) -> Expectation {
    let is_new = directory.overwrite == Some(true);
    let mode = directory.mode.map(|mode| config.mode(mode)).or(is_new.then_some(DIRECTORY_MODE));
    let owners = [owner(&directory.user, is_new), owner(&directory.group, is_new)];
    Expectation { path: directory.path.clone(), asked: Asked::Directory { mode, owners } }
}

fn of_link(link: &Link) -> Expectation {
    let asked = if link.hard == Some(true) {
        Asked::HardLink(link.target.clone())
    } else {
        // Without an owner in the config, Ignition gives a link the owner of its target.
        let owners = [owner(&link.user, false), owner(&link.group, false)];
        Asked::Symlink { target: link.target.clone(), owners }
    };
    Expectation { path: link.path.clone(), asked }
}

fn owner(account: &Account, is_new: bool) -> Owner {
    let name = account.name.as_ref().filter(|name| !name.is_empty());
    match (account.id, name) {
        (Some(id), _) => Owner::Id(id),
        (None, Some(name)) => Owner::Name(name.clone()),
        (None, None) if is_new => Owner::Id(0),
        (None, None) => Owner::Any,
    }
}

#[cfg(test)]
mod tests;
