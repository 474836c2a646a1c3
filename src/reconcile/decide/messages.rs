//! All messages to users, in one place.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::refusal::RequestKind;
use super::{DecideSettings, cause, commands};
use crate::api::limits::{CONDITION_MESSAGE_BYTES_MAX, LOSS_BYTES_MAX};
use crate::api::{Key, Kind, Sensitive};
use crate::reconcile::observed::status::{BuildFailure, FailureCause};
use crate::reconcile::pool::conditions::{cut, to_rfc3339};
use crate::reconcile::pool::record::{Attempt, BuildRecord};

/// The text before the last lines of output.
const LAST_LINES: &str = "; last lines:\n";

const SINCE: &str = "since ";

/// The message of a pool that waits for a slot. A successor process restores the order of the queue from it: a time in
/// the build record would cost another patch for each build, and a condition's own time has whole seconds only.
pub(super) fn queued(settings: &DecideSettings, since: Timestamp) -> String {
    format!("waiting for one of {} build slots {SINCE}{since}", settings.concurrent_builds_max)
}

/// The time in a message of [`queued`].
pub(super) fn queued_since(message: &str) -> Option<Timestamp> {
    message.rsplit_once(SINCE)?.1.parse().ok()
}

/// The message while an object of an earlier build is being deleted.
pub(super) fn stopping(key: &Key) -> String {
    format!("waiting for {key} of earlier inputs to be gone")
}

/// The same, for an object that its finalizers keep.
pub(super) fn held(key: &Key, finalizers: &[String], namespace: &str) -> String {
    let many = if finalizers.len() == 1 { "finalizer" } else { "finalizers" };
    let names = finalizers.join(", ");
    let text = format!(
        "{many} {names} of {key}: waiting for {key} of earlier inputs to be gone, which they hold; have the controller \
         of each remove it",
    );
    commands::with_next(&text, &commands::look_at_finalizers(key, namespace))
}

pub(super) fn pending(key: &Key, why: &BuildFailure, output: &str) -> String {
    if why.is_empty() {
        return format!("{key} is waiting to start");
    }
    format!("{}; {key} is waiting to start", headline(why, output))
}

/// The message about a request that the API server refuses. The server's own message comes first.
pub(super) fn refused(words: &str, write: RequestKind, object: &Key, command: &str) -> String {
    let verb = match write {
        RequestKind::Pool | RequestKind::Status => "patch",
        RequestKind::Secret => "write",
        RequestKind::Create(_) => "create",
        RequestKind::Delete(_) => "delete",
        RequestKind::Read(_) => "show",
    };
    let status = if write == RequestKind::Status { "the status of " } else { "" };
    let tail = format!("; the API server refuses to {verb} {status}{object}; this is tried again until it succeeds");
    let room = commands::room_for(command).saturating_sub(tail.len());
    commands::with_next(&format!("{}{tail}", cut(words, room)), command)
}

/// The loss of a build that has not started in time.
pub(super) fn never_started(why: &BuildFailure) -> BuildFailure {
    let said = why.output.expose();
    let output = if why.is_empty() { "the cluster gave no reason".to_owned() } else { said.clone() };
    let cause = if why.is_empty() { FailureCause::Lost } else { why.cause };
    BuildFailure {
        step: "starting the build: it did not start within its deadline".to_owned(),
        output: Sensitive::new(output),
        cause,
        ..why.clone()
    }
}

