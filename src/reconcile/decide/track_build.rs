//! An existing build: show its progress, publish its image, record its end.

use super::observed::{BuildObject, Observed};
use super::{Decision, DiagnosticsSource, Effect, diagnostics, loss, messages, patches};
use crate::api::conditions::{BUILD_PENDING, BUILDING, EventReason, reason};
use crate::api::{Pool, keys};
use crate::reconcile::observed::digest::Digest;
use crate::reconcile::observed::status::{BuildFailure, BuildStatus};
use crate::reconcile::pool::conditions::{ConditionUpdate, Degraded};
use crate::reconcile::pool::events::PoolEvent;
use crate::reconcile::pool::record::{Attempt, BuildRecord, Failed, Published};

pub(super) fn decide(observed: &Observed<'_>, pool: &Pool<'_>, build: BuildObject<'_>) -> Decision {
    let attempt = build.hash().and_then(|hash| observed.record.attempt_at(hash));
    let Some(attempt) = attempt.cloned() else { return Decision::idle(observed.demand()) };
    let status = observed.status_of(build);
    // The Event comes before the reference in the spec: the daemon does not emit it again after it has expired.
    let is_told = pool.spec_source().contains(&build.reference());
    let emitted = if is_told { None } else { observed.emit(pool, started(observed, build, &attempt)) };
    let effect = emitted.or_else(|| match status {
        None | Some(BuildStatus::DigestInConfigMap) => None,
        Some(BuildStatus::Pending(why)) if observed.pending_deadline(&attempt, build) <= observed.inputs.now => {
            give_up(observed, pool, build, &attempt, why)
        }
        Some(BuildStatus::Pending(why)) => {
            let message = messages::pending(build.key, why, &observed.scrubbed(why.output.expose()));
            show_live(observed, pool, build, (BUILD_PENDING, reason::BUILD_PENDING), message)
        }
        Some(BuildStatus::Running | BuildStatus::Failed(_)) => match diagnostics::failure_of(observed, build) {
            Some(failure) => record_failure(observed, pool, build, &attempt, &failure),
            None => show_live(observed, pool, build, (BUILDING, reason::BUILD_RUNNING), messages::running(build.key)),
        },
        Some(BuildStatus::Succeeded(digest)) => publish(observed, pool, build, digest),
        Some(BuildStatus::Lost(loss)) => record_loss(observed, pool, build, &attempt, loss),
    });
    let requeue_at = match status {
        Some(BuildStatus::Pending(_)) => Some(observed.pending_deadline(&attempt, build)),
        Some(BuildStatus::Running) => {
            observed.time_left(build).and_then(|left| observed.inputs.now.checked_add(left).ok())
        }
        _ => None,
    };
    Decision::rest(observed.demand(), effect, requeue_at)
}

fn started(observed: &Observed<'_>, build: BuildObject<'_>, attempt: &Attempt) -> PoolEvent {
    PoolEvent {
        reason: EventReason::BuildStarted,
        message: messages::started(build.key, attempt.number),
        occurrence: format!("{} {}", observed.record.occasion(), attempt.number),
        cause: None,
    }
}

/// Records the loss of a build after reading its log, because the object may be gone afterwards.
fn record_loss(
    observed: &Observed<'_>,
    pool: &Pool<'_>,
    build: BuildObject<'_>,
    attempt: &Attempt,
    loss: &BuildFailure,
) -> Option<Effect> {
    diagnostics::read_diagnostics(observed, build, diagnostics::log_of(loss)).or_else(|| {
        let output = diagnostics::output(observed, build, loss).expose();
        (!diagnostics::is_sought(observed, build))
            .then(|| loss::record(observed, pool, attempt, (loss, output), Some(build)))?
    })
}

/// Shows a build under way: the reference in the spec first, then the reference and the condition in the status.
fn show_live(
    observed: &Observed<'_>,
    pool: &Pool<'_>,
    build: BuildObject<'_>,
    (type_, reason): (&'static str, &str),
    message: String,
) -> Option<Effect> {
    patches::refer(pool, Some(build.reference())).or_else(|| {
        let shown = ConditionUpdate { type_, reason: reason.to_owned(), message };
        patches::show(observed, pool, &shown, Degraded::Clear, Some(build.reference()))
    })
}

/// One patch sets the image and the record of its inputs, and removes the reference from the spec.
fn publish(observed: &Observed<'_>, pool: &Pool<'_>, build: BuildObject<'_>, digest: &Digest) -> Option<Effect> {
    let Some(inputs) = build.inputs() else {
        // The recorded inputs are missing or do not match the hash. The daemon cannot tell what was built, so it
        // deletes the build instead of publishing it.
        return observed.deletion(
            [build].into_iter().filter_map(|b| observed.builds.iter().copied().find(|o| o.uid() == b.uid())),
        );
    };
    let image = inputs.image_at(digest.as_str());
    let mut record = observed.record.clone();
    record.remember(&inputs.rendered_config, "succeeded", (None, Some(&image)), observed.inputs.now);
    let published = Published { hash: inputs.hash(), inputs, image: image.clone(), build: record.build };
    let record = BuildRecord {
        rebuild: false,
        published: Some(published),
        attempt: None,
        lost: Vec::new(),
        failed: None,
        ..record
    };
    patches::record(pool, &record, |patch| {
        patch.set(&["metadata", "annotations", keys::NEWEST_IMAGE], image.into());
        patches::unrefer(patch, pool);
    })
}

/// Records the loss of a build that did not start within its deadline, with the reason from its object or else from
/// Events.
fn give_up(
    observed: &Observed<'_>,
    pool: &Pool<'_>,
    build: BuildObject<'_>,
    attempt: &Attempt,
    why: &BuildFailure,
) -> Option<Effect> {
    let search = diagnostics::may_be_in_events(why)
        .then(|| diagnostics::read_diagnostics(observed, build, DiagnosticsSource::Events))
        .flatten();
    search.or_else(|| {
        let loss = messages::never_started(&diagnostics::delay(observed, build, why)?);
        loss::record(observed, pool, attempt, (&loss, loss.output.expose()), Some(build))
    })
}

fn record_failure(
    observed: &Observed<'_>,
    pool: &Pool<'_>,
    build: BuildObject<'_>,
    attempt: &Attempt,
    failure: &BuildFailure,
) -> Option<Effect> {
    let seek = || diagnostics::read_diagnostics(observed, build, diagnostics::log_of(failure));
    patches::refer(pool, Some(build.reference())).or_else(seek).or_else(|| {
        let message = diagnostics::message(observed, build, attempt, failure);
        let (reason, cause) = (reason::BUILD_FAILED.into(), failure.cause);
        let mut record = observed.record.clone();
        record.remember(
            build.rendered().unwrap_or_default(),
            "failed",
            (Some(cause.as_str()), None),
            observed.inputs.now,
        );
        let failed = Failed { hash: attempt.hash.clone(), reason, message, cause };
        let record = BuildRecord { rebuild: false, failed: Some(failed), ..record };
        patches::record(pool, &record, |_| {})
    })
}
