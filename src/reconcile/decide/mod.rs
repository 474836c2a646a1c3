//! The next step of one pool, decided from its observed state: the central function of this program.
//!
//! Decisions are level-triggered: the same observed state gives the same decision, whatever happened before. So a step
//! that was cut short, or a process that died, needs no repair but another step. The effects of one step do not depend
//! on each other. Their answers update the observed state, and the next step starts from it: there is no half-done list
//! of effects that a change could invalidate.
//!
//! | file | concern |
//! |---|---|
//! | [`observed`] | the observed state, sorted: current, stale, foreign |
//! | `build_object` | one object of a build, and its labels and annotations |
//! | `reconcile_opted_in` | an opted-in pool: selects one of the concerns below |
//! | `start` | a missing build: wait, claim an attempt, create its objects |
//! | `loss` | a lost attempt: record it, and wait for the next or give up |
//! | `unseen` | builds whose API does not answer: wait, rather than build twice |
//! | `cause` | the cause of a failure, found in the output of a build |
//! | `commands` | the command that a user may run next |
//! | `conflict` | a foreign object under a name that the build needs |
//! | `held` | deleted objects that their finalizers keep |
//! | `track_build` | an existing build: show it, publish it, record its end |
//! | `diagnostics` | logs and Events that explain why a build did not succeed |
//! | `report_outcome` | nothing to build: clean up, and show the outcome |
//! | `clean_up` | a pool that is opted out or gone: clean up |
//! | `report_refusal` | requests that the API server refuses: show its message, and retry |
//! | `patches` | the patches of a pool: record, references, status |
//! | [`decision`], [`effect`], [`refusal`], `settings` | the types |

mod build_object;
pub mod cause;
mod clean_up;
pub(crate) mod commands;
mod conflict;
pub mod decision;
mod diagnostics;
pub mod effect;
mod held;
mod loss;
mod messages;
pub mod observed;
mod patches;
mod reconcile_opted_in;
pub mod refusal;
mod report_outcome;
mod report_refusal;
mod settings;
mod start;
mod track_build;
mod unseen;

pub use self::decision::Decision;
pub use self::effect::{Deletion, Diagnostics, DiagnosticsQuery, DiagnosticsSource, Effect, Part};
pub use self::observed::{Inputs, LoadedPayload};
pub use self::refusal::{Refusal, RequestKind};
pub use self::settings::DecideSettings;

/// The next step of the pool that `inputs` shows.
pub fn decide(inputs: &Inputs<'_>) -> Decision {
    let observed = observed::Observed::of(inputs);
    let decision = match &observed.pool {
        Some(pool) if pool.is_opted_in() && !pool.is_being_deleted() => reconcile_opted_in::decide(&observed, pool),
        pool => clean_up::decide(&observed, pool.as_ref()),
    };
    report_refusal::apply(&observed, decision)
}
