//! The pure core: it compares the desired state with the observed state and returns the next step.
//!
//! The core has no client, no actor, no task and no clock: everything that a function needs is an argument, the time
//! included. Its only randomness is the jitter of the machine's waits, from a seeded source that the driver passes in.
//! [`decide`](decide::decide) is the central function; the other modules are what it reads ([`cache`](observed::cache),
//! [`index`](observed::index), [`request`](inputs::request), [`record`](pool::record)) and what it writes
//! ([`metadata`](objects::metadata), [`patch`](pool::patch), [`conditions`](pool::conditions),
//! [`events`](pool::events)). [`report`](crate::report) shows its results to users.

pub mod decide;
pub mod inputs;
pub mod machine;
pub mod objects;
pub mod observed;
pub mod pool;
pub mod redact;
pub mod slots;
