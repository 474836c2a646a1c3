//! The full report on one pool.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::format::{DIGITS, NOTHING, age, lines, message, one_line, plain_table, printable};
use crate::reconcile::pool::conditions::to_rfc3339;
use crate::report::daemon::DaemonReport;
use crate::report::{AttemptReport, BuildReport, InputField, Next, PoolPhase, PoolReport, Queue};

/// The page for one pool, by itself.
pub fn page(report: &PoolReport, now: Timestamp) -> String {
    page_beside(report, None, now)
}

/// The page for one pool, with what is known of the daemon.
pub fn page_beside(report: &PoolReport, daemon: Option<&DaemonReport>, now: Timestamp) -> String {
    let since = report.since.map(|since| format!(", for {} (since {})", age(since, now), to_rfc3339(since)));
    let mut page = format!("Pool {}: {}{}\n", report.name, report.state, since.unwrap_or_default());
    for line in message(report).map(|message| printable(&message)).unwrap_or_default().lines() {
        let _ = writeln!(page, "  {line}");
    }
    if !report.inputs.is_empty() {
        let _ = write!(page, "\n{}", inputs(&report.inputs));
    }
    let observed = facts(report, daemon.and_then(|daemon| daemon.is_at_work(now)), now);
    if !observed.is_empty() {
        page.push('\n');
    }
    let mut table = plain_table();
    for (name, value) in observed {
        table.add_row([format!("{name}:"), value]);
    }
    page + &lines(table)
}

/// What was built against what is wanted; a star marks where they differ.
fn inputs(inputs: &[InputField]) -> String {
    let mut table = plain_table();
    table.set_header(["INPUT", "", "BUILT", "WANTED"]);
    for field in inputs {
        let mark = match field.differs {
            Some(true) => "*",
            Some(false) => "",
            None => "?",
        };
        let cell = |value: &Option<String>| match value {
            Some(hash) if field.name == "customContainerfile" => one_line(hash, DIGITS),
            Some(value) => one_line(value, usize::MAX),
            None => NOTHING.to_owned(),
        };
        table.add_row([field.name.to_owned(), mark.to_owned(), cell(&field.built), cell(&field.wanted)]);
    }
    lines(table)
}

fn facts(report: &PoolReport, is_at_work: Option<bool>, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut observed = Vec::new();
    let headline = message(report);
    // What the pool shows goes on with a command.
    let is_headline = |text: &str| headline.as_deref().is_some_and(|headline| headline.starts_with(text));
    let said = report.message.as_ref().filter(|text| !is_headline(text)).map(|text| format!(": {text}"));
    let said = said.unwrap_or_default();
    let shown = report.condition.as_ref().map(|shown| format!("{}, reason {}{said}", shown.type_, shown.reason));
    observed.extend(shown.map(|shown| ("Shown", shown)));
    observed.extend(report.image.clone().map(|image| ("Image", image)));
    observed.extend(report.attempt.as_ref().map(|attempt| ("Attempt", attempt_line(attempt, now))));
    observed.extend(report.builds.iter().map(|build| ("Build", build_line(build))));
    observed.extend(report.queue.as_ref().map(|queue| ("Queue", queue_line(queue))));
    // Elsewhere it is the headline.
    if let Some(blocker) = report.blocked_by.as_ref().filter(|_| report.state != PoolPhase::Blocked) {
        observed.push(("Blocked by", format!("{}, reason {}: {}", blocker.condition, blocker.reason, blocker.message)));
    }
    if let Some(fault) = report.input_fault.as_ref().filter(|fault| !is_headline(&fault.message)) {
        observed.push(("Input", fault.message.clone()));
    }
    observed.extend(report.next.as_ref().map(|next| ("Next", next_line(next, is_at_work, now))));
    observed.extend(report.command.clone().map(|command| ("Try", command)));
    observed.extend(report.notes.iter().map(|note| ("Note", note.clone())));
    observed.into_iter().map(|(name, value)| (name, one_line(&value, usize::MAX))).collect()
}

fn attempt_line(attempt: &AttemptReport, now: Timestamp) -> String {
    let mut line = format!("{} of {}, begun {} ago", attempt.number, attempt.of, age(attempt.started, now));
    if let (Some(at), Some(why)) = (attempt.lost_at, &attempt.lost_why) {
        let _ = write!(line, ", lost {} ago: {why}", age(at, now));
    }
    line
}

fn build_line(build: &BuildReport) -> String {
    let of = match build.is_wanted {
        Some(false) => ", of earlier inputs",
        Some(true) | None => "",
    };
    format!("{} {}, {}{of} (UID {})", build.kind, build.name, build.phase, build.uid)
}

fn queue_line(queue: &Queue) -> String {
    let holders = if queue.held_by.is_empty() { "nobody".to_owned() } else { queue.held_by.join(", ") };
    format!("number {} of {} that wait; slots are held by {holders}", queue.position, queue.waiting)
}

/// What is next; `is_at_work` says whether there is a daemon that does it, where that is known.
fn next_line(next: &Next, is_at_work: Option<bool>, now: Timestamp) -> String {
    match next.at {
        _ if next.is_due => {
            let why = match is_at_work {
                Some(true) => "it is due now",
                Some(false) => "it is due now, and no daemon is at work",
                None => "it is due now, and if it stays so for more than a few seconds, no daemon is at work",
            };
            format!("{}; {why}", next.what)
        }
        Some(at) => format!("{}, at {} (in {})", next.what, to_rfc3339(at), age(now, at)),
        None => next.what.clone(),
    }
}
