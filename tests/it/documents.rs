//! The documents beside the source: their commands print the shown output, their flags exist, and their links resolve.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use assert_cmd::cargo::CommandCargoExt as _;
use tempfile::TempDir;

use crate::harness::processes::{Process, run, until};

const README: &str = include_str!("../../README.md");
/// How the documents start the program, and how that is spelled here.
const CARGO_RUN: (&str, &str) = ("cargo run --release --", "machine-os-builder");

/// A terminal as a document shows it: commands, and what they print.
struct Terminal {
    commands: Vec<String>,
    printed: Vec<String>,
}

/// Every document: the Markdown files of the repository's root and of `docs`, by path.
fn documents() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = [root.to_owned(), root.join("docs")].map(|directory| fs::read_dir(directory).unwrap());
    let files = entries.into_iter().flatten().map(|entry| entry.unwrap().path());
    let pages = files.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The terminals in the section of this heading, which one document has.
fn terminals(heading: &str) -> Vec<Terminal> {
    let documents = documents();
    let heading = format!("\n## {heading}\n");
    let found: Vec<_> = documents.values().filter_map(|text| text.split_once(&heading)).collect();
    let [(_, section)] = found[..] else { panic!("{heading:?} is in {} documents", found.len()) };
    in_terminals(section.split("\n#").next().unwrap())
}

fn in_terminals(text: &str) -> Vec<Terminal> {
    text.split("```console\n").skip(1).map(|block| terminal(block.split("```").next().unwrap())).collect()
}

fn terminal(block: &str) -> Terminal {
    let block = block.replace("\\\n    ", "");
    let (commands, printed): (Vec<&str>, Vec<&str>) = block.lines().partition(|line| line.starts_with("$ "));
    let command = |line: &&str| line[2..].replace(CARGO_RUN.0, CARGO_RUN.1);
    let printed = printed.into_iter().map(str::to_owned).collect();
    Terminal { commands: commands.iter().map(command).collect(), printed }
}

/// A shell in `directory`, in which the program is found by its name.
fn bash(directory: &Path, script: &str) -> Command {
    let program = Command::cargo_bin(CARGO_RUN.1).unwrap();
    let programs = Path::new(program.get_program()).parent().unwrap().to_str().unwrap().to_owned();
    let mut command = Command::new("bash");
    // No background job may outlive the script.
    let script = format!("trap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n{script}");
    command.args(["-euc", &script]).current_dir(directory).stdin(Stdio::null());
    command.env("PATH", format!("{programs}:{}", std::env::var("PATH").unwrap()));
    command.env("HOME", directory).env("ADMIN_LISTEN", "127.0.0.1:0").env_remove("RUST_LOG").env_remove("KUBECONFIG");
    command
}

/// A directory with what the commands of the documents read.
fn checkout() -> TempDir {
    let directory = TempDir::new().unwrap();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    std::os::unix::fs::symlink(config, directory.path().join("config")).unwrap();
    directory
}

/// Lines as they are in every run: without ages, digests, columns' widths, and rows that depend on who is faster.
fn the_same_in_every_run<'l>(lines: impl IntoIterator<Item = &'l str>) -> BTreeSet<String> {
    let words = |line: &str| {
        let words = line.split_whitespace().map(|word| match word.split_once("@sha256:") {
            Some((image, _)) => format!("{image}@sha256:"),
            None => word.to_owned(),
        });
        let is_age = |word: &String| word.strip_suffix('s').is_some_and(|age| age.parse::<u32>().is_ok());
        words.filter(|word| !is_age(word)).collect::<Vec<_>>().join(" ")
    };
    lines.into_iter().map(words).filter(|line| !line.is_empty() && !line.ends_with("<none>")).collect()
}

