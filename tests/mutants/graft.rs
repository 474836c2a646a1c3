//! Puts all mutants into a copy of the program's source, each with a switch of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::table::MUTANTS;

/// Says which mutant is switched on. The name of the variable stands in [`SWITCH`].
const SWITCH_MODULE: &str = r#"
/// Which deliberate defect is switched on.
pub mod mutants {
    /// Whether it is this one.
    pub fn is_on(name: &str) -> bool {
        static ON: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
        ON.get_or_init(|| std::env::var("MUTANT").ok()).as_deref() == Some(name)
    }
}
"#;

/// The variable that switches a mutant on.
pub(crate) const SWITCH: &str = "MUTANT";

/// The files from which the program is compiled.
const PARTS: [&str; 7] = ["benches", "Cargo.toml", "Cargo.lock", "README.md", "examples", "src", "templates"];

/// Where a piece of a file begins and ends.
type Place = (usize, usize);

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Writes a copy of the program with all mutants in it to `target`, in place of what is there.
pub(crate) fn copy_with_mutants(target: &Path) {
    if target.exists() {
        fs::remove_dir_all(target).unwrap();
    }
    fs::create_dir_all(target).unwrap();
    PARTS.iter().for_each(|part| copy(&root().join(part), &target.join(part)));
    for (file, text) in mutated_files() {
        fs::write(target.join(file), text).unwrap();
    }
    let library = target.join("src/lib.rs");
    let text = fs::read_to_string(&library).unwrap();
    fs::write(library, text + SWITCH_MODULE).unwrap();
}

fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    let mut entries: Vec<PathBuf> = fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries.iter().for_each(|entry| copy(entry, &to.join(entry.file_name().unwrap())));
}

/// The files that mutants change, with all of them in.
///
/// # Panics
/// If what a mutant changes is not there exactly once, or overlaps with what another changes.
pub(crate) fn mutated_files() -> BTreeMap<&'static str, String> {
    places().into_iter().map(|(file, places)| (file, splice(file, places))).collect()
}

/// The edits by file and place.
fn places() -> BTreeMap<&'static str, BTreeMap<Place, String>> {
    let mut files: BTreeMap<&str, BTreeMap<Place, String>> = BTreeMap::new();
    for mutant in MUTANTS {
        let is_on = format!("crate::mutants::is_on({:?})", mutant.name);
        for edit in mutant.edits {
            let text = source(edit.file);
            let found: Vec<usize> = text.match_indices(edit.original).map(|(start, _)| start).collect();
            let [start] = found[..] else {
                panic!("{}: {:?} is in {} {} times", mutant.name, edit.original, edit.file, found.len())
            };
            let place = (start, start + edit.original.len());
            let there = files.entry(edit.file).or_default().entry(place).or_insert_with(|| edit.original.to_owned());
            *there = if edit.mutated.contains("@on") {
                edit.mutated.replace("@on", &is_on)
            } else {
                format!("(if {is_on} {{ {} }} else {{ {there} }})", edit.mutated)
            };
        }
    }
    files
}

fn splice(file: &str, places: BTreeMap<Place, String>) -> String {
    let text = source(file);
    let (mut spliced, mut end) = (String::new(), 0);
    for ((start, stop), mutated) in places {
        assert!(start >= end, "two mutants change the same part of {file}: {:?}", &text[start..stop]);
        spliced.push_str(&text[end..start]);
        spliced.push_str(&mutated);
        end = stop;
    }
    spliced + &text[end..]
}

fn source(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}
