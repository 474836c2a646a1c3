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
use crate::plan::slots::Demand;
use crate::plan::status::{BuildFailure, BuildStatus};

pub(super) fn decide(facts: &Facts<'_>, pool: &Pool<'_>, build: Made<'_>) -> Decision {
    let Some(hash) = build.hash() else { return Decision::idle(demand(facts)) };
    let Some(attempt) = facts.record.attempt_at(hash) else {
        // Made by a process whose claim is gone: it is the build that is wanted, so it is taken over.
        return Decision::rest(Demand::Hold, adopt(facts, pool, hash), None);
    };
    let attempt = attempt.clone();
    let status = facts.status_of(build);
    // Once the spec refers to it, it was told: an Event that has since expired is not told again.
    let is_told = pool.spec_source().contains(&build.reference());
    let told = if is_told { None } else { tell(facts, pool, started(build, &attempt)) };
    let effect = told.or_else(|| match status {
        None | Some(BuildStatus::DigestInConfigMap) => None,
        Some(BuildStatus::Pending(why)) if facts.pending_deadline(&attempt) <= facts.view.now => {
            give_up(facts, pool, build, &attempt, why)
        }
        Some(BuildStatus::Pending(why)) => {
            let message = messages::pending(build.key, &facts.scrubbed(why));
            show_live(facts, pool, build, (BUILD_PENDING, reason::BUILD_PENDING), message)
        }
        Some(BuildStatus::Running | BuildStatus::Failed(_)) => match evidence::failure_of(facts, build) {
            Some(failure) => record_failure(facts, pool, build, &attempt, &failure),
            None => show_live(facts, pool, build, (BUILDING, reason::BUILD_RUNNING), messages::running(build.key)),
        },
        Some(BuildStatus::Succeeded(digest)) => publish(facts, pool, build, digest),
        Some(BuildStatus::Lost(why)) => start::record_loss(facts, pool, &attempt, why),
    });
    let wake = match status {
        Some(BuildStatus::Pending(_)) => Some(facts.pending_deadline(&attempt)),
        Some(BuildStatus::Running) => facts.time_left(build).and_then(|left| facts.view.now.checked_add(left).ok()),
        _ => None,
    };
    Decision::rest(demand(facts), effect, wake)
}

fn started(build: Made<'_>, attempt: &Attempt) -> Note {
    Note {
        reason: event::BUILD_STARTED,
        message: messages::started(build.key, attempt.number),
        occurrence: format!("{} {}", attempt.hash, attempt.number),
        is_warning: false,
        cause: None,
    }
}

fn adopt(facts: &Facts<'_>, pool: &Pool<'_>, hash: &str) -> Option<Effect> {
    let attempt = Attempt { hash: hash.to_owned(), number: 1, started: facts.view.now, lost: None };
    let record = BuildRecord { attempt: Some(attempt), ..facts.record.clone() };
    patch_record(pool, &record, |_| {})
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
    let published = Published { hash: inputs.hash(), inputs, image: image.clone() };
    let record =
        BuildRecord { rebuild: false, published: Some(published), attempt: None, failed: None, ..facts.record.clone() };
    patch_record(pool, &record, |patch| {
        patch.set(&["metadata", "annotations", keys::NEWEST_IMAGE], image.into());
        show::unrefer(patch, pool);
    })
}

/// A build that does not start within its deadline is lost, for the reason that its object names, or else Events do.
fn give_up(facts: &Facts<'_>, pool: &Pool<'_>, build: Made<'_>, attempt: &Attempt, why: &str) -> Option<Effect> {
    let search = if why.is_empty() { evidence::seek(facts, build, Place::Events) } else { None };
    search.or_else(|| {
        let why = evidence::delay(facts, build, why)?;
        start::record_loss(facts, pool, attempt, &messages::never_started(&why))
    })
}

fn record_failure(
    facts: &Facts<'_>,
    pool: &Pool<'_>,
    build: Made<'_>,
    attempt: &Attempt,
    failure: &BuildFailure,
) -> Option<Effect> {
    show::refer(pool, Some(build.reference())).or_else(|| evidence::seek(facts, build, Place::Log)).or_else(|| {
        let message = evidence::message(facts, build, attempt, failure);
        let (reason, cause) = (reason::BUILD_FAILED.into(), failure.cause);
        let failed = Failed { hash: attempt.hash.clone(), reason, message, cause };
        let record = BuildRecord { rebuild: false, failed: Some(failed), ..facts.record.clone() };
        patch_record(pool, &record, |_| {})
    })
}
