//! What users are told, in one place.

use jiff::{SignedDuration, Timestamp};

use super::Settings;
use crate::api::{Key, Kind};
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

pub(super) fn given_up(attempts: u32, why: &str, after: SignedDuration) -> String {
    format!(
        "the build was lost {attempts} times, most lately after {}s: {why}; once that is mended, \
         ask for a fresh build with the annotation {}",
        after.as_secs(),
        crate::api::keys::REBUILD,
    )
}

pub(super) fn failed(key: &Key, failure: &BuildFailure, attempt: u32, namespace: &str) -> String {
    let exit = failure.exit_code.map(|code| format!(" with exit code {code}")).unwrap_or_default();
    let head = format!("{key} failed{exit} at {}, attempt {attempt}", failure.step);
    let resource = key.kind.name().to_lowercase();
    let containers = if key.kind == Kind::Pod { " --all-containers" } else { "" };
    let tail = format!("; for all of its output: oc --namespace {namespace} logs {resource}/{}{containers}", key.name);
    let room = crate::api::limits::CONDITION_MESSAGE_BYTES_MAX.saturating_sub(head.len() + tail.len() + 2);
    let output = last_bytes(failure.output.trim(), room);
    if output.is_empty() { format!("{head}{tail}") } else { format!("{head}: {output}{tail}") }
}

/// The end of `text`, at most `max` bytes of it.
fn last_bytes(text: &str, max: usize) -> &str {
    let mut start = text.len().saturating_sub(max);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}
