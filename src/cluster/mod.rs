//! The cluster door: the only code that talks to an API server.
//!
//! [`transport`] is what every request goes through, [`client`] the requests that decisions lead to, [`watch`]
//! what comes back without being asked for each time, [`watch_health`] whether it does, [`lease`] whether this process
//! is the one that acts, and [`snapshot`](crate::snapshot) what is there, for whoever only wants to look.

/// What keeps kube from logging answers as they are: an API server may quote credentials, and nothing takes them out of
/// what a library logs. Of connections that end it warns in words for its developers. It counts whatever level is asked
/// for.
pub const LOG_DIRECTIVE: &str = "kube_client::client=error";

pub mod client;
pub mod connect;
mod error;
pub mod idle_body;
pub mod lease;
pub mod meter;
mod request_info;
pub mod transport;
pub mod watch;
pub mod watch_health;
