//! Reports on pools, for users and programs: the decisions of the pool's [machine](crate::reconcile::machine), without
//! carrying them out.
//!
//! | file | concern |
//! |---|---|
//! | [`DryRun`] | drives the pool's machine as its actor would, up to the first effect that is not on the pool itself |
//! | `state` | one word for the phase that results |
//! | `parts` | the built and the wanted inputs, attempts, build objects, blocking conditions |
//! | `queue` | the places of the pools that wait for a slot |
//! | `schema` | the fields of a report |
//! | `next` | the next step, and a useful command |
//! | [`daemon`] | the settings and the state that a daemon publishes on its Lease |
//! | [`text`] | a table, and a page for one pool |
//!
//! # The schema
//!
//! `status -o json` prints [`PoolReport`]s: names and meanings of its fields stay, and so do the words of [`PoolPhase`].
//! Fields, and words, may be added. A field that has nothing to say is `null`, or an empty list; times are RFC 3339 in
//! UTC. Nothing in it comes from a Secret.

pub mod daemon;
mod dry_run;
mod next;
mod parts;
mod queue;
mod schema;
mod state;
pub mod text;

pub use self::dry_run::{DryRun, Progress};
pub use self::queue::{Observation, reports};
pub use self::schema::{
    AttemptReport, Blocker, BuildReport, Condition, InputFaultReport, InputField, Next, PoolReport, Queue,
};
pub use self::state::PoolPhase;
