//! Looks again and again, as the daemon would, up to the first effect that is not on the pool itself.
//!
//! What the daemon would write to the pool is written to a copy of it, so that a pool whose daemon has not come to it
//! yet, or is not there, is seen as it will be. What is done to other objects takes its time, and is where it stops.

use std::sync::Arc;

use jiff::Timestamp;

use crate::api::{Key, Kind, Object, ResourceVersion, Sensitive};
use crate::plan::cache::{Cache, Change};
use crate::plan::decide::facts::Facts;
use crate::plan::decide::{Decision, Effect, Evidence, View, decide};
use crate::plan::request::Wanted;
use crate::plan::slots::Demand;

/// Effects on one pool in a row; more than these there are not, whatever it is about.
const EFFECTS_MAX: usize = 32;

/// What has to be read before it can be said how a pool is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Whether there is an object of this key that no list tells of.
    Object(Key),
    /// The MachineConfig of this name, compressed, of the version that is known.
    Payload(String, Option<String>),
}

/// What the looks came to.
pub(super) struct Looked {
    /// The last decision.
    pub decision: Decision,
    /// The first effect that is due, Events aside.
    pub due: Option<Effect>,
    /// What is known of the cluster, with the pool as it will be.
    pub cache: Cache,
}

pub(super) fn look(view: &View<'_>) -> Result<Looked, Wish> {
    let (mut cache, mut told, mut due) = (view.cache.clone(), view.told.clone(), None);
    let mut evidence = view.evidence.clone();
    let view = &View { now: latest(view), ..*view };
    let key = Key::new(Kind::MachineConfigPool, view.pool);
    for _ in 0..EFFECTS_MAX {
        let view = View { cache: &cache, told: &told, evidence: &evidence, ..*view };
        let decision = decide(&View { has_slot: has_begun(&view), ..view });
        let change = match &decision.effect {
            Some(Effect::Tell(note)) => {
                let Some(pool) = cache.get(&key) else { return Ok(Looked { decision, due, cache }) };
                told.insert(note.event_name(&crate::api::Pool::new(pool)));
                continue;
            }
            Some(Effect::Seek(search)) => {
                // Only the daemon adds to what is shown, and it waits for nothing that it may find.
                evidence.insert(search.uid.clone(), Evidence::Found(Sensitive::default()));
                continue;
            }
            Some(Effect::Read(key)) => return Err(Wish::Object(key.clone())),
            // It holds no slot for that: it is to see whether what is shown is still so.
            Some(Effect::Prepare { rendered, version }) if decision.demand == Demand::None => {
                return Err(Wish::Payload(rendered.clone(), version.clone()));
            }
            Some(Effect::PatchPool(patch) | Effect::PatchStatus(patch)) => patched(&cache, &key, patch),
            _ => None,
        };
        due = due.or_else(|| decision.effect.clone());
        let is_news = change.is_some_and(|change| cache.apply(&change));
        if !is_news {
            return Ok(Looked { decision, due, cache });
        }
    }
    let decision = decide(&View { cache: &cache, told: &told, evidence: &evidence, ..*view });
    Ok(Looked { decision, due, cache })
}

/// The time, and no earlier than any that the daemon has written down: its clock is the one that counts.
fn latest(view: &View<'_>) -> Timestamp {
    let attempt = Facts::of(view).record.attempt;
    let times = attempt.map(|attempt| attempt.lost.map_or(attempt.started, |lost| lost.at.max(attempt.started)));
    times.map_or(view.now, |time| time.max(view.now))
}

/// Whether the build that is wanted was begun: who has claimed an attempt was given a slot for it.
fn has_begun(view: &View<'_>) -> bool {
    let facts = Facts::of(view);
    let Wanted::Known(request) = &facts.wanted else { return false };
    facts.record.attempt_at(&request.hash).is_some_and(|attempt| attempt.lost.is_none())
}

/// The pool with a patch carried out.
fn patched(cache: &Cache, key: &Key, patch: &json_patch::Patch) -> Option<Change> {
    let before = cache.get(key)?;
    let mut document = serde_json::to_value(&**before).ok()?;
    json_patch::patch(&mut document, patch).ok()?;
    let mut after: Object = serde_json::from_value(document).ok()?;
    after.metadata.resource_version = Some(ResourceVersion::of(before).next());
    Some(Change::Applied(key.clone(), Arc::new(after)))
}
