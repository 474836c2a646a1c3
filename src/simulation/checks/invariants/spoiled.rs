//! Whether a pool whose build failed shows that an input has become unusable since.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::event::Event;
use super::model::{Model, is_member};
use crate::api::names::BUILD_CONFIG;
use crate::api::{Kind, Object, Pool};
use crate::reconcile::inputs::image_ref;
use crate::reconcile::pool::record::BuildRecord;
use crate::simulation::checks::at_rest::Finding;

/// The time in which a failed pool shows that an input cannot be used, several faults of the network in sequence
/// included.
const SHOWN_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// The history of one input: the image name that all pools push to.
#[derive(Default)]
pub(super) struct SpoiledInput {
    /// Whether it cannot be used.
    is_spoiled: bool,
    /// The pools that show the failure of a build meanwhile, and since when.
    silent: BTreeMap<String, Timestamp>,
}

impl SpoiledInput {
    pub(super) fn observe(&mut self, event: &Event<'_>) {
        if event.kind == Kind::ConfigMap.name() && event.name == BUILD_CONFIG {
            let image = event.after.map(|config| config["data"]["finalImagePullspec"].as_str().unwrap_or_default());
            self.is_spoiled = image.is_some_and(|image| image_ref::repository(image).is_err());
        }
    }

    /// Pools that have shown an earlier failure for too long. `is_disturbed` is whether the daemon may be late.
    pub(super) fn faults(&mut self, model: &Model, is_disturbed: bool, now: Timestamp) -> Vec<Finding> {
        let is_silent = |name: &String| model.pools.get(name).is_some_and(shows_earlier_failure);
        let is_judged = self.is_spoiled && !is_disturbed;
        self.silent.retain(|name, _| is_judged && is_silent(name));
        if is_judged {
            for name in model.pools.keys().filter(|name| is_silent(name)) {
                self.silent.entry(name.clone()).or_insert(now);
            }
        }
        let late = self.silent.iter().filter(|(_, since)| now.duration_since(**since) > SHOWN_WITHIN);
        let fault = |(name, since): (&String, &Timestamp)| {
            let what = format!("shows the failure of a build since {since}, and {BUILD_CONFIG} cannot be used");
            Finding::of_pool(name, what)
        };
        late.map(fault).collect()
    }
}

/// Whether a pool shows that its build failed, and no other controller degrades it.
fn shows_earlier_failure(object: &Object) -> bool {
    let pool = Pool::new(object);
    is_member(object)
        && pool.blocked_by().is_none()
        && pool.failure().is_some()
        && BuildRecord::of(&pool).is_ok_and(|record| record.failed.is_some())
}
