//! Compares an image with its MachineConfig.
//!
//! Pure: a MachineConfig becomes a list of [`Expectation`]s, these are compared with the file tree of an image, and a
//! [`Report`] lists the differences. The expectations are the results of Ignition (2.14 and later, specs 3.0 to 3.5)
//! with `ignition-apply --ignore-unsupported` in a container build, and the additions of a build's Containerfile.

mod accounts;
mod compare;
mod data_url;
mod expect;
mod fields;
mod ignition;
mod presets;
mod report;
mod units;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use expect::{Asked, Contents, Expectation, Owner};
pub use ignition::Error;
pub use report::{Checked, Difference, Report, Unchecked};

use crate::images::Image;
use accounts::Accounts;

/// Where an image keeps the MachineConfig that it was built from.
const CURRENT_CONFIG: &str = "/etc/machine-config-daemon/currentconfig";

/// All that an image is asked to be.
#[derive(Debug)]
pub struct Plan {
    machine_config: Value,
    expectations: Vec<Expectation>,
    unchecked: Vec<Unchecked>,
    checked: Checked,
    labels: BTreeMap<&'static str, Option<String>>,
}

impl Plan {
    /// What `machine_config` asks for; the image's labels have to be there, and to be `labels` where these are known.
    ///
    /// # Errors
    ///
    /// An [`Error`] if its Ignition config is not one that can be applied.
    pub fn new(machine_config: Value, labels: &[(&'static str, String)]) -> Result<Self, Error> {
        let config = ignition::Config::parse(machine_config.pointer("/spec/config").unwrap_or(&Value::Null))?;
        let mut found = expect::Found::default();
        found.storage(&config)?;
        found.units(&config.systemd.units);
        found.not_applied(&config, machine_config.get("spec").unwrap_or(&Value::Null));
        let name = machine_config.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
        let mut wanted = BTreeMap::from([
            ("machineconfig", name),
            ("machineconfigpool", None),
            ("releaseversion", None),
            ("baseOSContainerImage", None),
        ]);
        wanted.extend(labels.iter().map(|(label, value)| (*label, Some(value.clone()))));
        found.checked.labels = wanted.len();
        Ok(Self {
            machine_config,
            expectations: found.expectations,
            unchecked: found.unchecked,
            checked: found.checked,
            labels: wanted,
        })
    }

    /// The last names of the files whose contents have to be known, not just their hashes.
    pub fn keep(&self) -> BTreeSet<String> {
        let with_contents = self.expectations.iter().filter(|expectation| expectation.needs_contents());
        let paths = with_contents.map(|expectation| expectation.path.as_str());
        let own = [CURRENT_CONFIG, presets::PATH].into_iter().chain(accounts::PATHS);
        paths.chain(own).filter_map(|path| path.rsplit('/').next()).map(str::to_owned).collect()
    }

    /// Where `image`, which users know as `name`, differs from what is asked for.
    pub fn compare(&self, name: &str, image: &Image) -> Report {
        let accounts = Accounts::of(&image.tree);
        let of_files = self.expectations.iter().flat_map(|it| compare::differences(it, &image.tree, &accounts));
        let mut differences: Vec<Difference> = of_files.collect();
        differences.extend(fields::current_config(&self.machine_config, &image.tree, CURRENT_CONFIG));
        differences.extend(self.labels.iter().filter_map(|(label, asked)| {
            let found = image.labels.get(*label);
            let is_as_asked = found.is_some_and(|found| asked.as_ref().is_none_or(|asked| asked == found));
            let asked = asked.clone().unwrap_or_else(|| "any".into());
            let found = found.cloned().unwrap_or_else(|| "missing".into());
            (!is_as_asked).then(|| Difference { path: (*label).into(), aspect: "label", asked, found })
        }));
        Report {
            image: name.to_owned(),
            digest: image.digest.clone(),
            checked: self.checked,
            unchecked: self.unchecked.clone(),
            differences,
        }
    }
}
