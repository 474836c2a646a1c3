//! The cluster client: the only code that talks to an API server.
//!
//! Every request goes through [`transport`]. [`client`] sends the requests that carry out decisions, [`watch`] runs the
//! watches, and [`watch_health`] tells whether they still receive changes. [`lease`] decides whether this process
//! leads. [`snapshot`](crate::snapshot) reads the state of the cluster once, for the read-only commands.

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
