//! The cluster door: the only code that talks to an API server.
//!
//! [`transport`] is what every request goes through, [`door`] the requests that decisions lead to, [`watch`]
//! what comes back without being asked for each time, [`health`] whether it does, [`lease`] whether this process is the one that acts,
//! and [`snapshot`] what is there, for whoever only wants to look.

/// What keeps kube from logging answers as they are: an API server may quote credentials, and nothing takes them out of
/// what a library logs. Of connections that end it warns in words for its developers. It counts whatever level is asked
/// for.
pub const LOG_DIRECTIVE: &str = "kube_client::client=error";

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
