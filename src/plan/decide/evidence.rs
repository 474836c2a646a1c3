//! What is read beside a build's object, to say why it did not succeed. At most once for each build, and whatever is
//! due meanwhile does not wait for it: what is found later is added to what is shown.

use super::facts::{Facts, Made};
use super::serve::patch_record;
use super::{Effect, Evidence, Place, Search, messages};
use crate::api::{Kind, Pool, Sensitive};
use crate::plan::record::{Attempt, BuildRecord, Failed};
use crate::plan::status::{BuildFailure, BuildStatus};

/// The container that builds; what the cluster takes away was most likely at that.
const IMAGE_BUILD: &str = "image-build";

/// The look for what is said about `build`, unless there was one. A Build says all there is to know by itself.
pub(super) fn seek(facts: &Facts<'_>, build: Made<'_>, place: Place) -> Option<Effect> {
    let is_sought = facts.view.evidence.contains_key(build.uid());
    (build.key.kind == Kind::Pod && !is_sought)
        .then(|| Effect::Seek(Search { build: build.key.clone(), uid: build.uid().to_owned(), place }))
}

/// Where the container that failed has said why: the one that builds, if it is none's failure.
pub(super) fn log_of(failure: &BuildFailure) -> Place {
    Place::Log(failure.container.clone().unwrap_or_else(|| IMAGE_BUILD.to_owned()))
}

/// Whether what is said about `build` is being looked for.
pub(super) fn is_sought(facts: &Facts<'_>, build: Made<'_>) -> bool {
    facts.view.evidence.get(build.uid()) == Some(&Evidence::Sought)
}

/// Whether Events may say more than the object of a build about why it does not start: it names no reason.
pub(super) fn may_be_in_events(why: &BuildFailure) -> bool {
    why.reason.is_none()
}

/// Why `build` does not start, as far as is known; `None` while that is being looked for.
pub(super) fn delay(facts: &Facts<'_>, build: Made<'_>, why: &BuildFailure) -> Option<BuildFailure> {
    match facts.view.evidence.get(build.uid()) {
        Some(Evidence::Sought) if may_be_in_events(why) => None,
        Some(Evidence::Found(text)) if why.is_empty() => Some(BuildFailure { output: text.clone(), ..why.clone() }),
        Some(Evidence::Found(text)) if may_be_in_events(why) && !text.expose().trim().is_empty() => {
            let output = Sensitive::new(format!("{}: {}", why.output.expose(), text.expose().trim()));
            Some(BuildFailure { output, ..why.clone() })
        }
        _ => Some(why.clone()),
    }
}

/// How `build` failed, if it did: by what its object says, or because it takes too long.
pub(super) fn failure_of(facts: &Facts<'_>, build: Made<'_>) -> Option<BuildFailure> {
    match facts.status_of(build)? {
        BuildStatus::Failed(failure) => Some(failure.clone()),
        BuildStatus::Running if facts.time_left(build).is_none() => {
            Some(messages::overdue(facts.view.settings.build_deadline))
        }
        _ => None,
    }
}

/// The last lines of the build's log where they are known, else what its object says.
pub(super) fn output<'a>(facts: &Facts<'a>, build: Made<'_>, failure: &'a BuildFailure) -> &'a Sensitive<String> {
    match facts.view.evidence.get(build.uid()) {
        Some(Evidence::Found(log)) if !log.expose().trim().is_empty() => log,
        _ => &failure.output,
    }
}

/// What is told of a failure.
pub(super) fn message(facts: &Facts<'_>, build: Made<'_>, attempt: &Attempt, failure: &BuildFailure) -> String {
    told(facts, build, attempt, failure, output(facts, build, failure))
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
    let attempt = facts.record.attempt_at(&failed.hash).filter(|attempt| attempt.lost.is_none())?;
    let failure = failure_of(facts, build)?;
    let message = message(facts, build, attempt, &failure);
    if failed.message != told(facts, build, attempt, &failure, &failure.output) || failed.message == message {
        return None;
    }
    let record = BuildRecord { failed: Some(Failed { message, ..failed.clone() }), ..facts.record.clone() };
    patch_record(pool, &record, |_| {})
}
