//! What is read beside a build's object, to say why it did not succeed. At most once for each build, and whatever is
//! due meanwhile does not wait for it: what is found later is added to what is shown.

use super::facts::{Facts, Made};
use super::serve::patch_record;
use super::{Effect, Evidence, Place, Search, messages};
use crate::api::{Kind, Pool, Sensitive};
use crate::plan::record::{Attempt, BuildRecord, Failed};
use crate::plan::status::{BuildFailure, BuildStatus, FailureCause};

/// The look for what is said about `build`, unless there was one. A Build says all there is to know by itself.
pub(super) fn seek(facts: &Facts<'_>, build: Made<'_>, place: Place) -> Option<Effect> {
    let is_sought = facts.view.evidence.contains_key(build.uid());
    (build.key.kind == Kind::Pod && !is_sought)
        .then(|| Effect::Seek(Search { build: build.key.clone(), uid: build.uid().to_owned(), place }))
}

/// Why `build` does not start, as far as is known; `None` while that is being looked for.
pub(super) fn delay(facts: &Facts<'_>, build: Made<'_>, why: &str) -> Option<String> {
    match facts.view.evidence.get(build.uid()) {
        Some(Evidence::Sought) if why.is_empty() => None,
        Some(Evidence::Found(text)) if why.is_empty() => Some(text.expose().clone()),
        _ => Some(why.to_owned()),
    }
}

/// How `build` failed, if it did: by what its object says, or because it takes too long.
pub(super) fn failure_of(facts: &Facts<'_>, build: Made<'_>) -> Option<BuildFailure> {
    match facts.status_of(build)? {
        BuildStatus::Failed(failure) => Some(failure.clone()),
        BuildStatus::Running if facts.time_left(build).is_none() => {
            let step = messages::overdue(facts.view.settings.build_deadline);
            let cause = FailureCause::Deadline;
            Some(BuildFailure { step, exit_code: None, output: Sensitive::default(), cause })
        }
        _ => None,
    }
}

/// What is told of a failure: with the last lines of the build's log where they are known, else with what its object
/// says.
pub(super) fn message(facts: &Facts<'_>, build: Made<'_>, attempt: &Attempt, failure: &BuildFailure) -> String {
    let output = match facts.view.evidence.get(build.uid()) {
        Some(Evidence::Found(log)) if !log.expose().trim().is_empty() => log,
        _ => &failure.output,
    };
    told(facts, build, attempt, failure, output)
}

fn told(
    facts: &Facts<'_>,
    build: Made<'_>,
    attempt: &Attempt,
    failure: &BuildFailure,
    output: &Sensitive<String>,
) -> String {
    let output = facts.scrubbed(output.expose());
    messages::failed(build.key, failure, &output, attempt.number, &facts.view.settings.namespace)
}

/// The patch that adds to the record of a failure what its log had to say, where that came too late for it.
pub(super) fn amend(facts: &Facts<'_>, pool: &Pool<'_>, failed: &Failed) -> Option<Effect> {
    let build = facts.build_of(&failed.hash)?;
    let Some(Evidence::Found(_)) = facts.view.evidence.get(build.uid()) else { return None };
    let attempt = facts.record.attempt_at(&failed.hash)?;
    let failure = failure_of(facts, build)?;
    let message = message(facts, build, attempt, &failure);
    if failed.message != told(facts, build, attempt, &failure, &failure.output) || failed.message == message {
        return None;
    }
    let record = BuildRecord { failed: Some(Failed { message, ..failed.clone() }), ..facts.record.clone() };
    patch_record(pool, &record, |_| {})
}
