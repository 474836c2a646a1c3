//! The registry of a simulation, with the faults found in the builds that pushed to it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::api::names::sha256_hex;
use crate::simulation::outcome::BuildOutcome;

/// An image that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedImage {
    /// Where to, with the tag.
    pub pullspec: String,
    /// The MachineConfig in it.
    pub machine_config: String,
    /// The UID of the build object that pushed it.
    pub build: String,
}

/// Records of the simulated builders on each build: the image that it pushed, and how it ended. Clones share the
/// records.
#[derive(Debug, Clone, Default)]
pub struct FakeRegistry(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    pushed: BTreeMap<String, PushedImage>,
    complaints: Vec<String>,
    started: usize,
    /// By the UIDs of the build objects.
    endings: BTreeMap<String, BuildOutcome>,
}

impl FakeRegistry {
    /// The image of a digest.
    pub fn image(&self, digest: &str) -> Option<PushedImage> {
        self.entries(|entries| entries.pushed.get(digest).cloned())
    }

    /// How many images were pushed.
    pub fn pushed(&self) -> usize {
        self.entries(|entries| entries.pushed.len())
    }

    /// How many builds were started.
    pub fn started(&self) -> usize {
        self.entries(|entries| entries.started)
    }

    /// How the build of the build object `uid` ends, if it was started.
    pub fn ending(&self, uid: &str) -> Option<BuildOutcome> {
        self.entries(|entries| entries.endings.get(uid).copied())
    }

    /// Faults found in the build objects.
    pub fn complaints(&self) -> Vec<String> {
        self.entries(|entries| entries.complaints.clone())
    }

    /// Pushes the image that the build object `uid` made of a MachineConfig; its digest is no other image's.
    pub(in crate::simulation) fn push(&self, pullspec: &str, machine_config: String, uid: &str) -> String {
        let digest = format!("sha256:{}", sha256_hex(format!("{pullspec} {uid}")));
        let image = PushedImage { pullspec: pullspec.to_owned(), machine_config, build: uid.to_owned() };
        self.entries(|entries| entries.pushed.insert(digest.clone(), image));
        digest
    }

    pub(in crate::simulation) fn note_started(&self, uid: &str, ending: BuildOutcome) {
        self.entries(|entries| {
            entries.started += 1;
            entries.endings.insert(uid.to_owned(), ending);
        });
    }

    pub(in crate::simulation) fn complain(&self, complaint: String) {
        self.entries(|entries| entries.complaints.push(complaint));
    }

    fn entries<T>(&self, read: impl FnOnce(&mut Entries) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
