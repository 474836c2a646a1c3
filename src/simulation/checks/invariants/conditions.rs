//! The conditions of a pool, and its references to build objects.

use serde_json::Value;

use super::model::{Model, annotation, is_member};
use crate::api::conditions::{BUILD_CONDITIONS, BUILD_FAILED, BUILD_PENDING, BUILD_SUCCESS, BUILDING, reason};
use crate::api::pool::{field, is_build_reference};
use crate::api::{Object, Pool, keys};
use crate::reconcile::pool::record::{BuildRecord, Failed};
use crate::simulation::checks::at_rest::Finding;

/// The daemon's write of a pool.
pub(super) struct Write<'a> {
    pub before: &'a Object,
    pub after: &'a Object,
    /// As it was before.
    pub model: &'a Model,
}

impl Write<'_> {
    /// After a write of conditions to a pool that is opted in, all four are there and one is True; one that is not
    /// has none of them.
    pub(super) fn one_of_four(&self) -> Vec<Finding> {
        let four = |pool: &Pool<'_>| BUILD_CONDITIONS.map(|type_| pool.condition(type_).cloned());
        let (was, is) = (Pool::new(self.before), Pool::new(self.after));
        let shown: Vec<&str> = BUILD_CONDITIONS.into_iter().filter(|type_| is.is_true(type_)).collect();
        if shown.len() > 1 {
            return self.fault(format!("{shown:?} are True at once"));
        }
        if four(&was) == four(&is) {
            return Vec::new();
        }
        let there = four(&is).iter().flatten().count();
        let is_right = if is_member(self.after) { shown.len() == 1 && there == 4 } else { there == 0 };
        if is_right { Vec::new() } else { self.fault(format!("of {there} of the four conditions, {shown:?} are True")) }
    }

    /// No condition becomes True on a pool that others degrade, but for the end of what was going on already.
    pub(super) fn blocked(&self) -> Vec<Finding> {
        let was = Pool::new(self.before);
        let is_finishing = self.model.past.get(was.name()).is_some_and(|past| past.is_finishing);
        let Some(by) = was.blocked_by().filter(|_| !is_finishing) else { return Vec::new() };
        let risen = self.risen();
        if risen.is_empty() { Vec::new() } else { self.fault(format!("{risen:?} become True under {by}")) }
    }

    /// `Degraded` becomes True together with the failure that it belongs to, and once for it.
    pub(super) fn degraded_once(&self) -> Vec<Finding> {
        let (was, is) = (Pool::new(self.before), Pool::new(self.after));
        if was.is_degraded_by_build() || !is.is_degraded_by_build() {
            return Vec::new();
        }
        if !is.is_true(BUILD_FAILED) || was.condition(BUILD_FAILED) == is.condition(BUILD_FAILED) {
            return self.fault("Degraded becomes True on its own");
        }
        let failed = BuildRecord::of(&is).unwrap_or_default().failed;
        let raised = self.model.past.get(is.name()).and_then(|past| past.raised.as_ref());
        // Only failures on record can be distinguished from each other; the same fault in the inputs may recur.
        let is_on_record =
            |failed: &Failed| Some(failed.message.as_str()) == is.condition(BUILD_FAILED).map(|c| field(c, "message"));
        if !was.is_true(BUILD_FAILED) {
            // The contract forbids to assert it again beside a failure that is shown already. Here the failure itself is
            // shown anew, as when the inputs that it belongs to come back while the pool waits to build others: it was
            // set False when those were to be built, and a failed pool is Degraded.
            return Vec::new();
        }
        match failed.filter(is_on_record) {
            Some(failed) if raised == Some(&failed) => self.fault("Degraded becomes True again for the same failure"),
            _ => Vec::new(),
        }
    }

    /// The status refers to what the spec refers to, and a condition is shown with the reference and the annotation
    /// that belong to it.
    pub(super) fn in_order(&self) -> Vec<Finding> {
        let (was, is) = (Pool::new(self.before), Pool::new(self.after));
        let (spec, status) = (builds(is.spec_source()), builds(is.status_source()));
        let known = builds(was.status_source());
        if let Some(early) = status.iter().find(|entry| !known.contains(entry) && !spec.contains(entry)) {
            return self.fault(format!("the status refers to {early}, and the spec does not"));
        }
        let Some(shown) = is.shown().filter(|shown| was.shown() != Some(*shown)) else { return Vec::new() };
        let (type_, why) = (field(shown, "type"), field(shown, "reason"));
        if spec != status {
            return self.fault(format!("{type_}/{why} is shown, and spec and status do not refer to the same"));
        }
        let is_referred_to = spec.len() == 1;
        let is_right = match (type_, why) {
            (BUILD_PENDING, reason::BUILD_PENDING) => is_referred_to || !self.has_current_build(),
            (BUILDING, _) => is_referred_to,
            // The API server may refuse the build object or another write, so the build object may exist or not.
            (BUILD_PENDING, reason::BUILD_REFUSED) => true,
            // A build that was lost too often has left nothing to refer to. A refusal that failed the build may be shown
            // in other words when the answer to the create is lost: the build object may exist then.
            (BUILD_FAILED, reason::BUILD_FAILED) => {
                is_referred_to || !self.has_current_build() || is_reworded(&was, shown)
            }
            (BUILD_FAILED, _) => true,
            _ => spec.is_empty(),
        };
        if is_right { Vec::new() } else { self.fault(format!("{type_}/{why} is shown with the references {spec:?}")) }
    }

    /// The daemon shows success once the image is published and all objects of the build are deleted or being deleted.
    pub(super) fn success_after_clean_up(&self) -> Vec<Finding> {
        if !self.risen().contains(&BUILD_SUCCESS) {
            return Vec::new();
        }
        let is = Pool::new(self.after);
        let record = BuildRecord::of(&is).unwrap_or_default();
        let image = is.annotation(keys::NEWEST_IMAGE);
        if record.published.is_none_or(|published| Some(published.image.as_str()) != image) {
            return self.fault(format!("success is shown, and the image is {image:?}"));
        }
        let left = self.model.made_for(is.name()).find(|(_, object)| object.metadata.deletion_timestamp.is_none());
        left.map_or_else(Vec::new, |((_, name), _)| self.fault(format!("success is shown while {name} is there")))
    }

    /// Whether there is an object of the build that the record says is under way or failed.
    fn has_current_build(&self) -> bool {
        let is = Pool::new(self.after);
        let record = BuildRecord::of(&is).unwrap_or_default();
        let Some(attempt) = record.attempt.filter(|attempt| attempt.lost.is_none()) else { return false };
        self.model.builds_of(is.name()).any(|build| {
            build.metadata.deletion_timestamp.is_none() && annotation(build, keys::INPUT_HASH) == attempt.hash
        })
    }

    /// The conditions of the four that become True.
    fn risen(&self) -> Vec<&'static str> {
        let (was, is) = (Pool::new(self.before), Pool::new(self.after));
        BUILD_CONDITIONS.into_iter().filter(|type_| is.is_true(type_) && !was.is_true(type_)).collect()
    }

    fn fault(&self, what: impl Into<String>) -> Vec<Finding> {
        vec![Finding::of_pool(Pool::new(self.after).name(), what)]
    }
}

/// Whether `was` showed the same as `shown`, in other words.
fn is_reworded(was: &Pool<'_>, shown: &Value) -> bool {
    was.shown().is_some_and(|was| ["type", "reason"].iter().all(|key| was[key] == shown[key]))
}

/// The references to build objects.
fn builds(source: &[Value]) -> Vec<&Value> {
    source.iter().filter(|reference| is_build_reference(reference)).collect()
}
