//! A build that is there: show how it is doing, publish its image, record its end.

use super::facts::{Facts, Made};
use super::serve::{demand, patch_record, tell};
use super::{Decision, Effect, Place, evidence, messages, show, start};
use crate::api::conditions::{BUILD_PENDING, BUILDING, event, reason};
use crate::api::{Pool, keys};
use crate::plan::conditions::{Degraded, Shown};
use crate::plan::digest::Digest;
use crate::plan::notes::Note;
use crate::plan::record::{Attempt, BuildRecord, Failed, Published};
use crate::plan::status::{BuildFailure, BuildStatus};

pub(super) fn decide(facts: &Facts<'_>, pool: &Pool<'_>, build: Made<'_>) -> Decision {
    let attempt = build.hash().and_then(|hash| facts.record.attempt_at(hash));
    let Some(attempt) = attempt.cloned() else { return Decision::idle(demand(facts)) };
    let status = facts.status_of(build);
    // Once the spec refers to it, it was told: an Event that has since expired is not told again.
    let is_told = pool.spec_source().contains(&build.reference());
    let told = if is_told { None } else { tell(facts, pool, started(facts, build, &attempt)) };
    let effect = told.or_else(|| match status {
        None | Some(BuildStatus::DigestInConfigMap) => None,
        Some(BuildStatus::Pending(why)) if facts.pending_deadline(&attempt, build) <= facts.view.now => {
            give_up(facts, pool, build, &attempt, why)
        }
        Some(BuildStatus::Pending(why)) => {
            let message = messages::pending(build.key, why, &facts.scrubbed(why.output.expose()));
            show_live(facts, pool, build, (BUILD_PENDING, reason::BUILD_PENDING), message)
        }
        Some(BuildStatus::Running | BuildStatus::Failed(_)) => match evidence::failure_of(facts, build) {
            Some(failure) => record_failure(facts, pool, build, &attempt, &failure),
            None => show_live(facts, pool, build, (BUILDING, reason::BUILD_RUNNING), messages::running(build.key)),
        },
        Some(BuildStatus::Succeeded(digest)) => publish(facts, pool, build, digest),
        Some(BuildStatus::Lost(loss)) => record_loss(facts, pool, build, &attempt, loss),
    });
    let wake = match status {
        Some(BuildStatus::Pending(_)) => Some(facts.pending_deadline(&attempt, build)),
        Some(BuildStatus::Running) => facts.time_left(build).and_then(|left| facts.view.now.checked_add(left).ok()),
        _ => None,
    };
    Decision::rest(demand(facts), effect, wake)
}

fn started(facts: &Facts<'_>, build: Made<'_>, attempt: &Attempt) -> Note {
    Note {
        reason: event::BUILD_STARTED,
        message: messages::started(build.key, attempt.number),
        occurrence: format!("{} {}", facts.record.occasion(), attempt.number),
        is_warning: false,
        cause: None,
    }
}

/// The loss of a build, once what its log says of it was looked for: its object may be gone after that.
fn record_loss(
    facts: &Facts<'_>,
    pool: &Pool<'_>,
    build: Made<'_>,
    attempt: &Attempt,
    loss: &BuildFailure,
) -> Option<Effect> {
    evidence::seek(facts, build, evidence::log_of(loss)).or_else(|| {
        let output = evidence::output(facts, build, loss).expose();
        (!evidence::is_sought(facts, build))
            .then(|| start::record_loss(facts, pool, attempt, (loss, output), Some(build)))?
    })
}

/// Shows a build under way: the reference in the spec first, then the reference and the condition in the status.
fn show_live(
    facts: &Facts<'_>,
    pool: &Pool<'_>,
    build: Made<'_>,
    (type_, reason): (&'static str, &str),
    message: String,
) -> Option<Effect> {
    show::refer(pool, Some(build.reference())).or_else(|| {
        let shown = Shown { type_, reason: reason.to_owned(), message };
        show::show(facts, pool, &shown, Degraded::Clear, Some(build.reference()))
    })
}

/// One patch: the image, the record of what it was built from, and the reference out of the spec.
fn publish(facts: &Facts<'_>, pool: &Pool<'_>, build: Made<'_>, digest: &Digest) -> Option<Effect> {
    let Some(inputs) = build.inputs() else {
        // Nobody can say what was built: it is no build to publish.
        return facts
            .deletion([build].into_iter().filter_map(|b| facts.builds.iter().copied().find(|o| o.uid() == b.uid())));
    };
    let image = inputs.image_at(digest.as_str());
    let mut record = facts.record.clone();
    record.remember(&inputs.rendered_config, "succeeded", (None, Some(&image)), facts.view.now);
    let published = Published { hash: inputs.hash(), inputs, image: image.clone(), build: record.build };
    let record = BuildRecord {
        rebuild: false,
        published: Some(published),
        attempt: None,
        lost: Vec::new(),
        failed: None,
        ..record
    };
    patch_record(pool, &record, |patch| {
        patch.set(&["metadata", "annotations", keys::NEWEST_IMAGE], image.into());
        show::unrefer(patch, pool);
    })
}

/// A build that does not start within its deadline is lost, for the reason that its object names, or else Events do.
fn give_up(
    facts: &Facts<'_>,
    pool: &Pool<'_>,
    build: Made<'_>,
    attempt: &Attempt,
    why: &BuildFailure,
) -> Option<Effect> {
    let search = evidence::may_be_in_events(why).then(|| evidence::seek(facts, build, Place::Events)).flatten();
    search.or_else(|| {
        let loss = messages::never_started(&evidence::delay(facts, build, why)?);
        start::record_loss(facts, pool, attempt, (&loss, loss.output.expose()), Some(build))
    })
}

fn record_failure(
    facts: &Facts<'_>,
    pool: &Pool<'_>,
    build: Made<'_>,
    attempt: &Attempt,
    failure: &BuildFailure,
) -> Option<Effect> {
    let seek = || evidence::seek(facts, build, evidence::log_of(failure));
    show::refer(pool, Some(build.reference())).or_else(seek).or_else(|| {
        let message = evidence::message(facts, build, attempt, failure);
        let (reason, cause) = (reason::BUILD_FAILED.into(), failure.cause);
        let mut record = facts.record.clone();
        record.remember(build.rendered().unwrap_or_default(), "failed", (Some(cause.as_str()), None), facts.view.now);
        let failed = Failed { hash: attempt.hash.clone(), reason, message, cause };
        let record = BuildRecord { rebuild: false, failed: Some(failed), ..record };
        patch_record(pool, &record, |_| {})
    })
}
