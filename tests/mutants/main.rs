//! Deliberate defects, each of which brings back a lesson. The tests check that the seeded search finds them: a search
//! without findings proves something only if it would find a real defect.
//!
//! All mutants are compiled into one copy of the program, each behind a switch: an `if` around the expression that it
//! changes. A search with one of them switched on has to end with a violation.

mod graft;
mod search;
mod table;

use std::collections::BTreeSet;
use std::io::{self, Write as _};

use table::MUTANTS;

/// Seeds that are searched for a mutant.
const SEEDS: u64 = 120;

#[test]
fn each_mutant_has_its_place_in_the_source_as_it_is() {
    let names: BTreeSet<&str> = MUTANTS.iter().map(|mutant| mutant.name).collect();
    assert_eq!(names.len(), MUTANTS.len(), "each has a name of its own");
    assert!(names.len() >= 20);
    let files = graft::mutated_files();
    for mutant in MUTANTS {
        let is_in = |text: &String| text.contains(&format!("is_on({:?})", mutant.name));
        assert!(mutant.edits.iter().any(|edit| is_in(&files[edit.file])), "{}", mutant.name);
    }
}

#[test]
#[ignore = "compiles the program once more, and searches it some thirty times: takes minutes"]
fn the_search_finds_each_mutant() {
    let program = search::build();
    let healthy = search::run(&program, "", "chaos", SEEDS / 8);
    assert!(healthy.is_none(), "without a mutant nothing is found, or what is found proves nothing: {healthy:?}");
    let mut missed = Vec::new();
    // Past the capture of tests: the table is the result.
    let mut out = io::stderr();
    writeln!(out, "\n{:31} {:9} {:25} {:>5}  found", "mutant", "lessons", "scenario", "seeds").unwrap();
    for mutant in MUTANTS.iter().filter(|mutant| search::is_asked_for(mutant.name)) {
        let found = search::run(&program, mutant.name, mutant.scenario, SEEDS);
        let (seed, what) = match &found {
            Some(found) => (found.seed.to_string(), found.what.as_str()),
            None => ("-".to_owned(), "nothing"),
        };
        writeln!(out, "{:31} {:9} {:25} {seed:>5}  {what}", mutant.name, mutant.lessons, mutant.scenario).unwrap();
        missed.extend(found.is_none().then_some(mutant.name));
    }
    assert!(missed.is_empty(), "the search does not find {missed:?} within {SEEDS} seeds");
}