/// The failure of a build that takes too long.
pub(super) fn overdue(deadline: Duration) -> BuildFailure {
    BuildFailure {
        step: format!(
            "running the build, which did not end within its deadline of {}",
            humantime::format_duration(deadline)
        ),
        hint: Some("raise buildDeadline, or make the build faster"),
        cause: FailureCause::Deadline,
        ..BuildFailure::default()
    }
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

pub(super) fn unclaimed(key: &Key) -> String {
    format!("{key} is removed, as it does not bear the claim of the pool's build record")
}

/// The message until the next attempt. It begins with the reason why the last attempt was lost.
pub(super) fn retrying(attempt: &Attempt, attempts_max: u32, why: &str, due: Timestamp) -> String {
    let (number, next) = (attempt.number, attempt.number + 1);
    let tail =
        format!("; attempt {next} of {attempts_max} is due at {}, as attempt {number} was lost", to_rfc3339(due));
    format!("{}{tail}", cut(why, CONDITION_MESSAGE_BYTES_MAX - tail.len()))
}

/// The message once the last attempt was lost: its reason, then the reason of each earlier loss.
pub(super) fn given_up(record: &BuildRecord, attempts: u32, why: &str, after: SignedDuration, command: &str) -> String {
    let earlier: Vec<String> = record
        .lost
        .iter()
        .filter(|lost| lost.number < attempts)
        .map(|lost| format!("; attempt {}: {}", lost.number, lost.cause.replace('\n', " ")))
        .collect();
    let times = if attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
    let tail = format!("; the build was lost {times}, most lately after {}s", after.as_secs());
    let room = commands::room_for(command);
    let own = cut(why, room.saturating_sub(tail.len() + earlier.iter().map(String::len).sum::<usize>()).max(room / 2));
    commands::with_next(&format!("{own}{tail}{}", earlier.concat()), command)
}

/// Why an attempt ended without an image: the exit code or the cluster's reason, the cause, and a hint for the user.
pub(super) fn headline(failure: &BuildFailure, output: &str) -> String {
    let word = match (failure.exit_code, failure.reason.as_deref()) {
        (Some(code), Some(reason)) => format!("exit {code}: {reason}"),
        (Some(code), None) => format!("exit {code}"),
        (None, Some(reason)) => reason.to_owned(),
        (None, None) => String::new(),
    };
    let cause = cause::cause(output).filter(|cause| *cause != word);
    let init = failure.container.as_ref().filter(|_| failure.cause == FailureCause::InitContainer);
    let init = init.filter(|_| failure.exit_code.is_some()).map(|name| format!("init container {name}"));
    let words = [Some(word).filter(|word| !word.is_empty()), init, cause];
    let mut line = words.into_iter().flatten().collect::<Vec<_>>().join(": ");
    if let Some(hint) = failure.hint {
        let separator = if line.is_empty() { "" } else { "; " };
        line = format!("{line}{separator}{hint}");
    }
    line
}

/// [`headline`], then `sentence`, then the last lines of output where they say more, in at most `max` bytes.
fn explanation(failure: &BuildFailure, output: &str, sentence: &str, max: usize) -> String {
    let output = cause::shortened(output.trim());
    let headline = headline(failure, &output);
    let separator = if headline.is_empty() { "" } else { "; " };
    let room = max.saturating_sub(separator.len() + sentence.len());
    let head = format!("{}{separator}{sentence}", cut(&headline, room));
    let is_more = cause::says_more(&output);
    let lines = last_bytes(&output, max.saturating_sub(head.len() + LAST_LINES.len()));
    if is_more && !lines.trim().is_empty() { format!("{head}{LAST_LINES}{lines}") } else { head }
}

/// Why an attempt was lost, in a line.
pub(super) fn lost_briefly(loss: &BuildFailure, output: &str) -> String {
    let headline = headline(loss, &cause::shortened(output.trim()));
    if headline.is_empty() { format!("lost while {}", loss.step) } else { headline }
}

/// Why an attempt was lost.
pub(super) fn lost(loss: &BuildFailure, output: &str) -> String {
    explanation(loss, output, &format!("lost while {}", loss.step), LOSS_BYTES_MAX)
}

/// The message about a failed build.
pub(super) fn failed(key: &Key, failure: &BuildFailure, output: &str, attempt: u32, namespace: &str) -> String {
    let next = match failure.cause {
        FailureCause::OutOfMemory | FailureCause::ContainerStart if key.kind == Kind::Pod => {
            commands::describe(key, namespace)
        }
        _ => commands::logs(key, namespace),
    };
    let exit = failure.exit_code.map(|code| format!(" with exit code {code}")).unwrap_or_default();
    let sentence = format!("{key} failed{exit} at {}, attempt {attempt}", failure.step);
    commands::with_next(&explanation(failure, output, &sentence, commands::room_for(&next)), &next)
}

/// The end of `text`, at most `max` bytes of it.
fn last_bytes(text: &str, max: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(max))..]
}
