//! The cluster door: the only code that talks to an API server.
//!
//! [`transport`] is what every request goes through, [`door`] the requests that decisions lead to, and
//! [`watch`] what comes back without being asked for each time.

pub mod door;
pub mod transport;
pub mod watch;
