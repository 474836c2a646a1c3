//! Registries: how to reach them, and how to authenticate to them.

pub mod authfile;
pub mod certificates;
pub(super) mod client;
