//! Registries: how to reach them, and what they want to be shown.

pub mod authfile;
pub mod certificates;
pub(super) mod client;
