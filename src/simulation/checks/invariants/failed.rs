//! Which failures the daemon may report to users.

use super::model::{Model, annotation};
use crate::api::conditions::{BUILD_FAILED, BUILD_SUCCESS, reason};
use crate::api::limits::ATTEMPTS_MAX_DEFAULT;
use crate::api::pool::field;
use crate::api::{Kind, Object, Pool, keys};
use crate::reconcile::observed::status::FailureCause;
use crate::reconcile::pool::record::BuildRecord;
use crate::simulation::checks::at_rest::Finding;
use crate::simulation::people::registry::FakeRegistry;

/// Faults in the failure that a write of the daemon reports.
pub(super) fn faults(model: &Model, ledger: &FakeRegistry, before: &Object, after: &Object) -> Vec<Finding> {
    let (was, is) = (Pool::new(before), Pool::new(after));
    let untruth = untruth(model, ledger, &was, &is);
    let whats = untruth.into_iter().chain(unkept(&was, &is)).chain(uncaused(model, ledger, &was, &is));
    whats.map(|what| Finding::of_pool(is.name(), what)).collect()
}

/// A failure on record for a build that was only lost: the daemon has to retry such a build, and the user has nothing
/// to fix.
fn untruth(model: &Model, ledger: &FakeRegistry, was: &Pool<'_>, is: &Pool<'_>) -> Option<String> {
    let of = |pool: &Pool<'_>| BuildRecord::of(pool).unwrap_or_default().failed;
    let failed = of(is).filter(|failed| of(was).as_ref() != Some(failed) && failed.reason == reason::BUILD_FAILED)?;
    let builds = model.builds_of(is.name()).filter(|build| annotation(build, keys::INPUT_HASH) == failed.hash);
    let uids: Vec<_> = builds.filter_map(|build| build.metadata.uid.as_deref()).collect();
    if uids.is_empty() && failed.cause == FailureCause::Deadline {
        return Some(format!("the build is said to take too long ({}), and is gone", failed.message));
    }
    let endings: Vec<_> = uids.into_iter().filter_map(|uid| ledger.ending(uid)).collect();
    // The pod of the last attempt that is lost is kept.
    let is_last = failed.cause == FailureCause::Lost && is_last_attempt(was, &failed.hash);
    let is_true = endings.is_empty() || is_last || endings.iter().any(|ending| ending.is_failure());
    (!is_true).then(|| format!("the build is said to have failed ({}), and it ended as {endings:?}", failed.message))
}

/// A loss that goes on record without its cause.
fn uncaused(model: &Model, ledger: &FakeRegistry, was: &Pool<'_>, is: &Pool<'_>) -> Option<String> {
    let of = |pool: &Pool<'_>| BuildRecord::of(pool).unwrap_or_default();
    let (before, after) = (of(was), of(is));
    let attempt = after.attempt.as_ref().filter(|attempt| attempt.lost.is_some())?;
    if before.attempt.as_ref().is_some_and(|known| known.lost.is_some() && known.number == attempt.number) {
        return None;
    }
    let number = attempt.number;
    let cause = after.lost.last().filter(|lost| lost.number == number).map(|lost| lost.cause.trim());
    let Some(cause) = cause.filter(|cause| !cause.is_empty()) else {
        return Some(format!("attempt {number} is lost, and its cause is not recorded"));
    };
    let has_failed = |build: &&Object| build.data.pointer("/status/phase").is_some_and(|phase| phase == "Failed");
    let pods = model.builds_of(is.name()).filter(|build| Kind::of(build).is_ok_and(|kind| kind == Kind::Pod));
    let pods = pods.filter(|build| build.metadata.deletion_timestamp.is_none()).filter(has_failed);
    let mut pods = pods.filter(|build| Some(annotation(build, keys::CLAIM)) == attempt.claim.as_deref());
    let ending = ledger.ending(pods.next()?.metadata.uid.as_deref()?)?;
    let words = ending.cause().filter(|words| !cause.to_lowercase().contains(&words.to_lowercase()))?;
    Some(format!("attempt {number} is lost as {words}, and recorded as {cause:?}"))
}

/// Whether the attempt that is under way is the last that there is.
fn is_last_attempt(pool: &Pool<'_>, hash: &str) -> bool {
    let record = BuildRecord::of(pool).unwrap_or_default();
    record.attempt_at(hash).is_some_and(|attempt| attempt.number >= ATTEMPTS_MAX_DEFAULT)
}

/// An image of today's config that is not shown as such any more because an input cannot be read: that is no change.
fn unkept(was: &Pool<'_>, is: &Pool<'_>) -> Option<String> {
    let why = field(is.condition(BUILD_FAILED)?, "reason");
    // In these cases a build was due, and another cause than its inputs prevented it.
    let is_about_build = [reason::BUILD_FAILED, reason::NAME_CONFLICT].contains(&why);
    if !was.is_true(BUILD_SUCCESS) || !is.is_true(BUILD_FAILED) || is_about_build {
        return None;
    }
    let record = BuildRecord::of(is).ok()?;
    let published = record.published.as_ref()?;
    let is_of_today = published.inputs.rendered_config == is.rendered();
    let is_kept = is_of_today && record.published_on(is, &published.hash).is_some();
    is_kept.then(|| format!("{why} takes the place of the success of {}", is.rendered()))
}
