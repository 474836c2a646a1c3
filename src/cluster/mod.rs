//! The cluster door: the only code that talks to an API server.
//!
//! [`transport`] is what every request goes through, [`door`] the requests that decisions lead to, [`watch`]
//! what comes back without being asked for each time, [`health`] whether it does, [`lease`] whether this process is the one that acts,
//! and [`snapshot`] what is there, for whoever only wants to look.

pub mod body;
pub mod connect;
pub mod door;
pub mod health;
pub mod lease;
pub mod meter;
mod requests;
pub mod snapshot;
pub mod transport;
pub mod watch;
