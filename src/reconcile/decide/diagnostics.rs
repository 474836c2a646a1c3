//! Logs and Events that explain why a build did not succeed. The daemon reads them at most once for each build, and
//! nothing else waits for the answer: it adds a late answer to the failure that the pool already shows.

use super::observed::{BuildObject, Observed};
use super::{Diagnostics, DiagnosticsQuery, DiagnosticsSource, Effect, messages, patches};
use crate::api::{Kind, Pool, Sensitive};
use crate::reconcile::observed::status::{BuildFailure, BuildStatus};
use crate::reconcile::pool::record::{Attempt, BuildRecord, Failed};

/// The container that builds: a build that the cluster disrupted was most likely in it.
const IMAGE_BUILD: &str = "image-build";

/// The read of diagnostics about `build`, unless there was one. A Build needs none: its status holds everything.
pub(super) fn read_diagnostics(
    observed: &Observed<'_>,
    build: BuildObject<'_>,
    place: DiagnosticsSource,
) -> Option<Effect> {
    let is_sought = observed.inputs.diagnostics.contains_key(build.uid());
    (build.key.kind == Kind::Pod && !is_sought).then(|| {
        Effect::ReadDiagnostics(DiagnosticsQuery { build: build.key.clone(), uid: build.uid().to_owned(), place })
    })
}

/// The log of the container that failed; the log of the building container if no container did.
pub(super) fn log_of(failure: &BuildFailure) -> DiagnosticsSource {
    DiagnosticsSource::Log(failure.container.clone().unwrap_or_else(|| IMAGE_BUILD.to_owned()))
}

/// Whether diagnostics about `build` are being read.
pub(super) fn is_sought(observed: &Observed<'_>, build: BuildObject<'_>) -> bool {
    observed.inputs.diagnostics.get(build.uid()) == Some(&Diagnostics::Sought)
}

/// Whether Events may explain better than the build object why the build does not start: the object names no reason.
pub(super) fn may_be_in_events(why: &BuildFailure) -> bool {
    why.reason.is_none()
}

/// Why `build` does not start, as far as is known; `None` while Events are being read.
pub(super) fn delay(observed: &Observed<'_>, build: BuildObject<'_>, why: &BuildFailure) -> Option<BuildFailure> {
    match observed.inputs.diagnostics.get(build.uid()) {
        Some(Diagnostics::Sought) if may_be_in_events(why) => None,
        Some(Diagnostics::Found(text)) if why.is_empty() => Some(BuildFailure { output: text.clone(), ..why.clone() }),
        Some(Diagnostics::Found(text)) if may_be_in_events(why) && !text.expose().trim().is_empty() => {
            let output = Sensitive::new(format!("{}: {}", why.output.expose(), text.expose().trim()));
            Some(BuildFailure { output, ..why.clone() })
        }
        _ => Some(why.clone()),
    }
}

/// How `build` failed, if it did: by what its object says, or because it takes too long.
pub(super) fn failure_of(observed: &Observed<'_>, build: BuildObject<'_>) -> Option<BuildFailure> {
    match observed.status_of(build)? {
        BuildStatus::Failed(failure) => Some(failure.clone()),
        BuildStatus::Running if observed.time_left(build).is_none() => {
            Some(messages::overdue(observed.inputs.settings.build_deadline))
        }
        _ => None,
    }
}

/// The last lines of the build's log where they are known, else what its object says.
pub(super) fn output<'a>(
    observed: &Observed<'a>,
    build: BuildObject<'_>,
    failure: &'a BuildFailure,
) -> &'a Sensitive<String> {
    match observed.inputs.diagnostics.get(build.uid()) {
        Some(Diagnostics::Found(log)) if !log.expose().trim().is_empty() => log,
        _ => &failure.output,
    }
}

/// The message about a failure.
pub(super) fn message(
    observed: &Observed<'_>,
    build: BuildObject<'_>,
    attempt: &Attempt,
    failure: &BuildFailure,
) -> String {
    told(observed, build, attempt, failure, output(observed, build, failure))
}

fn told(
    observed: &Observed<'_>,
    build: BuildObject<'_>,
    attempt: &Attempt,
    failure: &BuildFailure,
    output: &Sensitive<String>,
) -> String {
    let output = observed.scrubbed(output.expose());
    messages::failed(build.key, failure, &output, attempt.number, &observed.inputs.settings.namespace)
}

/// The patch that adds the log to the record of a failure, if the log arrived after the record was written.
pub(super) fn amend(observed: &Observed<'_>, pool: &Pool<'_>, failed: &Failed) -> Option<Effect> {
    let build = observed.build_of(&failed.hash)?;
    let Some(Diagnostics::Found(_)) = observed.inputs.diagnostics.get(build.uid()) else { return None };
    let attempt = observed.record.attempt_at(&failed.hash).filter(|attempt| attempt.lost.is_none())?;
    let failure = failure_of(observed, build)?;
    let message = message(observed, build, attempt, &failure);
    if failed.message != told(observed, build, attempt, &failure, &failure.output) || failed.message == message {
        return None;
    }
    let record = BuildRecord { failed: Some(Failed { message, ..failed.clone() }), ..observed.record.clone() };
    patches::record(pool, &record, |_| {})
}
