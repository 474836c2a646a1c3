//! The pure core: what is wanted, what is there, and the next step from the one to the other.
//!
//! No client, no actor, no task, no clock and no randomness in here: everything that a function needs
//! is an argument, the time included. [`decide`](decide::decide) is the heart; the other modules are
//! what it reads ([`cache`], [`index`], [`request`], [`record`]) and what it writes ([`objects`], [`patch`],
//! [`conditions`], [`notes`]). [`report`] tells people what it makes of a pool.

pub mod build_settings;
pub mod builder;
pub mod cache;
pub mod conditions;
pub mod containerfile;
pub mod decide;
pub mod digest;
pub mod fault;
pub mod index;
pub mod inputs;
pub mod machine;
pub mod notes;
pub mod objects;
pub mod patch;
pub mod payload;
pub mod progress;
pub mod proxy;
pub mod pull_secret;
pub mod pullspec;
pub mod quantity;
pub mod record;
pub mod report;
pub mod request;
pub mod scope;
pub mod scrub;
pub mod slots;
pub mod sources;
pub mod stages;
pub mod status;
pub mod strays;
