//! Compiles the program with the mutants in it, and searches.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::graft;

/// No search takes longer, unless the program hangs.
const SEARCH_MAX: Duration = Duration::from_secs(1200);
/// Characters of a violation that are shown.
const WHAT_MAX: usize = 110;

/// The result of a search.
#[derive(Debug)]
pub(crate) struct Found {
    /// The seed that it was found with.
    pub seed: u64,
    /// The first thing that did not hold.
    pub what: String,
}

/// Compiles the program with all mutants in it; where it is then.
pub(crate) fn build() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutants");
    let (source, target) = (directory.join("source"), directory.join("target"));
    graft::copy_with_mutants(&source);
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "--quiet", "--no-default-features", "--features=simulation"])
        .arg("--manifest-path")
        .arg(source.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", "--cap-lints=allow")
        .status()
        .unwrap();
    assert!(status.success(), "the program with the mutants in it does not compile: see {}", source.display());
    target.join("release/machine-os-builder")
}

/// Whether a mutant is to be searched for: all are, unless `MUTANT` names one.
pub(crate) fn is_asked_for(name: &str) -> bool {
    std::env::var(graft::SWITCH).map_or(true, |only| only == name)
}

/// Searches `seeds` seeds of a scenario, with one mutant switched on.
///
/// # Panics
/// If the search comes to no end, or to one that says nothing.
pub(crate) fn run(program: &Path, mutant: &str, scenario: &str, seeds: u64) -> Option<Found> {
    let mut search = Command::new(program)
        .args(["simulate", "--scenario", scenario, "--seeds", &format!("1..{seeds}")])
        .current_dir(graft::root())
        .env(graft::SWITCH, mutant)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = search.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let is_success = ended(&mut search, mutant);
    let text = reader.join().unwrap().unwrap();
    if is_success {
        return None;
    }
    Some(found(&text).unwrap_or_else(|| panic!("{mutant}: the search ended with {text}")))
}

/// Waits for the end of a search; whether it found nothing.
fn ended(search: &mut Child, mutant: &str) -> bool {
    let deadline = Instant::now() + SEARCH_MAX;
    loop {
        if let Some(status) = search.try_wait().unwrap() {
            return status.success();
        }
        if Instant::now() > deadline {
            search.kill().unwrap();
            panic!("{mutant}: the search came to no end in {}s", SEARCH_MAX.as_secs());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The seed and the first violation in what a search has printed.
fn found(text: &str) -> Option<Found> {
    let (_, rest) = text.split_once(", seed ")?;
    let (seed, rest) = rest.split_once(':')?;
    let what = rest.lines().nth(1)?.trim();
    Some(Found { seed: seed.parse().ok()?, what: what.chars().take(WHAT_MAX).collect() })
}
