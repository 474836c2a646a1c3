//! The tables in this test's documentation are complete: each test in them exists, and each row has one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const TABLES: &str = include_str!("mod.rs");

/// A row: its id, and its tests, each with its file.
struct Row {
    id: &'static str,
    tests: Vec<(&'static str, &'static str)>,
}

fn rows() -> Vec<Row> {
    let lines = TABLES.lines().filter_map(|line| line.strip_prefix("//! |"));
    let cells = lines.map(|line| line.trim_end_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let rows = cells.filter(|cells| cells[0].starts_with(|c: char| c.is_ascii_digit() || c == 'L'));
    rows.map(|cells| Row { id: cells[0], tests: tests(cells[2]) }).collect()
}

/// Reads "`file`: `test`, `test`; `file`: `test`".
fn tests(cell: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut file = "";
    let mut tests = Vec::new();
    for name in cell.split('`').skip(1).step_by(2) {
        if name.ends_with(".rs") {
            file = name;
        } else {
            tests.push((file, name));
        }
    }
    tests
}

/// Whether a file has a test of this name: a function, right below an attribute that makes it one.
fn has_test(file: &str, name: &str) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.windows(2).any(|pair| {
        let is_attribute = pair[0].starts_with("#[test") || pair[0].starts_with("#[tokio::test");
        is_attribute && pair[1].trim_start_matches("async ").starts_with(&format!("fn {name}("))
    })
}

#[test]
fn each_test_in_the_tables_exists() {
    let missing: Vec<_> =
        rows().into_iter().flat_map(|row| row.tests).filter(|(file, name)| !has_test(file, name)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(!has_test("tests/it/contract/table.rs", "a_test_that_is_not_there"));
}

#[test]
fn no_row_is_without_a_test_and_no_id_without_a_row() {
    let rows = rows();
    let empty: Vec<_> = rows.iter().filter(|row| row.tests.is_empty()).map(|row| row.id).collect();
    assert!(empty.is_empty(), "{empty:?}");
    for number in 1..=50 {
        let (id, prefix) = (format!("L{number:02}"), format!("l{number:02}_"));
        let row = rows.iter().find(|row| row.id == id).unwrap_or_else(|| panic!("{id} has no row"));
        assert!(row.tests.iter().any(|(_, name)| name.contains(&prefix)), "{id} has no test that bears its id");
    }
    let clauses: BTreeSet<&str> = rows.iter().map(|row| row.id).filter(|id| !id.starts_with('L')).collect();
    assert_eq!(clauses, BTreeSet::from(["1", "2", "3", "4", "5", "6"]));
}