#[test]
#[ignore = "needs kubectl"]
fn the_walk_through_prints_what_it_says() {
    let [first, second] = &terminals("A cluster on your desk")[..] else { panic!("two terminals") };
    let directory = checkout();
    let (out, denials) = (directory.path().join("first"), directory.path().join("denials"));
    // In place of the shell, so that what is ended afterwards is the program itself.
    let script = format!("exec {}", first.commands.join("\n"));
    let mut cluster = bash(directory.path(), &script);
    cluster.env("RUST_LOG", "warn").stderr(fs::File::create(&denials).unwrap());
    let _cluster = Process::spawn(cluster.stdout(fs::File::create(&out).unwrap()));
    until("it is ready", || fs::read_to_string(&out).ok().filter(|text| text.ends_with('\n')));
    assert_eq!(fs::read_to_string(&out).unwrap().lines().collect::<Vec<_>>(), first.printed);

    let printed = run(&mut bash(directory.path(), &second.commands.join("\n")), directory.path());
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let shown = the_same_in_every_run(printed.stdout.lines().chain(printed.stderr.lines()));
    assert_eq!(shown, the_same_in_every_run(second.printed.iter().map(String::as_str)), "{printed:?}");
    let states = ["BuildPending", "Building", "BuildSuccess"].map(|state| printed.stdout.find(&format!(" {state}\n")));
    assert!(states.is_sorted() && states[0].is_some(), "{printed:?}");
    // The daemon has acted as its account, all that it asked for was allowed, and the server would have said otherwise.
    assert!(second.commands.iter().any(|command| command.contains("run --kubeconfig daemon.kubeconfig")));
    assert_eq!(fs::read_to_string(&denials).unwrap(), "");
    let log = fs::read_to_string(directory.path().join("run.log")).unwrap();
    assert!(!log.to_lowercase().contains("forbidden"), "{log}");
}

#[test]
fn what_can_be_seen_offline_is_as_it_says() {
    let [render] = &terminals("Render")[..] else { panic!("one terminal") };
    let directory = checkout();
    for command in &render.commands {
        let printed = run(&mut bash(directory.path(), command), directory.path());
        assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""), "{command}");
    }
    assert!(directory.path().join("out").is_dir());
}

#[test]
fn the_first_command_prints_the_table_that_is_shown() {
    let directory = checkout();
    let [simulate, _] = &terminals("Try it")[..] else { panic!("two terminals") };
    let printed = run(&mut bash(directory.path(), &simulate.commands[0]), directory.path());
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let shown = README.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let (table, requests) = shown.split_once("\n\n").unwrap();
    assert!(printed.stdout.starts_with(table), "{}", printed.stdout);
    for row in requests.lines() {
        assert!(printed.stdout.lines().any(|line| line == row), "{row}: {}", printed.stdout);
    }
}

/// The subcommands of this program in a line of a shell, and the long options of each.
fn invocations(command: &str) -> Vec<(String, Vec<String>)> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let is_program = |word: &str| word == CARGO_RUN.1 || word.ends_with("/machine-os-builder");
    let starts = (0..words.len()).filter(|&at| is_program(words[at]) && at + 1 < words.len());
    starts
        .map(|at| {
            let own = words[at + 2..].iter().take_while(|word| !["|", ">", "2>", "&"].contains(word));
            let options =
                own.filter(|word| word.starts_with("--")).map(|word| word.split('=').next().unwrap().to_owned());
            (words[at + 1].to_owned(), options.collect())
        })
        .collect()
}

#[test]
fn every_command_that_is_shown_has_the_options_that_are_shown() {
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for text in documents().values() {
        let commands = in_terminals(text).into_iter().flat_map(|terminal| terminal.commands);
        for (subcommand, options) in commands.flat_map(|command| invocations(&command)) {
            shown.entry(subcommand).or_default().extend(options);
        }
    }
    let expected = ["build", "explain", "inspect", "local-cluster", "render", "run", "simulate", "status"];
    assert_eq!(shown.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    for (subcommand, options) in shown {
        let directory = checkout();
        let printed =
            run(&mut bash(directory.path(), &format!("machine-os-builder {subcommand} --help")), directory.path());
        let known: BTreeSet<&str> = printed.stdout.split([' ', '\n', ',', '[', '=']).collect();
        for option in options {
            assert!(known.contains(option.as_str()), "{subcommand} has no {option}");
        }
    }
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase().replace(' ', "-");
    kept.chars().filter(|character| character.is_alphanumeric() || "-_".contains(*character)).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_are_there() {
    let documents = documents();
    let mut links = 0;
    for (path, text) in &documents {
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.contains("://") {
                continue;
            }
            links += 1;
            let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
            let target = if file.is_empty() { path.clone() } else { path.with_file_name(file) };
            let target = target.canonicalize().unwrap_or_else(|_| panic!("{}: {link}", path.display()));
            let Some(heading) = heading else { continue };
            let headings = documents[&target].lines().filter(|line| line.starts_with('#'));
            let mut anchors = headings.map(|line| anchor(line.trim_start_matches('#')));
            assert!(anchors.any(|anchor| anchor == heading), "{}: {link}", path.display());
        }
    }
    assert!(links > 10, "{links}");
}
