//! `simulate --scenario`: runs in which things go wrong, from one seed or from many.

use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::time::Instant;

use super::progress::{conclude, progress_bar};
use crate::actors::ActorSettings;
use crate::cli::error::Error;
use crate::simulation::Trace;
use crate::simulation::runs::scenario::{self, Failed, Outcome, Run, Summary};

/// Violations that are printed; there may be one for each request after the first.
const VIOLATIONS_SHOWN_MAX: usize = 20;

/// Seeds as in `1..200`, both ends included.
pub(super) fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let wrong = || format!("{text:?} is no range of seeds; write it as in 1..200");
    let (first, last) = text.split_once("..").ok_or_else(wrong)?;
    let (first, last) = (first.parse().map_err(|_| wrong())?, last.parse().map_err(|_| wrong())?);
    if first > last { Err(wrong()) } else { Ok(first..=last) }
}

/// Runs a scenario from each of `seeds`; with a `trace`, from the first alone.
pub(super) fn run(
    name: &str,
    seeds: RangeInclusive<u64>,
    settings: ActorSettings,
    trace: Option<&Trace>,
) -> Result<ExitCode, Error> {
    let started = Instant::now();
    let template = Run { scenario: scenario::read(name)?, seed: *seeds.start(), settings };
    let result = if let Some(trace) = trace {
        traced(&template, trace)
    } else {
        let bar = progress_bar((seeds.end() - seeds.start()) as usize + 1, "seeds run, {eta} to go");
        let result = scenario::run_all(&template, seeds, &|done| bar.set_position(done as u64));
        bar.finish_and_clear();
        result
    };
    match result {
        Ok(summary) => conclude(&line(name, &summary), true, Some(started)),
        Err(Failed::Violated(outcome)) => conclude(&violated(name, &outcome), false, Some(started)),
        Err(Failed::Error(error)) => Err(error),
    }
}

fn traced(run: &Run, trace: &Trace) -> Result<Summary, Failed> {
    let outcome = scenario::run(run, Some(trace)).map_err(Failed::Error)?;
    if outcome.violations.is_empty() { Ok(Summary::of(&outcome)) } else { Err(Failed::Violated(outcome)) }
}

fn line(name: &str, summary: &Summary) -> String {
    let Summary { runs, builds, pushed, processes, requests, tried, virtual_time } = summary;
    let hours = virtual_time.as_secs() / 3600;
    format!(
        "scenario {name}: {runs} runs, nothing amiss: {builds} builds, {pushed} images, {processes} processes, \
         {tried} requests tried and {requests} handled, in {hours} h of virtual time"
    )
}

fn violated(name: &str, outcome: &Outcome) -> String {
    let Outcome { seed, violations, .. } = outcome;
    let mut text = format!("scenario {name}, seed {seed}: not as it should be");
    for violation in violations.iter().take(VIOLATIONS_SHOWN_MAX) {
        text.push_str(&format!("\n  {violation}"));
    }
    if violations.len() > VIOLATIONS_SHOWN_MAX {
        text.push_str(&format!("\n  and {} more", violations.len() - VIOLATIONS_SHOWN_MAX));
    }
    text.push_str(&format!("\nto see it again: {}", replay(std::env::args(), *seed)));
    text
}

/// The command that this process was started with, for one seed.
fn replay(arguments: impl Iterator<Item = String>, seed: u64) -> String {
    let mut words = vec!["machine-os-builder".to_owned()];
    let mut arguments = arguments.skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seeds" | "--seed" | "--trace" => drop(arguments.next()),
            other if ["--seeds=", "--seed=", "--trace="].iter().any(|start| other.starts_with(start)) => {}
            _ => words.push(argument),
        }
    }
    words.extend(["--seed".to_owned(), seed.to_string()]);
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_seeds_are_read_with_both_ends() {
        assert_eq!(seeds("1..200"), Ok(1..=200));
        assert_eq!(seeds("7..7"), Ok(7..=7));
        for wrong in ["", "1", "1..", "..2", "2..1", "a..b", "1...3", "-1..2"] {
            assert!(seeds(wrong).unwrap_err().contains("1..200"), "{wrong}");
        }
    }

    #[test]
    fn a_command_is_replayed_with_all_that_it_said_but_for_one_seed() {
        let replayed = |words: &str| replay(words.split(' ').map(str::to_owned), 57);
        let expected = "machine-os-builder simulate --scenario chaos --seed 57";
        assert_eq!(replayed("/bin/x simulate --scenario chaos --seeds 1..200"), expected);
        assert_eq!(replayed("/bin/x simulate --seeds=1..200 --scenario chaos --trace t"), expected);
        assert_eq!(replayed("x simulate --scenario chaos"), expected);
    }
}
