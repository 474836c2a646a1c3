//! The published image of a pool.

use super::model::Model;
use crate::api::{Object, Pool, keys};
use crate::reconcile::pool::record::{BuildRecord, Published};
use crate::simulation::checks::at_rest::Finding;
use crate::simulation::people::registry::FakeRegistry;

/// Faults in the image that a write of the daemon publishes.
pub(super) fn faults(model: &Model, ledger: &FakeRegistry, before: &Object, after: &Object) -> Vec<Finding> {
    let (was, is) = (Pool::new(before), Pool::new(after));
    let record = BuildRecord::of(&is).unwrap_or_default();
    let shown = |pool: &Pool<'_>| pool.annotation(keys::NEWEST_IMAGE).map(str::to_owned);
    let is_same =
        shown(&was) == shown(&is) && BuildRecord::of(&was).is_ok_and(|before| before.published == record.published);
    let Some(image) = shown(&is).filter(|_| !is_same) else { return Vec::new() };
    let mut whats = Vec::new();
    match &record.published {
        None => whats.push(format!("{image} is published, and nothing says what it was built from")),
        Some(published) => {
            whats.extend(untruth(model, ledger, &image, published).map(|what| format!("{image} is published: {what}")));
            whats.extend(second_credit(model, is.name(), &image, &published.hash));
        }
    }
    whats.into_iter().map(|what| Finding::of_pool(is.name(), what)).collect()
}

/// The claims of a published image that are not true.
fn untruth(model: &Model, ledger: &FakeRegistry, image: &str, published: &Published) -> Option<String> {
    let Published { inputs, hash, image: recorded, .. } = published;
    if recorded != image || *hash != inputs.hash() {
        return Some(format!("the record says {recorded}, of {hash}"));
    }
    let (repository, digest) = image.split_once('@').unwrap_or_default();
    let pushed = ledger.image(digest);
    let mut builds = model.pushed.get(digest).cloned().unwrap_or_default();
    if let Some(pushed) = &pushed {
        builds = [pushed.build.clone()].into();
    }
    if !builds.iter().any(|build| model.inputs.get(build) == Some(inputs)) {
        return Some(format!("it was pushed by {builds:?}, and not built from {inputs:?}"));
    }
    if repository != inputs.repository {
        return Some(format!("the image was pushed to {}", inputs.repository));
    }
    let elsewhere = pushed.filter(|pushed| repository_of(&pushed.pullspec) != repository)?;
    Some(format!("it was pushed to {}", elsewhere.pullspec))
}

/// One build's inputs are credited with one image, for as long as that stands.
fn second_credit(model: &Model, pool: &str, image: &str, hash: &str) -> Option<String> {
    let (credited, of) = model.past.get(pool)?.credited.as_ref()?;
    (of == hash && credited != image)
        .then(|| format!("{image} is published in place of {credited}, of the same inputs"))
}

/// A pullspec without its tag.
fn repository_of(pullspec: &str) -> &str {
    match pullspec.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => pullspec,
    }
}
