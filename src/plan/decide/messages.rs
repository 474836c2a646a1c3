//! What users are told, in one place.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Settings, commands};
use crate::api::Key;
use crate::plan::record::Attempt;
use crate::plan::status::BuildFailure;

const SINCE: &str = "since ";

/// What is shown while a pool waits for a slot. The moment it began to wait is part of it: it is where
/// a successor of this process reads the order of the queue.
pub(super) fn queued(settings: &Settings, since: Timestamp) -> String {
    format!("waiting for one of {} build slots {SINCE}{since}", settings.concurrent_builds_max)
}

/// The moment in a message of [`queued`].
pub(super) fn queued_since(message: &str) -> Option<Timestamp> {
    message.rsplit_once(SINCE)?.1.parse().ok()
}

pub(super) fn stopping(key: &Key) -> String {
    format!("waiting for {key} of earlier inputs to be gone")
}

pub(super) fn pending(key: &Key, why: &str) -> String {
    if why.is_empty() { format!("{key} is waiting to start") } else { format!("{key} is waiting to start: {why}") }
}

pub(super) fn refused(why: &str) -> String {
    format!("the API server refuses to create an object of the build: {why}")
}

pub(super) fn never_started(why: &str) -> String {
    let why = if why.is_empty() { "the cluster gave no reason" } else { why };
    format!("it did not start within its deadline: {why}")
}

/// What a build that takes too long fails at.
pub(super) fn overdue(deadline: Duration) -> String {
    format!("running the build, which did not end within its deadline of {}", humantime::format_duration(deadline))
}

pub(super) fn running(key: &Key) -> String {
    format!("{key} is building")
}

pub(super) fn succeeded(rendered: &str, image: &str) -> String {
    format!("{rendered} is built as {image}")
}

pub(super) fn started(key: &Key, attempt: u32) -> String {
    format!("{key} is made, attempt {attempt}")
}

pub(super) fn superseded(key: &Key) -> String {
    format!("{key} is stopped, as the pool's inputs have changed")
}

pub(super) fn retrying(attempt: &Attempt, attempts_max: u32, why: &str, due: Timestamp) -> String {
    let due = crate::plan::conditions::to_rfc3339(due);
    format!(
        "attempt {} of {attempts_max} is due at {due}: attempt {} was lost: {why}",
        attempt.number + 1,
        attempt.number
    )
}

pub(super) fn given_up(pool: &str, attempts: u32, why: &str, after: SignedDuration) -> String {
    let after = after.as_secs();
    let text =
        format!("the build was lost {attempts} times, most lately after {after}s: {why}; mend that, and ask anew");
    commands::with_next(&text, &commands::rebuild(pool))
}

pub(super) fn failed(key: &Key, failure: &BuildFailure, output: &str, attempt: u32, namespace: &str) -> String {
    let exit = failure.exit_code.map(|code| format!(" with exit code {code}")).unwrap_or_default();
    let head = format!("{key} failed{exit} at {}, attempt {attempt}", failure.step);
    let next = commands::logs(key, namespace);
    let room = commands::room_for(&next).saturating_sub(head.len() + 2);
    let output = last_bytes(output.trim(), room);
    let text = if output.is_empty() { head } else { format!("{head}: {output}") };
    commands::with_next(&text, &next)
}

/// The end of `text`, at most `max` bytes of it.
fn last_bytes(text: &str, max: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(max))..]
}
