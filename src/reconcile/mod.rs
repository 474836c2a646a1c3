//! The pure core: what is wanted, what is there, and the next step from the one to the other.
//!
//! No client, no actor, no task, no clock and no randomness in here: everything that a function needs
//! is an argument, the time included. [`decide`](decide::decide) is the heart; the other modules are
//! what it reads ([`cache`](observed::cache), [`index`](observed::index), [`request`](inputs::request),
//! [`record`](pool::record)) and what it writes ([`metadata`](objects::metadata), [`patch`](pool::patch),
//! [`conditions`](pool::conditions), [`events`](pool::events)). [`report`](crate::report) tells people what it makes of
//! a pool.

pub mod decide;
pub mod inputs;
pub mod machine;
pub mod objects;
pub mod observed;
pub mod pool;
pub mod redact;
pub mod slots;
