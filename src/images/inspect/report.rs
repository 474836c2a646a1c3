//! The result of a comparison.

use std::fmt;

use serde::Serialize;

/// The result of a comparison, with the differences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The image, as users know it.
    pub image: String,
    /// The digest of its manifest.
    pub digest: String,
    /// How much was compared.
    pub checked: Checked,
    /// The expectations that could not be compared.
    pub unchecked: Vec<Unchecked>,
    /// Where it differs.
    pub differences: Vec<Difference>,
}

/// How much was compared. `currentconfig` always is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// Entries of `storage.files`.
    pub files: usize,
    /// Entries of `storage.directories`.
    pub directories: usize,
    /// Entries of `storage.links`.
    pub links: usize,
    /// Entries of `systemd.units`.
    pub units: usize,
    /// Drop-ins of units.
    pub dropins: usize,
    /// Units that are to be enabled or disabled.
    pub presets: usize,
    /// Labels of the image.
    pub labels: usize,
}

/// Something that is asked for and cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unchecked {
    /// The path in the image, or the field of the MachineConfig.
    pub path: String,
    /// Why.
    pub why: String,
}

/// A difference between the image and an expectation. Contents are given by length and hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The path in the image, or the label.
    pub path: String,
    /// The property that differs.
    pub aspect: &'static str,
    /// The expected value.
    pub asked: String,
    /// The actual value.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [path, asked, found] = [&self.path, &self.asked, &self.found].map(|text| printable(text));
        write!(f, "{path}: {}: asked for {asked}, found {found}", self.aspect)
    }
}

impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: not checked: {}", printable(&self.path), printable(&self.why))
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", counted(self.files, "file"), counted(self.units, "unit"))?;
        for (number, what) in [
            (self.directories, "directory"),
            (self.links, "link"),
            (self.dropins, "drop-in"),
            (self.presets, "preset"),
            (self.labels, "label"),
        ] {
            if number > 0 {
                write!(f, ", {}", counted(number, what))?;
            }
        }
        f.write_str(" and currentconfig checked")
    }
}

impl fmt::Display for Report {
    /// A line for each difference, one for each thing that was not checked, and one that sums up.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for difference in &self.differences {
            writeln!(f, "{difference}")?;
        }
        for unchecked in &self.unchecked {
            writeln!(f, "{unchecked}")?;
        }
        writeln!(f, "{}: {}", self.checked, counted(self.differences.len(), "difference"))
    }
}

/// Text from an image must not reach a terminal unescaped.
fn printable(text: &str) -> String {
    let words = text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() });
    words.collect()
}

fn counted(number: usize, what: &str) -> String {
    match (number, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_sums_up() {
        let checked = Checked { files: 34, directories: 2, units: 1, ..Checked::default() };
        let difference = Difference { path: "/a".into(), aspect: "mode", asked: "0644".into(), found: "0600".into() };
        let unchecked = Unchecked { path: "/b".into(), why: "its contents come from https://host.test".into() };
        let report = Report {
            image: "oci:x".into(),
            digest: "sha256:0".into(),
            checked,
            unchecked: vec![unchecked],
            differences: vec![difference],
        };
        assert_eq!(
            report.to_string(),
            "/a: mode: asked for 0644, found 0600\n\
             /b: not checked: its contents come from https://host.test\n\
             34 files, 1 unit, 2 directories and currentconfig checked: 1 difference\n"
        );
    }
}
