//! The house: how the source is laid out.

mod circles;

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Lines of a file that can be read in one go.
const LINES_MAX: usize = 400;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files below these folders: their paths from the root of the repository, and their texts.
fn files(folders: &[&str]) -> Vec<(String, String)> {
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut files = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            files.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    files.sort();
    assert!(files.len() > folders.len(), "{folders:?}");
    files
}

/// Whether a line is an attribute that says where a module's file is.
fn places_a_module(line: &str) -> bool {
    let line: String = line.split_whitespace().collect();
    line.starts_with('#') && ["[path=", ",path="].iter().any(|part| line.contains(part))
}

#[test]
fn each_module_is_where_its_name_says() {
    let mut placed = Vec::new();
    for (name, text) in files(&["src", "tests", "benches"]) {
        let lines = text.lines().enumerate().filter(|(_, line)| places_a_module(line));
        placed.extend(lines.map(|(number, line)| format!("{name}:{}: {line}", number + 1)));
    }
    assert!(placed.is_empty(), "{placed:#?}");
    for attribute in ["[path = \"there.rs\"]", "[cfg_attr(unix, path = \"there.rs\")]"] {
        assert!(places_a_module(&format!("    #{attribute}")), "{attribute}");
    }
}

#[test]
fn no_file_is_too_long_to_be_read_in_one_go() {
    let files = files(&["src", "tests"]);
    let longer = files.iter().map(|(name, text)| (name.as_str(), text.lines().count()));
    let longer: Vec<_> = longer.filter(|(_, lines)| *lines > LINES_MAX).collect();
    assert!(longer.is_empty(), "{longer:#?}");
}

/// The floors of the crate's documentation, the highest first: the rooms that each row names.
fn floors() -> Vec<Vec<String>> {
    let documentation = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let table = documentation.split_once("//! # Floors\n").unwrap().1;
    let rows = table.lines().skip_while(|line| !line.starts_with("//! |---")).skip(1);
    let rows = rows.map_while(|line| line.strip_prefix("//! | "));
    let names = |row: &str| {
        let cell = row.split('|').next().unwrap();
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    rows.map(names).collect()
}

/// The rooms that a text names after `crate::`, comments aside.
fn rooms_in(text: &str) -> Vec<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let groups = Regex::new(r"crate::(\w+|\{[^;]*\})").unwrap();
    let first = Regex::new(r"^\s*(\w+)").unwrap();
    let mut rooms = Vec::new();
    for group in groups.captures_iter(&code) {
        let (mut depth, mut parts) = (0, vec![String::new()]);
        for character in group[1].chars() {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => parts.push(String::new()),
                other if depth < 2 => parts.last_mut().unwrap().push(other),
                _ => {}
            }
        }
        rooms.extend(parts.iter().filter_map(|part| first.captures(part)).map(|name| name[1].to_owned()));
    }
    rooms
}

#[test]
fn each_room_imports_only_from_the_floors_below_it() {
    let floors = floors();
    let floor_of = |room: &str| floors.iter().position(|rooms| rooms.iter().any(|known| known == room));
    let mut upwards = Vec::new();
    for (path, text) in files(&["src"]) {
        let room = path.strip_prefix("src/").unwrap().split(['/', '.']).next().unwrap().to_owned();
        if ["lib", "main"].contains(&room.as_str()) {
            continue;
        }
        let floor = floor_of(&room).unwrap_or_else(|| panic!("{path} is on no floor of the table in src/lib.rs"));
        let imports = rooms_in(&text).into_iter().filter(|import| *import != room);
        let is_upwards = |import: &String| floor_of(import).is_some_and(|other| other <= floor);
        upwards.extend(imports.filter(is_upwards).map(|import| format!("{path} imports {import}")));
    }
    assert!(upwards.is_empty(), "{upwards:#?}");
    assert!(floors.len() > 10, "{floors:?}");
}
