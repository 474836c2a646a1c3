//! The result of one step of a pool.

use jiff::Timestamp;

use super::effect::Effect;
use crate::reconcile::slots::Demand;

/// The result of one step.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The pool's demand for build slots.
    pub demand: Demand,
    /// The effects to carry out now, each independent of the others.
    pub effects: Vec<Effect>,
    /// When to decide again, even if nothing changes.
    pub requeue_at: Option<Timestamp>,
}

impl Decision {
    /// A decision to do nothing until something changes.
    pub(super) const fn idle(demand: Demand) -> Self {
        Self { demand, effects: Vec::new(), requeue_at: None }
    }

    /// A decision with one effect.
    pub(super) fn act(demand: Demand, effect: Effect) -> Self {
        Self { demand, effects: vec![effect], requeue_at: None }
    }

    /// A decision with these effects; without any, the pool waits until `requeue_at`.
    pub(super) fn rest(
        demand: Demand,
        effects: impl IntoIterator<Item = Effect>,
        requeue_at: Option<Timestamp>,
    ) -> Self {
        Self { demand, effects: effects.into_iter().collect(), requeue_at }
    }
}
