//! The content that units require: files, links, and lines of a preset file.

use super::expect::{Asked, FILE_MODE, Found, Owner, exactly};
use super::ignition::Unit;
use super::presets;

/// Where Ignition puts units.
const UNITS: &str = "/etc/systemd/system";

impl Found {
    /// Units, their drop-ins, and whether they are enabled or masked.
    pub(super) fn units(&mut self, units: &[Unit]) {
        for unit in units {
            self.unit(unit);
        }
        self.checked.units = units.len();
    }

    fn unit(&mut self, unit: &Unit) {
        let path = format!("{UNITS}/{}", unit.name);
        for dropin in &unit.dropins {
            // One that is empty is written, and one that has no contents is not.
            if let Some(contents) = &dropin.contents {
                self.root_file(&format!("{path}.d/{}", dropin.name), contents);
                self.checked.dropins += 1;
            }
        }
        match (unit.mask, unit.contents.as_deref().filter(|contents| !contents.is_empty())) {
            // A masked unit's own file makes way for the link.
            (Some(true), _) => {
                self.push(&path, Asked::Symlink { target: "/dev/null".into(), owners: [Owner::Id(0), Owner::Id(0)] });
            }
            (_, Some(contents)) => self.root_file(&path, contents),
            (Some(false), None) => self.push(&path, Asked::NotMasked),
            (None, None) => {}
        }
        if let Some(enabled) = unit.enabled {
            self.push(presets::PATH, Asked::Preset { unit: unit.name.clone(), enabled });
            self.checked.presets += 1;
        }
    }

    /// A file as Ignition writes those that have neither mode nor owner.
    fn root_file(&mut self, path: &str, contents: &str) {
        let owners = [Owner::Id(0), Owner::Id(0)];
        self.push(path, Asked::File { contents: exactly(contents.as_bytes()), mode: Some(FILE_MODE), owners });
    }
}
